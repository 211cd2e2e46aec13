// Reads a sorted table. Opening checks that the file is the table that the
// manifest names and pins index and filter in memory; data blocks come one by
// one, through a cache.
//
// Bytes that are not what was written are answered with kDataLoss naming the
// file and the offset: never with a wrong or missing entry.

#ifndef HOLDFAST_ENGINE_TABLE_TABLE_READER_H_
#define HOLDFAST_ENGINE_TABLE_TABLE_READER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/cache/sharded_cache.h"
#include "engine/cache/slab_pool.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/iter/internal_iterator.h"
#include "engine/table/block.h"
#include "engine/table/block_cache.h"
#include "engine/table/filter.h"
#include "engine/table/table_index.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

struct TableReadOptions {
  // Read at once from the end of the file when it is opened. Footer,
  // properties, index and filter of most tables fit: one read opens them.
  size_t tail_bytes = size_t{64} << 10;
};

struct BlockReadOptions {
  // See ReadOptions.
  bool verify_checksums = true;
  bool fill_cache = true;
  // The reader goes through whole tables: read far ahead from the first block.
  bool whole_table = false;
};

// What a point read found.
struct TableLookup {
  enum Kind { kAbsent, kValue, kDeletion };
  Kind kind = kAbsent;
  std::string_view value;  // Lives as long as `pin`.
  SequenceNumber sequence = 0;
  std::shared_ptr<const void> pin;
  // The filter said that the key is not there, and no block was read.
  bool filter_skipped = false;
};

// Thread-safe: constant after Open.
class TableReader {
  struct Private {
    explicit Private() = default;
  };

 public:
  // Opens the table `number` with exactly `bytes` bytes and that identity.
  // `cache` may be nullptr and must outlive the reader. kDataLoss when the file
  // is anything else; kUnimplemented when a later version wrote it.
  static absl::StatusOr<std::shared_ptr<const TableReader>> Open(
      const TableReadOptions& options, std::unique_ptr<RandomAccessFile> file,
      std::string path, uint64_t number, uint64_t bytes, uint64_t identity,
      BlockCache* cache);

  // Only Open can name a Private.
  TableReader(Private, std::unique_ptr<RandomAccessFile> file, std::string path,
              uint64_t number, uint64_t bytes, uint64_t identity,
              BlockCache* cache);

  // Finds the newest version of key.user_key() at or below key.sequence().
  // `key_hash` is HashKey of the user key.
  absl::Status Get(const BlockReadOptions& options, const LookupKey& key,
                   uint64_t key_hash, TableLookup* result) const;

  // Asks for the filter line of a key ahead of Get.
  void PrefetchFilter(uint64_t key_hash) const;

  // The reader must outlive the iterator.
  std::unique_ptr<InternalIterator> NewIterator(
      const BlockReadOptions& options) const;

  // Reads the whole file again, not through the cache, and checks all that the
  // format promises: checksums, order within and across blocks, separators,
  // that the filter knows every key, and what the properties say.
  absl::Status Verify() const;

  // Takes its blocks out of the cache: nobody is to read the table any more.
  // (Who does all the same reads the file.)
  void ForgetBlocks() const;

  const TableProperties& properties() const { return tail_.properties; }
  const std::string& path() const { return path_; }
  uint64_t number() const { return number_; }
  // Of index and filter, pinned while the table is open.
  size_t memory_bytes() const;

 private:
  class Iterator;
  struct ReadAhead;

  // What is kept of everything behind the data blocks.
  struct Tail {
    TableFooter footer;
    TableProperties properties;
    std::optional<TableIndex> index;  // Always there, once it was read.
    std::optional<Filter> filter;
  };

  absl::StatusOr<Tail> ReadTail(size_t tail_bytes) const;
  absl::Status CheckIndex(const Tail& tail) const;
  // Fills [offset, offset + n) of the file into `data`.
  absl::Status ReadExactly(uint64_t offset, size_t n, char* data) const;
  // Data block i, from the cache or the file. `ahead` is what the caller, who
  // reads one block after another, has read ahead; or nullptr.
  absl::StatusOr<std::shared_ptr<const Block>> GetBlock(
      const BlockReadOptions& options, size_t i, ReadAhead* ahead) const;
  // Asks for the first lines of data block i, if there is one, where it was
  // last, which need not be the case any more: they come while the cache is
  // asked. And for what that will look at.
  void PrefetchBlock(size_t i, size_t lines) const;
  // Takes note of where it is, or that it is not in the cache (nullptr).
  void NoteBlock(size_t i, const Block* block) const;
  // Whether a block that is read may be put into the cache.
  bool MayKeep(const BlockReadOptions& options) const;
  CacheKey CacheKeyOf(size_t i) const;
  // The same of a block that is not in the cache, put there when `keep`.
  absl::StatusOr<std::shared_ptr<const Block>> LoadBlock(
      const BlockReadOptions& options, size_t i, ReadAhead* ahead,
      bool keep) const;
  // Looks for `key` in data block i, which is not in the cache and is not to be
  // put there: searched as it is stored. What it finds goes to *result.
  absl::Status SearchStored(const BlockReadOptions& options, size_t i,
                            const LookupKey& key, Block::Answer* answer,
                            TableLookup* result) const;
  // That the keys of data block i lie above the separator before and not above
  // its own: else entries would come out of order, and searches would miss
  // them, with nothing to say so.
  absl::Status CheckKeys(std::string_view smallest, std::string_view largest,
                         size_t i) const;
  absl::Status CheckKeys(const Block& block, size_t i) const;
  // Memory of the block is from `pool`, unless that is null.
  absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(
      bool verify_checksum, const BlockHandle& handle, SlabPool* pool) const;
  // The same for a block that is likely to be followed by the next ones.
  absl::StatusOr<std::shared_ptr<const Block>> ReadBlockAhead(
      bool verify_checksum, const BlockHandle& handle, ReadAhead* ahead,
      SlabPool* pool) const;
  // What a block holds, in the memory of `owner` or, when that is null, in
  // memory that lasts until this thread reads the next one.
  struct Payload {
    std::string_view bytes;
    std::unique_ptr<char[]> owner;
  };
  absl::StatusOr<Payload> ReadPayload(bool verify_checksum,
                                      const BlockHandle& handle) const;
  // That of the payload and trailer `stored`, in the memory of `owner` or, when
  // that is null, in memory that lasts as long.
  absl::StatusOr<Payload> DecodePayload(bool verify_checksum,
                                        const BlockHandle& handle,
                                        std::string_view stored,
                                        std::unique_ptr<char[]> owner) const;
  absl::StatusOr<std::shared_ptr<const Block>> ParsePayload(
      Payload payload, const BlockHandle& handle, SlabPool* pool) const;

  const std::unique_ptr<RandomAccessFile> file_;
  const std::string path_;
  const uint64_t number_;
  const uint64_t bytes_;
  const uint64_t identity_;
  BlockCache* const cache_;
  Tail tail_;  // Set once, by Open.
  // What the filter said last, as a guess at what it will say (relaxed).
  mutable std::atomic<bool> last_skipped_{false};
  // Where each data block was last. Never looked into: hints (relaxed).
  std::unique_ptr<std::atomic<const Block*>[]> last_at_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_TABLE_READER_H_
