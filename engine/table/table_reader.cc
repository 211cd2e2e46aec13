#include "engine/table/table_reader.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/table/compression.h"

namespace holdfast {
namespace {

// Blocks up to this go through memory that a thread keeps for it, which is in
// its nearest caches, on their way to memory of their own, which then is of the
// right size and one piece.
constexpr size_t kScratchBytes = size_t{32} << 10;

// Lines at the begin of a block that are asked for before it is known whether
// it is still there: what a search looks at first; that and the first entries.
constexpr size_t kLinesToSearch = 5;
constexpr size_t kLinesToWalk = 10;

// Memory for n bytes until the next call, or nullptr when they are too many.
char* StoredScratch(size_t n) {
  thread_local const auto scratch =
      std::make_unique_for_overwrite<char[]>(kScratchBytes);
  return n <= kScratchBytes ? scratch.get() : nullptr;
}

char* RawScratch(size_t n) {
  thread_local const auto scratch =
      std::make_unique_for_overwrite<char[]>(kScratchBytes);
  return n <= kScratchBytes ? scratch.get() : nullptr;
}

// Says in *result what the entry is whose key has that trailer.
void TakeTrailer(uint64_t trailer, TableLookup* result) {
  result->kind = (trailer & 0xff) == static_cast<uint64_t>(ValueType::kValue)
                     ? TableLookup::kValue
                     : TableLookup::kDeletion;
  result->sequence = trailer >> 8;
}

Block::Answer SearchBlock(std::shared_ptr<const Block> block,
                          const LookupKey& key, TableLookup* result) {
  uint64_t trailer;
  const Block::Answer answer =
      block->Find(key.internal_key(), &trailer, &result->value);
  if (answer == Block::Answer::kFound) {
    TakeTrailer(trailer, result);
    result->pin = std::move(block);
  }
  return answer;
}

// Sums up the entries of a table as they come, in order, for Verify.
class Census {
 public:
  // RETURNS what is wrong with the entry, or nullptr.
  const char* Add(std::string_view key, std::string_view value,
                  const Filter* filter) {
    ParsedInternalKey parsed;
    if (!ParseInternalKey(key, &parsed)) return "bad internal key";
    if (found_.entries > 0 && CompareInternalKeys(found_.largest, key) >= 0) {
      return "keys out of order across blocks";
    }
    if (filter != nullptr && !filter->MayContain(HashKey(parsed.user_key))) {
      return "key is not in the filter";
    }
    if (found_.entries == 0) {
      found_.smallest = key;
      found_.smallest_sequence = found_.largest_sequence = parsed.sequence;
    }
    found_.largest = key;
    found_.smallest_sequence =
        std::min(found_.smallest_sequence, parsed.sequence);
    found_.largest_sequence =
        std::max(found_.largest_sequence, parsed.sequence);
    ++found_.entries;
    found_.tombstones += parsed.type == ValueType::kDeletion;
    found_.raw_key_bytes += key.size();
    found_.raw_value_bytes += value.size();
    return nullptr;
  }

  // The first property that is not what was found; nullptr when all are.
  const char* FindDifference(const TableProperties& said) const {
    if (said.entries != found_.entries) return "entries";
    if (said.tombstones != found_.tombstones) return "tombstones";
    if (said.smallest != found_.smallest) return "smallest key";
    if (said.largest != found_.largest) return "largest key";
    if (said.smallest_sequence != found_.smallest_sequence) {
      return "smallest sequence";
    }
    if (said.largest_sequence != found_.largest_sequence) {
      return "largest sequence";
    }
    if (said.raw_key_bytes != found_.raw_key_bytes) return "raw key bytes";
    if (said.raw_value_bytes != found_.raw_value_bytes) {
      return "raw value bytes";
    }
    return nullptr;
  }

  const std::string& last_key() const { return found_.largest; }

 private:
  TableProperties found_;
};

}  // namespace

// A part of the file, beyond the blocks that were asked for: one read instead
// of many. It begins with the third block in a row, so that a short scan does
// not pay for it, and doubles.
struct TableReader::ReadAhead {
  static constexpr size_t kFirstBytes = size_t{16} << 10;
  static constexpr size_t kMostBytes = size_t{256} << 10;
  static constexpr size_t kBlocksBefore = 2;

  // Takes note that block i is read now.
  void Step(size_t i) {
    if (i != next) {
      in_a_row = 0;
      window = kFirstBytes;
    }
    ++in_a_row;
    next = i + 1;
  }

  size_t next = SIZE_MAX;  // The block after the last one.
  size_t in_a_row = 0;
  size_t window = kFirstBytes;  // To be read the next time.
  bool failed = false;          // Read no more ahead.

  // What was read.
  std::unique_ptr<char[]> data;
  size_t room = 0;
  uint64_t begin = 0;
  size_t bytes = 0;
};

// Walks the data blocks by their numbers.
//
// Invariants: (1) when data_ is Valid, it stands in block_, which is number
// loaded_. (2) data_ is not Valid after an error. (3) We stand where data_
// stands.
class TableReader::Iterator final : public InternalIterator {
 public:
  Iterator(const TableReader* table, const BlockReadOptions& options)
      : table_(table), options_(options) {}

  bool SeekToFirst() override {
    if (LoadBlock(0)) data_.SeekToFirst();
    return StandWhere(data_);
  }

  bool SeekToLast() override {
    if (LoadBlock(blocks() - 1)) data_.SeekToLast();
    return StandWhere(data_);
  }

  bool Seek(std::string_view target) override {
    const size_t i = table_->tail_.index->Find(target);
    if (LoadBlock(i)) {
      data_.Seek(target);
      // The target may lie between the last key of this block and its
      // separator.
      if (!data_.Valid() && LoadBlock(i + 1)) data_.SeekToFirst();
    }
    return StandWhere(data_);
  }

  bool Next() override {
    HF_DCHECK(Valid());
    std::string_view key;
    std::string_view value;
    const auto entries = static_cast<uint32_t>(block_->entries());
    if (data_.StepBefore(entries, &key, &value)) [[likely]]
      return StandOn(key, value);
    // No block is empty.
    if (LoadBlock(loaded_ + 1)) data_.SeekToFirst();
    return StandWhere(data_);
  }

  bool Prev() override {
    HF_DCHECK(Valid());
    data_.Prev();
    if (!data_.Valid() && LoadBlock(loaded_ - 1)) [[unlikely]]
      data_.SeekToLast();
    return StandWhere(data_);
  }

  absl::Status status() const override { return status_; }

  BlockIterator* BeginRun(SequenceNumber as_of, std::string_view*) override {
    if (!block_->ShowsAll(as_of)) return nullptr;
    // Who walks is likely to come to the next block, and meanwhile it comes.
    table_->PrefetchBlock(loaded_ + 1, kLinesToWalk);
    return &data_;
  }
  void EndRun() override { StandWhere(data_); }

 private:
  size_t blocks() const { return table_->tail_.index->blocks(); }

  // Makes data_ stand before block i. RETURNS false, with data_ not Valid, when
  // there is no such block (also for -1) or after an error.
  bool LoadBlock(size_t i) {
    status_ = absl::OkStatus();
    if (i >= blocks()) {
      data_.Reset(nullptr);
      return false;
    }
    if (block_ == nullptr || i != loaded_) {
      data_.Reset(nullptr);
      previous_block_ = std::move(block_);
      absl::StatusOr<std::shared_ptr<const Block>> block =
          table_->GetBlock(options_, i, &ahead_);
      if (!block.ok()) {
        block_ = nullptr;
        if (!HF_MUTANT("table_reader.bad_block_is_an_error")) {
          status_ = block.status();
        }
        return false;
      }
      block_ = *std::move(block);
      loaded_ = i;
    }
    data_.Reset(block_.get());
    return true;
  }

  const TableReader* const table_;
  const BlockReadOptions options_;
  std::shared_ptr<const Block> block_;
  size_t loaded_ = 0;  // The number of block_.
  ReadAhead ahead_;
  // The one before, whose value may still be looked at.
  std::shared_ptr<const Block> previous_block_;
  Block::Iterator data_;
  absl::Status status_;
};

TableReader::TableReader(Private, std::unique_ptr<RandomAccessFile> file,
                         std::string path, uint64_t number, uint64_t bytes,
                         uint64_t identity, BlockCache* cache)
    : file_(std::move(file)),
      path_(std::move(path)),
      number_(number),
      bytes_(bytes),
      identity_(identity),
      cache_(cache) {}

absl::StatusOr<std::shared_ptr<const TableReader>> TableReader::Open(
    const TableReadOptions& options, std::unique_ptr<RandomAccessFile> file,
    std::string path, uint64_t number, uint64_t bytes, uint64_t identity,
    BlockCache* cache) {
  auto reader =
      std::make_shared<TableReader>(Private(), std::move(file), std::move(path),
                                    number, bytes, identity, cache);
  HF_ASSIGN_OR_RETURN(reader->tail_, reader->ReadTail(options.tail_bytes));
  reader->last_at_ = std::make_unique<std::atomic<const Block*>[]>(
      reader->tail_.index->blocks());
  return reader;
}

absl::StatusOr<TableReader::Tail> TableReader::ReadTail(
    size_t tail_bytes) const {
  HF_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (size != bytes_ && !HF_MUTANT("table_reader.size")) {
    return DataLoss(path_, std::min(size, bytes_),
                    absl::StrCat("file has ", size, " bytes, not ", bytes_));
  }
  // Read the end of the file, and what is missing of the tail before it once
  // the footer tells where it begins.
  const size_t n = static_cast<size_t>(
      std::min<uint64_t>(bytes_, std::max(tail_bytes, kFooterBytes)));
  uint64_t begin = bytes_ - n;
  auto buffer = std::make_unique_for_overwrite<char[]>(n);
  HF_RETURN_IF_ERROR(ReadExactly(begin, n, buffer.get()));
  Tail tail;
  HF_ASSIGN_OR_RETURN(
      tail.footer,
      DecodeTableFooter(path_, bytes_, std::string_view(buffer.get(), n)));
  HF_RETURN_IF_ERROR(
      CheckTableIdentity(path_, bytes_, tail.footer, number_, identity_));
  const uint64_t wanted = tail.footer.data_end();
  if (wanted < begin) {
    const size_t missing = static_cast<size_t>(begin - wanted);
    auto larger = std::make_unique_for_overwrite<char[]>(missing + n);
    HF_RETURN_IF_ERROR(ReadExactly(wanted, missing, larger.get()));
    std::memcpy(larger.get() + missing, buffer.get(), n);
    buffer = std::move(larger);
    begin = wanted;
  }

  // The footer tiles the file: all handles lie in [begin, bytes_).
  const auto payload_of =
      [&](const BlockHandle& handle) -> absl::StatusOr<std::string_view> {
    const std::string_view block(buffer.get() + (handle.offset - begin),
                                 handle.size + kBlockTrailerBytes);
    Compression type;
    HF_RETURN_IF_ERROR(CheckBlockTrailer(path_, identity_, handle.offset, block,
                                         /*verify_checksum=*/true, &type));
    if (type != Compression::kNone) {
      return DataLoss(path_, handle.offset, "compressed block in the tail");
    }
    return block.substr(0, handle.size);
  };
  const BlockHandle& at = tail.footer.properties;
  HF_ASSIGN_OR_RETURN(std::string_view payload, payload_of(at));
  HF_ASSIGN_OR_RETURN(tail.properties,
                      DecodeTableProperties(path_, at.offset, payload));
  HF_ASSIGN_OR_RETURN(payload, payload_of(tail.footer.index));
  HF_ASSIGN_OR_RETURN(
      tail.index, TableIndex::Parse(payload, path_, tail.footer.index.offset));
  if (tail.footer.has_filter()) {
    HF_ASSIGN_OR_RETURN(payload, payload_of(tail.footer.filter));
    HF_ASSIGN_OR_RETURN(
        tail.filter, Filter::Parse(payload, path_, tail.footer.filter.offset));
  }
  HF_RETURN_IF_ERROR(HF_STEP("table_reader.index_covers", CheckIndex(tail)));
  return tail;
}

absl::Status TableReader::CheckIndex(const Tail& tail) const {
  const uint64_t offset = tail.footer.index.offset;
  const uint64_t data_end = tail.footer.data_end();
  uint64_t end = 0;
  for (size_t i = 0; i < tail.index->blocks(); ++i) {
    const BlockHandle& handle = tail.index->handle(i);
    const bool adjacent = handle.offset == end &&
                          data_end - end >= kBlockTrailerBytes &&
                          data_end - end - kBlockTrailerBytes >= handle.size;
    if (!adjacent) {
      return DataLoss(path_, offset, "index does not follow the data blocks");
    }
    // Whoever reads a block takes memory for all of it.
    if (handle.size > kMaxBlockBytes) {
      return DataLoss(path_, offset, "index names a block larger than any");
    }
    end = handle.end();
  }
  if (end != data_end || tail.index->blocks() != tail.properties.data_blocks) {
    return DataLoss(path_, offset, "index does not cover the data blocks");
  }
  return absl::OkStatus();
}

absl::Status TableReader::ReadExactly(uint64_t offset, size_t n,
                                      char* data) const {
  std::string_view result;
  HF_RETURN_IF_ERROR(file_->Read(offset, n, data, &result));
  if (result.size() != n && !HF_MUTANT("table_reader.short_read")) {
    return DataLoss(path_, offset + result.size(), "file ends too early");
  }
  if (result.data() != data) std::memcpy(data, result.data(), n);
  return absl::OkStatus();
}

void TableReader::PrefetchBlock(size_t i, size_t lines) const {
  constexpr size_t kLineBytes = 64;
  if (cache_ == nullptr || i >= tail_.index->blocks()) return;
  cache_->Prefetch(CacheKeyOf(i));
  const char* const at = reinterpret_cast<const char*>(
      last_at_[i].load(std::memory_order_relaxed));
  if (at == nullptr) return;
  for (size_t line = 0; line < lines; ++line) {
    __builtin_prefetch(at + line * kLineBytes);
  }
}

void TableReader::NoteBlock(size_t i, const Block* block) const {
  // Written only when it changes, to leave the line clean.
  if (last_at_[i].load(std::memory_order_relaxed) != block) {
    last_at_[i].store(block, std::memory_order_relaxed);
  }
}

bool TableReader::MayKeep(const BlockReadOptions& options) const {
  // What was not verified must not serve those who ask for it.
  return cache_ != nullptr && options.fill_cache &&
         (options.verify_checksums ||
          HF_MUTANT("table_reader.unverified_is_not_cached"));
}

CacheKey TableReader::CacheKeyOf(size_t i) const {
  return BlockCacheKey(
      HF_MUTANT("table_reader.cache_by_identity") ? 0 : identity_, i);
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::GetBlock(
    const BlockReadOptions& options, size_t i, ReadAhead* ahead) const {
  if (ahead != nullptr) ahead->Step(i);
  if (cache_ != nullptr) {
    PrefetchBlock(i, kLinesToSearch);
    std::shared_ptr<const Block> block = cache_->Lookup(CacheKeyOf(i));
    NoteBlock(i, block.get());
    if (block != nullptr) return block;
  }
  return LoadBlock(options, i, ahead, MayKeep(options));
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::LoadBlock(
    const BlockReadOptions& options, size_t i, ReadAhead* ahead,
    bool keep) const {
  const BlockHandle& handle = tail_.index->handle(i);
  const bool read_ahead =
      ahead != nullptr && !ahead->failed &&
      (options.whole_table || ahead->in_a_row > ReadAhead::kBlocksBefore);
  if (read_ahead && options.whole_table) ahead->window = ReadAhead::kMostBytes;
  SlabPool* const pool = keep ? cache_->memory() : nullptr;
  HF_ASSIGN_OR_RETURN(
      std::shared_ptr<const Block> block,
      read_ahead ? ReadBlockAhead(options.verify_checksums, handle, ahead, pool)
                 : ReadBlock(options.verify_checksums, handle, pool));
  HF_RETURN_IF_ERROR(CheckKeys(*block, i));
  if (!keep) return block;
  const size_t charge = block->memory_bytes();
  return cache_->Insert(CacheKeyOf(i), std::move(block), charge);
}

absl::StatusOr<TableReader::Payload> TableReader::ReadPayload(
    bool verify_checksum, const BlockHandle& handle) const {
  const size_t n = handle.size + kBlockTrailerBytes;
  // A block that takes these over keeps them; from a scratch it is copied.
  std::unique_ptr<char[]> stored;
  char* to = StoredScratch(n);
  if (to == nullptr) {
    stored = std::make_unique_for_overwrite<char[]>(n);
    to = stored.get();
  }
  HF_RETURN_IF_ERROR(ReadExactly(handle.offset, n, to));
  return DecodePayload(verify_checksum, handle, std::string_view(to, n),
                       std::move(stored));
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ReadBlock(
    bool verify_checksum, const BlockHandle& handle, SlabPool* pool) const {
  HF_ASSIGN_OR_RETURN(Payload payload, ReadPayload(verify_checksum, handle));
  return ParsePayload(std::move(payload), handle, pool);
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ReadBlockAhead(
    bool verify_checksum, const BlockHandle& handle, ReadAhead* ahead,
    SlabPool* pool) const {
  const size_t n = handle.size + kBlockTrailerBytes;
  if (handle.offset < ahead->begin ||
      handle.end() > ahead->begin + ahead->bytes) {
    const auto want = static_cast<size_t>(std::min<uint64_t>(
        ahead->window, tail_.footer.data_end() - handle.offset));
    ahead->bytes = 0;
    ahead->window = std::min(2 * ahead->window, ReadAhead::kMostBytes);
    if (want <= n) return ReadBlock(verify_checksum, handle, pool);
    if (ahead->room < want) {
      ahead->data = std::make_unique_for_overwrite<char[]>(want);
      ahead->room = want;
    }
    std::string_view read;
    const absl::Status status =
        file_->Read(handle.offset, want, ahead->data.get(), &read);
    if (!status.ok()) {
      // Who seeks again gets as far as the file can be read.
      ahead->failed = true;
      return status;
    }
    if (read.size() != want) return ReadBlock(verify_checksum, handle, pool);
    if (read.data() != ahead->data.get()) {
      std::memcpy(ahead->data.get(), read.data(), want);
    }
    ahead->begin = handle.offset;
    ahead->bytes = want;
  }
  const char* const at = ahead->data.get() + (handle.offset - ahead->begin);
  HF_ASSIGN_OR_RETURN(
      Payload payload,
      DecodePayload(verify_checksum, handle, std::string_view(at, n), nullptr));
  return ParsePayload(std::move(payload), handle, pool);
}

absl::StatusOr<TableReader::Payload> TableReader::DecodePayload(
    bool verify_checksum, const BlockHandle& handle, std::string_view stored,
    std::unique_ptr<char[]> owner) const {
  Compression type;
  HF_RETURN_IF_ERROR(CheckBlockTrailer(path_, identity_, handle.offset, stored,
                                       verify_checksum, &type));
  const std::string_view payload = stored.substr(0, handle.size);
  if (type == Compression::kNone) return Payload{payload, std::move(owner)};
  HF_ASSIGN_OR_RETURN(
      const CompressedBlock compressed,
      OpenCompressedBlock(type, payload, kMaxBlockBytes, path_, handle.offset));
  const size_t n = compressed.raw_bytes;
  std::unique_ptr<char[]> own;
  char* to = RawScratch(n);
  if (to == nullptr) {
    own = std::make_unique_for_overwrite<char[]>(n);
    to = own.get();
  }
  HF_RETURN_IF_ERROR(DecompressTo(compressed, to, path_, handle.offset));
  return Payload{std::string_view(to, n), std::move(own)};
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ParsePayload(
    Payload payload, const BlockHandle& handle, SlabPool* pool) const {
  return payload.owner != nullptr
             ? Block::Parse(std::move(payload.owner), payload.bytes.size(),
                            path_, handle.offset)
             : Block::Parse(payload.bytes, path_, handle.offset, pool);
}

absl::Status TableReader::SearchStored(const BlockReadOptions& options,
                                       size_t i, const LookupKey& key,
                                       Block::Answer* answer,
                                       TableLookup* result) const {
  const BlockHandle& handle = tail_.index->handle(i);
  HF_ASSIGN_OR_RETURN(Payload payload,
                      ReadPayload(options.verify_checksums, handle));
  if (payload.owner != nullptr) {  // Large: a copy costs more than the block.
    HF_ASSIGN_OR_RETURN(std::shared_ptr<const Block> block,
                        ParsePayload(std::move(payload), handle, nullptr));
    HF_RETURN_IF_ERROR(CheckKeys(*block, i));
    *answer = SearchBlock(std::move(block), key, result);
    return absl::OkStatus();
  }
  BlockKeyBuffer buffer;
  Block::Found found;
  HF_RETURN_IF_ERROR(Block::FindIn(payload.bytes, key.internal_key(), path_,
                                   handle.offset, &buffer, &found));
  HF_RETURN_IF_ERROR(CheckKeys(found.smallest, found.largest, i));
  *answer = found.answer;
  if (found.answer != Block::Answer::kFound) return absl::OkStatus();
  TakeTrailer(found.trailer, result);
  const size_t n = found.value.size();
  auto copy = std::make_shared_for_overwrite<char[]>(n);
  std::memcpy(copy.get(), found.value.data(), n);
  result->value = std::string_view(copy.get(), n);
  result->pin = std::move(copy);
  return absl::OkStatus();
}

absl::Status TableReader::CheckKeys(std::string_view smallest,
                                    std::string_view largest, size_t i) const {
  if (HF_MUTANT("table_reader.block_within_index_keys")) {
    return absl::OkStatus();
  }
  Block::Iterator separator;
  tail_.index->ReadSeparator(i, &separator);
  if (CompareInternalKeys(largest, separator.key()) > 0) {
    return DataLoss(path_, tail_.index->handle(i).offset,
                    "key above its index key");
  }
  if (i == 0) return absl::OkStatus();
  tail_.index->ReadSeparator(i - 1, &separator);
  if (CompareInternalKeys(separator.key(), smallest) >= 0) {
    return DataLoss(path_, tail_.index->handle(i).offset,
                    "key at or below the index key of the block before");
  }
  return absl::OkStatus();
}

absl::Status TableReader::CheckKeys(const Block& block, size_t i) const {
  Block::Iterator smallest(&block);
  smallest.SeekToFirst();
  Block::Iterator largest(&block);
  largest.SeekToLast();
  return CheckKeys(smallest.key(), largest.key(), i);
}

absl::Status TableReader::Get(const BlockReadOptions& options,
                              const LookupKey& key, uint64_t key_hash,
                              TableLookup* result) const {
  *result = TableLookup();
  const TableIndex& index = *tail_.index;
  size_t i = SIZE_MAX;
  if (tail_.filter.has_value()) {
    // Its line is likely to be waited for, and the way to the block needs none
    // of it; but is in vain when the key is not here.
    const bool guess = last_skipped_.load(std::memory_order_relaxed);
    if (!guess) {
      tail_.filter->Prefetch(key_hash);
      i = index.Find(key.internal_key());
      PrefetchBlock(i, kLinesToSearch);
    }
    const bool skip = !tail_.filter->MayContain(key_hash);
    // Written only when it changes, to leave the line clean.
    if (skip != guess) last_skipped_.store(skip, std::memory_order_relaxed);
    if (skip) {
      result->filter_skipped = true;
      return absl::OkStatus();
    }
  }
  if (i == SIZE_MAX) {
    i = index.Find(key.internal_key());
    PrefetchBlock(i, kLinesToSearch);
  }
  for (; i < index.blocks(); ++i) {
    std::shared_ptr<const Block> block;
    bool worth_storing = false;
    if (cache_ != nullptr) {
      block = cache_->Lookup(CacheKeyOf(i), &worth_storing);
      NoteBlock(i, block.get());
    }
    if (block == nullptr && worth_storing && MayKeep(options)) {
      HF_ASSIGN_OR_RETURN(block, LoadBlock(options, i, nullptr, /*keep=*/true));
    }
    Block::Answer answer;
    if (block != nullptr) {
      answer = SearchBlock(std::move(block), key, result);
    } else {
      HF_RETURN_IF_ERROR(SearchStored(options, i, key, &answer, result));
    }
    if (answer != Block::Answer::kBeyond) return absl::OkStatus();
    // One block is enough: as none of its entries is at or after the lookup
    // key, that lies between the last key and the separator, so the separator
    // was made for a next block that begins with another user key. A separator
    // of this very user key is none that we write, but may be in order all the
    // same: then the next block tells.
    Block::Iterator separator;
    index.ReadSeparator(i, &separator);
    if (ExtractUserKey(separator.key()) != key.user_key()) break;
  }
  return absl::OkStatus();
}

void TableReader::PrefetchFilter(uint64_t key_hash) const {
  if (tail_.filter.has_value()) tail_.filter->Prefetch(key_hash);
}

std::unique_ptr<InternalIterator> TableReader::NewIterator(
    const BlockReadOptions& options) const {
  return std::make_unique<Iterator>(this, options);
}

absl::Status TableReader::Verify() const {
  HF_ASSIGN_OR_RETURN(const Tail tail, ReadTail(TableReadOptions().tail_bytes));
  const Filter* filter = tail.filter.has_value() ? &*tail.filter : nullptr;
  Census census;
  std::string previous_separator;
  Block::Iterator separator;
  for (size_t i = 0; i < tail.index->blocks(); ++i) {
    const BlockHandle& handle = tail.index->handle(i);
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<const Block> block,
                        ReadBlock(/*verify_checksum=*/true, handle, nullptr));
    Block::Iterator entry(block.get());
    for (entry.SeekToFirst(); entry.Valid(); entry.Next()) {
      const char* why = census.Add(entry.key(), entry.value(), filter);
      if (why == nullptr && !previous_separator.empty() &&
          CompareInternalKeys(previous_separator, entry.key()) >= 0) {
        why = "key at or below the index key of the block before";
      }
      if (why != nullptr) return DataLoss(path_, handle.offset, why);
    }
    tail.index->ReadSeparator(i, &separator);
    if (CompareInternalKeys(census.last_key(), separator.key()) > 0) {
      return DataLoss(path_, handle.offset, "key above its index key");
    }
    previous_separator = separator.key();
  }
  const char* difference = census.FindDifference(tail.properties);
  if (difference != nullptr) {
    return DataLoss(path_, tail.footer.properties.offset,
                    absl::StrCat(difference, " of the properties is wrong"));
  }
  return absl::OkStatus();
}

void TableReader::ForgetBlocks() const {
  if (cache_ == nullptr) return;
  for (size_t i = 0; i < tail_.index->blocks(); ++i) {
    cache_->Erase(CacheKeyOf(i));
  }
}

size_t TableReader::memory_bytes() const {
  return sizeof(*this) + tail_.index->memory_bytes() +
         tail_.index->blocks() * sizeof(last_at_[0]) +
         (tail_.filter.has_value() ? tail_.filter->memory_bytes() : 0) +
         tail_.properties.smallest.size() + tail_.properties.largest.size();
}

}  // namespace holdfast
