// Random operations, random options: the database must show what a std::map
// shows. Everything runs on one thread, background work included, so that a
// case that fails fails again; RapidCheck prints its seed and shrinks it.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"
#include "rapidcheck/gtest.h"
#include "tests/util/contents.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

// Cases tried, unless RC_PARAMS says otherwise: --test_env=RC_PARAMS=...
#ifdef HOLDFAST_SANITIZER
constexpr char kCases[] = "max_success=100";
#else
constexpr char kCases[] = "max_success=1000";
#endif
// Before RapidCheck reads it.
[[maybe_unused]] const int kSet = setenv("RC_PARAMS", kCases, /*replace=*/0);

enum class OpKind {
  kPut,
  kDelete,
  kBatch,
  kBurst,  // Many small batches: fills memtables.
  kGet,
  kGetPinned,
  kCheckPinned,
  kNewIterator,
  kMoveIterator,
  kDropIterator,
  kTakeSnapshot,
  kReadSnapshot,
  kDropSnapshot,
  kBackground,
  kFlush,
  kSyncWal,
  kCompact,
  kReopen,
  kDie,  // The process dies; what it wrote stays.
  kCheckAll,
};

const char* OpName(OpKind kind) {
  static constexpr const char* kNames[] = {
      "put",           "delete",        "batch",         "burst",
      "get",           "get-pinned",    "check-pinned",  "new-iterator",
      "move-iterator", "drop-iterator", "take-snapshot", "read-snapshot",
      "drop-snapshot", "background",    "flush",         "sync-wal",
      "compact",       "reopen",        "die",           "check-all"};
  return kNames[static_cast<int>(kind)];
}

// What an operation works on comes from its numbers, so that shrinking them
// simplifies it.
struct Op {
  OpKind kind = OpKind::kPut;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
};

std::ostream& operator<<(std::ostream& out, const Op& op) {
  return out << OpName(op.kind) << " " << op.a << " " << op.b << " " << op.c;
}

// A few keys that are used again and again, chosen to be neighbours: prefixes
// of each other, highest bytes, the empty key, keys longer than a block.
std::string KeyOf(uint32_t n) {
  static const std::vector<std::string> kKeys = {
      "a",
      "",
      "b",
      "ab",
      "aa",
      std::string("a\0", 2),
      std::string("a\0\0", 3),
      "a\xff",
      "\xff",
      "\xff\xff",
      std::string("\xff\xff\0", 3),
      std::string("\0", 1),
      "\x7f",
      "\x80",
      std::string(300, 'a'),
      std::string(300, 'a') + "b",
      std::string(5000, 'k'),
      std::string(5000, '\xff'),
  };
  if (n < kKeys.size()) return kKeys[n];
  n -= static_cast<uint32_t>(kKeys.size());
  return absl::StrCat(n % 2 == 0 ? "user/" : "userdata/", n / 2);
}
constexpr uint32_t kKeyCount = 60;

// Sizes at the edges of blocks; half of the values compress.
std::string ValueOf(uint32_t n, uint64_t version) {
  static constexpr size_t kSizes[] = {8,    0,    1,    100,  200,  240,
                                      255,  256,  257,  1000, 3000, 4000,
                                      4070, 4095, 4096, 4097, 8192, 20000};
  const size_t size = kSizes[(n / 2) % std::size(kSizes)];
  std::string value = absl::StrCat(version, ":");
  Random random(version * 1000 + n);
  while (value.size() < size) {
    value.push_back(n % 2 == 0 ? 'v' : static_cast<char>(random.Next64()));
  }
  value.resize(size);
  return value;
}

Options OptionsOf(uint32_t n) {
  Random random(n);
  const auto pick = [&](auto... choices) {
    const std::vector<std::common_type_t<decltype(choices)...>> all = {
        choices...};
    return n == 0 ? all[0] : all[random.Uniform(all.size())];
  };
  Options options;
  options.memtable_bytes = size_t{64} << 10;
  options.table_bytes = size_t{64} << 10;
  options.level1_bytes = uint64_t{64} << 10;
  options.max_memtables = pick(3, 2, 5);
  options.block_bytes = pick(size_t{4096}, size_t{256}, size_t{1000});
  options.block_restart_interval = pick(16, 1, 2, 1024);
  options.compression =
      pick(Compression::kLz4, Compression::kNone, Compression::kZstd);
  options.bloom_bits_per_key = pick(10, 0, 1, 32);
  options.block_cache_bytes = pick(size_t{1} << 20, size_t{0}, size_t{5000});
  options.level0_compaction_trigger = pick(4, 1, 2);
  options.level0_slowdown_trigger = pick(20, 4);
  options.level0_stop_trigger = pick(36, 20);
  options.level_size_multiplier = pick(10, 2);
  options.max_open_tables = pick(1000, 16);
  options.manifest_roll_bytes = pick(uint64_t{4} << 20, uint64_t{4096});
  return options;
}

class Runner {
 public:
  explicit Runner(uint32_t options) : seed_(uint64_t{options} + 1) {
    Boot(SimDisk());
    Open(options, /*create=*/true);
  }

  void Run(const std::vector<Op>& ops) {
    for (const Op& op : ops) Do(op);
    LetGo();
    CheckAll(nullptr, model_);
    AssertOk(db_->VerifyChecksums());
    Reopen(0);
    CheckAll(nullptr, model_);
    AssertOk(db_->Close());
  }

 private:
  struct SavedSnapshot {
    std::shared_ptr<const Snapshot> snapshot;
    Contents contents;
  };
  struct SavedPin {
    PinnedValue pin;
    std::string value;
  };
  // An iterator, what it must show, and where it must stand: an index into
  // that, or none.
  struct SavedIterator {
    std::unique_ptr<Iterator> it;
    std::vector<std::pair<std::string, std::string>> entries;
    std::optional<size_t> at;
  };

  static void AssertOk(const absl::Status& status) {
    if (!status.ok()) RC_FAIL(status.ToString());
  }
  static void Assert(const testing::AssertionResult& result) {
    if (!result) RC_FAIL(result.message());
  }

  // A machine with that disk, whose identities no earlier one has given.
  void Boot(SimDisk disk) {
    disk.ReleaseAll();
    env_ = std::make_unique<SimEnv>(std::move(disk), seed_);
    env_->fs().set_unique_id(uint64_t{++boots_} << 32);
  }

  void Open(uint32_t n, bool create) {
    Options options = OptionsOf(n);
    options.create_if_missing = create;
    options.env = env_.get();
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "/db");
    AssertOk(db.status());
    db_ = *std::move(db);
  }

  // Lets go of all that must not outlive the database.
  void LetGo() {
    iterators_.clear();
    pins_.clear();
    snapshots_.clear();
  }

  void FlushUnlogged() {
    if (!unlogged_) return;
    AssertOk(db_->Flush());
    unlogged_ = false;
  }

  void Reopen(uint32_t options) {
    LetGo();
    FlushUnlogged();
    AssertOk(db_->Close());
    db_.reset();
    Open(options, /*create=*/false);
  }

  // Opens a copy of the files in place of the database.
  void Die(uint32_t options) {
    FlushUnlogged();
    SimDisk copy = env_->fs().disk();
    LetGo();
    db_.reset();
    env_->sim_executor().RunAll();
    Boot(std::move(copy));
    Open(options, /*create=*/false);
  }

  WriteOptions NextWriteOptions(uint32_t n) {
    WriteOptions options;
    options.sync = n % 5 == 1;
    options.disable_wal = n % 11 == 10 && !options.sync;
    if (options.disable_wal) unlogged_ = true;
    return options;
  }

  void Put(WriteBatch* batch, Contents* model, uint32_t key, uint32_t value) {
    std::string bytes = ValueOf(value, ++version_);
    batch->Put(KeyOf(key % kKeyCount), bytes);
    (*model)[KeyOf(key % kKeyCount)] = std::move(bytes);
  }

  void WriteBatchOf(const Op& op, int changes) {
    WriteBatch batch;
    Random random(op.a * 31 + op.b);
    for (int i = 0; i < changes; ++i) {
      const auto key = static_cast<uint32_t>(random.Next64());
      if (random.OneIn(4)) {
        batch.Delete(KeyOf(key % kKeyCount));
        model_.erase(KeyOf(key % kKeyCount));
      } else {
        Put(&batch, &model_, key, static_cast<uint32_t>(random.Uniform(36)));
      }
    }
    AssertOk(db_->Write(NextWriteOptions(op.c), batch));
  }

  const SavedSnapshot* SnapshotOf(uint32_t n) const {
    // One time in three the present.
    if (snapshots_.empty() || n % 3 == 0) return nullptr;
    return &snapshots_[n % snapshots_.size()];
  }

  void CheckGet(const Op& op, bool pinned) {
    const SavedSnapshot* at = SnapshotOf(op.b);
    const Contents& contents = at != nullptr ? at->contents : model_;
    ReadOptions options;
    options.snapshot = at != nullptr ? at->snapshot.get() : nullptr;
    options.fill_cache = op.c % 2 == 0;
    const std::string key = KeyOf(op.a % kKeyCount);
    const auto it = contents.find(key);
    if (pinned) {
      PinnedValue pin;
      const absl::Status status = db_->Get(options, key, &pin);
      if (it == contents.end()) {
        RC_ASSERT(absl::IsNotFound(status));
        RC_ASSERT(pin.size() == 0u);
        return;
      }
      AssertOk(status);
      RC_ASSERT(std::string(pin.view()) == it->second);
      if (pins_.size() < 4) pins_.push_back({std::move(pin), it->second});
      return;
    }
    const absl::StatusOr<std::string> value = db_->Get(options, key);
    if (it == contents.end()) {
      RC_ASSERT(absl::IsNotFound(value.status()));
      return;
    }
    AssertOk(value.status());
    RC_ASSERT(*value == it->second);
  }

  void NewIterator(const Op& op) {
    if (iterators_.size() >= 3) iterators_.erase(iterators_.begin());
    const SavedSnapshot* at = SnapshotOf(op.b);
    ReadOptions options;
    options.snapshot = at != nullptr ? at->snapshot.get() : nullptr;
    options.fill_cache = op.c % 2 == 0;
    if (op.c % 3 == 1) options.lower_bound = KeyOf(op.a % kKeyCount);
    if (op.c % 5 == 1) options.upper_bound = KeyOf(op.a / 7 % kKeyCount);
    if (op.c % 7 == 1) {
      static const std::vector<std::string> kPrefixes = {
          "a", "user", "user/", "\xff", "", std::string(300, 'a'), "\xff\xff"};
      options.prefix = kPrefixes[op.a % kPrefixes.size()];
    }
    SavedIterator saved;
    for (const auto& [key, value] : at != nullptr ? at->contents : model_) {
      if (options.lower_bound.has_value() && key < *options.lower_bound) {
        continue;
      }
      if (options.upper_bound.has_value() && key >= *options.upper_bound) {
        continue;
      }
      if (options.prefix.has_value() &&
          key.compare(0, options.prefix->size(), *options.prefix) != 0) {
        continue;
      }
      saved.entries.emplace_back(key, value);
    }
    saved.it = db_->NewIterator(options);
    RC_ASSERT(!saved.it->Valid());
    AssertOk(saved.it->status());
    iterators_.push_back(std::move(saved));
  }

  static void CheckPosition(const SavedIterator& saved) {
    AssertOk(saved.it->status());
    RC_ASSERT(saved.it->Valid() == saved.at.has_value());
    if (!saved.at.has_value()) return;
    const auto& [key, value] = saved.entries[*saved.at];
    RC_ASSERT(std::string(saved.it->key()) == key);
    RC_ASSERT(std::string(saved.it->value()) == value);
  }

  void MoveIterator(const Op& op) {
    if (iterators_.empty()) return;
    SavedIterator& saved = iterators_[op.a % iterators_.size()];
    const auto& entries = saved.entries;
    const auto before = [](const auto& entry, const std::string& key) {
      return entry.first < key;
    };
    const std::string target = KeyOf(op.c % kKeyCount);
    switch (op.b % 6) {
      case 0:
        saved.it->SeekToFirst();
        saved.at = entries.empty() ? std::nullopt : std::optional<size_t>(0);
        break;
      case 1:
        saved.it->SeekToLast();
        saved.at = entries.empty() ? std::nullopt
                                   : std::optional<size_t>(entries.size() - 1);
        break;
      case 2: {
        saved.it->Seek(target);
        const auto found =
            std::lower_bound(entries.begin(), entries.end(), target, before);
        saved.at = found == entries.end()
                       ? std::nullopt
                       : std::optional<size_t>(found - entries.begin());
        break;
      }
      case 3: {
        saved.it->SeekForPrev(target);
        auto found =
            std::lower_bound(entries.begin(), entries.end(), target, before);
        if (found != entries.end() && found->first == target) ++found;
        saved.at = found == entries.begin()
                       ? std::nullopt
                       : std::optional<size_t>(found - entries.begin() - 1);
        break;
      }
      default: {
        // A walk to and fro, checked at each step.
        Random random(op.c);
        for (int step = 0; step < 8 && saved.at.has_value(); ++step) {
          const bool forward =
              op.b % 6 == 4 ? !random.OneIn(4) : random.OneIn(4);
          if (forward) {
            saved.it->Next();
            ++*saved.at;
            if (*saved.at == entries.size()) saved.at.reset();
          } else {
            saved.it->Prev();
            if (*saved.at == 0) {
              saved.at.reset();
            } else {
              --*saved.at;
            }
          }
          CheckPosition(saved);
        }
      }
    }
    CheckPosition(saved);
  }

  void CheckAll(const Snapshot* snapshot, const Contents& contents) {
    ReadOptions options;
    options.snapshot = snapshot;
    Assert(Holds(*db_, contents, options));
    // Keys that are not there.
    for (uint32_t i = 0; i < kKeyCount; ++i) {
      if (contents.count(KeyOf(i)) > 0) continue;
      RC_ASSERT(absl::IsNotFound(db_->Get(options, KeyOf(i)).status()));
    }
  }

  void Compact(const Op& op) {
    std::string first = KeyOf(op.a % kKeyCount);
    std::string last = KeyOf(op.b % kKeyCount);
    if (last < first) std::swap(first, last);
    const bool bounded = op.c % 2 == 1;
    AssertOk(db_->CompactRange(
        bounded ? std::optional<std::string_view>(first) : std::nullopt,
        bounded ? std::optional<std::string_view>(last) : std::nullopt));
    unlogged_ = false;
  }

  void Do(const Op& op) {
    switch (op.kind) {
      case OpKind::kPut: {
        const std::string key = KeyOf(op.a % kKeyCount);
        model_[key] = ValueOf(op.b, ++version_);
        AssertOk(db_->Put(NextWriteOptions(op.c), key, model_[key]));
        break;
      }
      case OpKind::kDelete: {
        const std::string key = KeyOf(op.a % kKeyCount);
        model_.erase(key);
        AssertOk(db_->Delete(NextWriteOptions(op.c), key));
        break;
      }
      case OpKind::kBatch:
        WriteBatchOf(op, static_cast<int>(op.b % 10));
        break;
      case OpKind::kBurst:
        for (uint32_t i = 0; i < 20; ++i) {
          WriteBatchOf({op.kind, op.a + i, op.b, op.c}, 2);
        }
        break;
      case OpKind::kGet:
        CheckGet(op, /*pinned=*/false);
        break;
      case OpKind::kGetPinned:
        CheckGet(op, /*pinned=*/true);
        break;
      case OpKind::kCheckPinned:
        for (const SavedPin& saved : pins_) {
          RC_ASSERT(std::string(saved.pin.view()) == saved.value);
        }
        pins_.clear();
        break;
      case OpKind::kNewIterator:
        NewIterator(op);
        break;
      case OpKind::kMoveIterator:
        MoveIterator(op);
        break;
      case OpKind::kDropIterator:
        if (!iterators_.empty()) iterators_.pop_back();
        break;
      case OpKind::kTakeSnapshot:
        if (snapshots_.size() >= 4) {
          snapshots_.erase(snapshots_.begin() + op.a % 4);
        }
        snapshots_.push_back({db_->GetSnapshot(), model_});
        break;
      case OpKind::kReadSnapshot:
        if (snapshots_.empty()) break;
        CheckAll(snapshots_[op.a % snapshots_.size()].snapshot.get(),
                 snapshots_[op.a % snapshots_.size()].contents);
        break;
      case OpKind::kDropSnapshot:
        if (snapshots_.empty()) break;
        snapshots_.erase(snapshots_.begin() + op.a % snapshots_.size());
        break;
      case OpKind::kBackground:
        for (uint32_t i = 0; i <= op.a % 3; ++i) env_->sim_executor().RunOne();
        break;
      case OpKind::kFlush:
        AssertOk(db_->Flush());
        unlogged_ = false;
        break;
      case OpKind::kSyncWal:
        AssertOk(db_->SyncWal());
        break;
      case OpKind::kCompact:
        Compact(op);
        break;
      case OpKind::kReopen:
        Reopen(op.a);
        break;
      case OpKind::kDie:
        Die(op.a);
        break;
      case OpKind::kCheckAll:
        CheckAll(nullptr, model_);
        break;
    }
  }

  const uint64_t seed_;  // Not 0: chance decides which lane runs first.
  uint32_t boots_ = 0;
  std::unique_ptr<SimEnv> env_;
  std::unique_ptr<DB> db_;
  Contents model_;
  uint64_t version_ = 0;
  bool unlogged_ = false;
  std::vector<SavedSnapshot> snapshots_;
  std::vector<SavedPin> pins_;
  std::vector<SavedIterator> iterators_;
};

rc::Gen<Op> AnyOp() {
  const auto kind = rc::gen::weightedElement<OpKind>({
      {12, OpKind::kPut},          {6, OpKind::kDelete},
      {8, OpKind::kBatch},         {6, OpKind::kBurst},
      {6, OpKind::kGet},           {4, OpKind::kGetPinned},
      {2, OpKind::kCheckPinned},   {5, OpKind::kNewIterator},
      {20, OpKind::kMoveIterator}, {1, OpKind::kDropIterator},
      {4, OpKind::kTakeSnapshot},  {3, OpKind::kReadSnapshot},
      {3, OpKind::kDropSnapshot},  {6, OpKind::kBackground},
      {3, OpKind::kFlush},         {2, OpKind::kSyncWal},
      {2, OpKind::kCompact},       {2, OpKind::kReopen},
      {2, OpKind::kDie},           {2, OpKind::kCheckAll},
  });
  const auto number = rc::gen::inRange<uint32_t>(0, 1000);
  return rc::gen::build<Op>(
      rc::gen::set(&Op::kind, kind), rc::gen::set(&Op::a, number),
      rc::gen::set(&Op::b, number), rc::gen::set(&Op::c, number));
}

RC_GTEST_PROP(ModelTest, ShowsWhatAMapShows, ()) {
  const uint32_t options = *rc::gen::inRange<uint32_t>(0, 10000);
  const std::vector<Op> ops =
      *rc::gen::scale(8.0, rc::gen::container<std::vector<Op>>(AnyOp()));
  Runner(options).Run(ops);
}

}  // namespace
}  // namespace holdfast
