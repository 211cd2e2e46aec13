// What can be chosen about a database, a read and a write. Every option has a
// default that is right for most; the comment says its unit, range, effect and
// price. DB::Open refuses a value out of range and names the option.

#ifndef HOLDFAST_OPTIONS_H_
#define HOLDFAST_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

class Env;
class Snapshot;

// How data blocks are compressed. Each block says how it was written, so the
// choice can change between runs; blocks that do not shrink are stored plain.
enum class Compression : uint8_t {
  kNone = 0,
  kLz4 = 1,   // Fast both ways; the default.
  kZstd = 2,  // Smaller, slower to write.
};

// "none", "lz4" or "zstd".
std::string_view CompressionName(Compression compression);

struct Options {
  // Files, clock and threads. nullptr: the operating system's, with
  // background_threads threads of this database's own. Not owned; must outlive
  // the database.
  Env* env = nullptr;

  // Make the database when the directory holds none. The parent directory must
  // exist. Default false: opening a mistyped path is an error, not a new
  // database.
  bool create_if_missing = false;

  // Refuse to open a database that exists. Default false.
  bool error_if_exists = false;

  // Bytes of a memtable: how much is written before a sorted table is made of
  // it. Range 64 KiB .. 4 GiB, default 64 MiB. Larger: less compaction, more
  // memory (up to max_memtables of them) and a longer recovery. As much as one
  // takes stays with the database after a flush, for what comes next.
  size_t memtable_bytes = size_t{64} << 20;

  // Memtables in memory, the active one included, before writers must wait for
  // a flush. Range 2..16, default 3.
  int max_memtables = 3;

  // Uncompressed bytes of a data block: the unit of reading, caching and
  // compression. Range 256 B .. 4 MiB, default 4 KiB. Larger: better
  // compression and a smaller index, slower point reads.
  size_t block_bytes = size_t{4} << 10;

  // Entries between restart points, where a block stores a whole key. Range
  // 1..1024, default 16. Smaller: faster seeks, larger blocks.
  int block_restart_interval = 16;

  // Bytes of uncompressed blocks kept in memory. Range 0 .. 1 TiB, default
  // 64 MiB. 0 turns the cache off. What reads bring is kept there, and what a
  // compaction writes as long as nothing else has to go for it.
  // What is closed is given back to the environment: see NewPosixEnv.
  size_t block_cache_bytes = size_t{64} << 20;

  // Compression of data blocks. Default LZ4.
  Compression compression = Compression::kLz4;

  // Filter bits per key: a table without the key is skipped without reading
  // it, but for about 1 % at 10 bits. Range 0..32, 0 writes no filter, default
  // 10.
  int bloom_bits_per_key = 10;

  // Threads for flushes and compactions, when env is nullptr (otherwise the
  // env's executor decides). Range 1..64, default 2: with two or more, flushes
  // never wait behind compactions.
  int background_threads = 2;

  // Tables kept open for reading. Range 16..1,000,000, default 1,000. Each
  // costs a file descriptor and its index and filter in memory.
  int max_open_tables = 1000;

  // Bytes of a table written by compaction. Range 64 KiB .. 4 GiB, default
  // 32 MiB.
  size_t table_bytes = size_t{32} << 20;

  // Tables in level 0 at which a compaction starts, at which each write is
  // delayed by up to a millisecond, and at which writes wait. Each range
  // 1..1,000, in rising order; defaults 4, 20, 36.
  int level0_compaction_trigger = 4;
  int level0_slowdown_trigger = 20;
  int level0_stop_trigger = 36;

  // Bytes of level 1; each level below is level_size_multiplier times larger.
  // Range 64 KiB .. 1 TiB, default 256 MiB.
  uint64_t level1_bytes = uint64_t{256} << 20;
  // Range 2..100, default 10.
  int level_size_multiplier = 10;

  // Never start compactions by themselves; CompactRange still works. Default
  // false. For bulk loads and tests.
  bool disable_auto_compaction = false;

  // Bytes of the manifest at which a new one is begun. Range 4 KiB .. 1 GiB,
  // default 4 MiB.
  uint64_t manifest_roll_bytes = uint64_t{4} << 20;
};

struct WriteOptions {
  // false: the write survives the death of the process, but the newest writes
  // may be lost (whole, from the end) when the machine loses power.
  // true: the write, and every write before it, survives power loss too. Costs
  // a disk flush, shared by all who wait for one at the same time.
  bool sync = false;

  // Do not log the write: it is lost with the process unless Flush() follows.
  // For data that can be made again. Not together with sync.
  bool disable_wal = false;
};

struct ReadOptions {
  // Read as of this snapshot, which must be of the same database and live
  // through the read (an iterator needs it only while it is made). nullptr: as
  // of now.
  const Snapshot* snapshot = nullptr;

  // Check the checksum of each block read from a file. Default true; turning it
  // off gives up the promise that damage never gives a wrong answer.
  bool verify_checksums = true;

  // Put blocks that are read into the block cache. Default true; turn it off
  // for a scan over everything.
  bool fill_cache = true;

  // Iterators: only keys at or after lower_bound and before upper_bound. The
  // iterator copies them.
  std::optional<std::string> lower_bound = std::nullopt;
  std::optional<std::string> upper_bound = std::nullopt;

  // Iterators: only keys that begin with this. Narrows the bounds, when those
  // are given too.
  std::optional<std::string> prefix = std::nullopt;
};

// OK, or kInvalidArgument naming the option that is out of range, its value and
// the range.
absl::Status ValidateOptions(const Options& options);

}  // namespace holdfast

#endif  // HOLDFAST_OPTIONS_H_
