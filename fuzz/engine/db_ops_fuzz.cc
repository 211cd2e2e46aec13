// Operations on a database (fuzz/engine/db_ops.h), on one thread and a
// simulated disk, background work included. Property: everything that can be
// read is what a std::map holds: by Get, by values that stay pinned, by
// iterators that walk to and fro while the database changes, at snapshots, and
// after closing, dying and opening with other options. Each call succeeds;
// counters add up; what is merged keeps nothing needless; after Close no file
// is open, and none is there that nothing needs.
//
// HOLDFAST_TRACE=1 prints each operation. The environment may also make the
// engine wrong, to see that this notices: tests/util/mutant_switch.cc.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "chaos/db/db_program.h"
#include "fuzz/engine/db_ops.h"
#include "fuzz/engine/op_bytes.h"
#include "fuzz/engine/op_values.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace {

using namespace holdfast;

constexpr char kDir[] = "/db";
constexpr size_t kMostIterators = 4;
constexpr size_t kMostSnapshots = 6;
constexpr size_t kMostPins = 4;
// Looked for in the end of each input, at most.
constexpr int kFewKeys = 12;
// What one input may cost, in microseconds under the sanitizers of the fuzzer,
// about: an input that is slow keeps others from being tried.
constexpr int kMostCost = 2000;
constexpr int kOpCost = 15;
constexpr int kWriteCost = 25;
constexpr int kStepCost = 8;   // Of an iterator; and a Get.
constexpr int kJobCost = 400;  // A flush, or a step of a compaction.
constexpr int kOpenCost = 600;
constexpr int kBytesPerMicro = 150;
// What is written in all. Longer keys and values than kFreeBytes count.
constexpr size_t kMostBytes = size_t{300} << 10;
constexpr size_t kFreeBytes = 64;

// What codes beyond the operations stand for: the cheap ones, more often.
constexpr DbOp kOften[] = {
    DbOp::kPut,   DbOp::kPut,         DbOp::kBatch,      DbOp::kDelete,
    DbOp::kGet,   DbOp::kNewIterator, DbOp::kWalk,       DbOp::kSeek,
    DbOp::kWalk,  DbOp::kSeekForPrev, DbOp::kSeekToLast, DbOp::kFill,
    DbOp::kFlush, DbOp::kTakeSnapshot};

// Values are not owned: see ValueOf. std::string compares as unsigned bytes, as
// the database does.
using State = std::map<std::string, std::string_view, std::less<>>;

void ExpectOk(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  HF_CHECK(status.ok());
}

// The keys that a read may show, found without the engine's arithmetic.
bool InBounds(const ReadOptions& options, std::string_view key) {
  if (options.lower_bound.has_value() && key < *options.lower_bound) {
    return false;
  }
  if (options.upper_bound.has_value() && key >= *options.upper_bound) {
    return false;
  }
  return !options.prefix.has_value() || key.starts_with(*options.prefix);
}

// An iterator, and where in the map it must stand.
class CheckedIterator {
 public:
  CheckedIterator(std::unique_ptr<Iterator> it,
                  std::shared_ptr<const State> state,
                  const ReadOptions& options)
      : it_(std::move(it)), state_(std::move(state)) {
    const auto in_bounds = [&](const State::value_type& entry) {
      return InBounds(options, entry.first);
    };
    begin_ = std::find_if(state_->begin(), state_->end(), in_bounds);
    end_ = std::find_if_not(begin_, state_->end(), in_bounds);
    at_ = end_;
    Check();
  }

  void SeekToFirst() {
    it_->SeekToFirst();
    at_ = begin_;
    Check();
  }
  void SeekToLast() {
    it_->SeekToLast();
    at_ = begin_ == end_ ? end_ : std::prev(end_);
    Check();
  }
  void Seek(std::string_view target) {
    it_->Seek(target);
    at_ = std::find_if(
        begin_, end_, [&](const auto& entry) { return entry.first >= target; });
    Check();
  }
  void SeekForPrev(std::string_view target) {
    it_->SeekForPrev(target);
    at_ = std::find_if(begin_, end_,
                       [&](const auto& entry) { return entry.first > target; });
    at_ = at_ == begin_ ? end_ : std::prev(at_);
    Check();
  }
  // One step, where there is one.
  void Step(bool backward) {
    if (at_ == end_) return;
    if (backward) {
      it_->Prev();
      at_ = at_ == begin_ ? end_ : std::prev(at_);
    } else {
      it_->Next();
      ++at_;
    }
    Check();
  }
  bool valid() const { return at_ != end_; }

  void Check() const {
    ExpectOk(it_->status());
    HF_CHECK(it_->Valid() == valid());
    if (!valid()) return;
    HF_CHECK(it_->key() == at_->first);
    HF_CHECK(it_->value() == at_->second);
  }

 private:
  std::unique_ptr<Iterator> it_;
  std::shared_ptr<const State> state_;
  State::const_iterator begin_;
  State::const_iterator end_;
  State::const_iterator at_;  // end_: not Valid.
};

class Run {
 public:
  explicit Run(std::string_view input) : reader_(input) {
    const char* const trace = std::getenv("HOLDFAST_TRACE");
    trace_ = trace != nullptr && *trace != '\0';
    Boot(SimDisk());
    looks_again_ = reader_.Below(2) == 1;
    Options options = TakeOptions(&reader_);
    options.create_if_missing = true;
    options.error_if_exists = true;
    Open(options);
  }

  void Go() {
    uint8_t code;
    while (cost_ < kMostCost && reader_.Next(&code)) {
      const DbOp op = code < kDbOps
                          ? static_cast<DbOp>(code)
                          : kOften[(code - kDbOps) % std::size(kOften)];
      if (trace_) Trace(op);
      Do(op);
      CheckStats();
    }
    Finish();
  }

 private:
  struct HeldSnapshot {
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const State> state;
  };
  struct HeldValue {
    PinnedValue pin;
    std::string_view value;
  };
  struct Change {
    std::string key;
    std::optional<std::string_view> value;  // nullopt: a deletion.
  };
  // What this process did to the database: DbStats counts it, too.
  struct Life {
    uint64_t writes = 0;
    uint64_t write_keys = 0;
    uint64_t write_bytes = 0;
    uint64_t reads = 0;
  };

  // --- Opening and ending ----------------------------------------------------

  // A machine with that disk. What it draws as identities nobody has had.
  void Boot(SimDisk disk) {
    disk.ReleaseAll();
    ++boots_;
    // Not 0: chance, which the seed decides, says which lane works first.
    env_ = std::make_unique<SimEnv>(std::move(disk), boots_);
    env_->fs().set_unique_id(boots_ << 32);
  }

  void Open(Options options) {
    options.env = env_.get();
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kDir);
    ExpectOk(db.status());
    db_ = *std::move(db);
    options_ = options;
    life_ = {};
    stats_ = {};
    CheckFiles();
  }

  void LetGo() {
    for (const CheckedIterator& it : iterators_) it.Check();
    iterators_.clear();
    CheckPins();
    pins_.clear();
    for (const HeldSnapshot& held : snapshots_) {
      CheckForward({.snapshot = held.snapshot.get()}, held.state);
    }
    snapshots_.clear();
  }

  void Close() {
    LetGo();
    ExpectOk(db_->Close());
    unlogged_.clear();
    HF_CHECK(db_->Health().state == HealthState::kClosed);
    HF_CHECK(env_->sim_executor().queued() == 0);
    CheckFiles();
    db_.reset();
    HF_CHECK(env_->fs().open_files() == 0);
  }

  void Reopen() {
    Close();
    Open(TakeOptions(&reader_));
    HF_CHECK(db_->Stats().last_sequence == sequence_);
  }

  // The process dies: the files stay as they are, and no call to them has an
  // effect any more.
  void Kill() {
    SimDisk disk = env_->fs().disk();
    env_->fs().before = [](const FileCall&) {
      return absl::UnavailableError("the process is dead");
    };
    iterators_.clear();
    pins_.clear();
    snapshots_.clear();
    db_.reset();
    Boot(std::move(disk));
    Open(TakeOptions(&reader_));
    FindUnlogged();
  }

  // Of the writes that were not logged, any may have been lost.
  void FindUnlogged() {
    for (const auto& [key, values] : unlogged_) {
      const absl::StatusOr<std::string> found = db_->Get({}, key);
      ++life_.reads;
      if (!found.ok()) HF_CHECK(absl::IsNotFound(found.status()));
      const auto value = std::find_if(
          values.begin(), values.end(),
          [&](const std::optional<std::string_view>& written) {
            return written.has_value() ? found.ok() && *found == *written
                                       : !found.ok();
          });
      HF_CHECK(value != values.end());
      Set(&Mutable(), key, *value);
    }
    const uint64_t sequence = db_->Stats().last_sequence;
    HF_CHECK(unlogged_.empty() ? sequence == sequence_ : sequence <= sequence_);
    sequence_ = sequence;
    unlogged_.clear();
  }

  void Recreate() {
    LetGo();
    Options options = TakeOptions(&reader_);
    options.env = env_.get();
    HF_CHECK(absl::IsUnavailable(DB::Destroy(options, kDir)));
    ExpectOk(db_->Close());
    db_.reset();
    ExpectOk(DB::Destroy(options, kDir));
    HF_CHECK(!env_->fs().disk().Exists(kDir));
    state_ = std::make_shared<State>();
    unlogged_.clear();
    sequence_ = 0;
    options.create_if_missing = true;
    Open(options);
  }

  void Finish() {
    LetGo();
    if (!looks_again_) {
      CheckForward({}, state_);
      int few = kFewKeys;
      for (const std::string& key : keys_) {
        if (few-- > 0) CheckGet({}, *state_, key, /*hold=*/false);
      }
    } else {
      CheckAll({}, state_);
      ExpectOk(db_->VerifyChecksums());
      Close();
      Open(Options());
      HF_CHECK(db_->Stats().last_sequence == sequence_);
      CheckAll({}, state_);
    }
    Close();
  }

  // REQUIRES: nothing is held, and nothing was to be done since it was opened.
  void CheckFiles() {
    const std::string wrong = WrongFiles(env_->fs(), kDir, *db_);
    if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
    HF_CHECK(wrong.empty());
  }

  // --- Writing ---------------------------------------------------------------

  // Others share the map, and keep what they have.
  State& Mutable() {
    if (state_.use_count() > 1) state_ = std::make_shared<State>(*state_);
    return *state_;
  }

  static void Set(State* state, const std::string& key,
                  const std::optional<std::string_view>& value) {
    if (value.has_value()) {
      (*state)[key] = *value;
    } else {
      state->erase(key);
    }
  }

  std::optional<std::string_view> Current(std::string_view key) const {
    const auto it = state_->find(key);
    if (it == state_->end()) return std::nullopt;
    return it->second;
  }

  bool Spend(size_t bytes) {
    if (bytes <= kFreeBytes) return true;
    if (bytes_ + bytes > kMostBytes) return false;
    bytes_ += bytes;
    cost_ += static_cast<int>(bytes) / kBytesPerMicro;
    return true;
  }
  std::string NextKey() {
    std::string key = TakeKey(&reader_, bytes_ < kMostBytes / 2);
    Spend(key.size());
    return key;
  }
  std::string_view NewValue(size_t size, ValueKind kind) {
    return ValueOf(++version_, Spend(size) ? size : kFreeBytes, kind);
  }
  std::string_view NewValue(uint8_t operand) {
    return NewValue(ValueSize(operand % kValueSizes),
                    static_cast<ValueKind>(operand / kValueSizes));
  }
  // What `write` did, which returned `status`.
  void Written(const WriteOptions& options, const absl::Status& status,
               const std::vector<Change>& changes) {
    if (options.sync && options.disable_wal) {
      HF_CHECK(absl::IsInvalidArgument(status));
      return;
    }
    ExpectOk(status);
    if (changes.empty()) return;
    ++life_.writes;
    for (const Change& change : changes) {
      ++life_.write_keys;
      life_.write_bytes += change.key.size();
      if (change.value.has_value()) life_.write_bytes += change.value->size();
      ++sequence_;
      if (!options.disable_wal) {
        unlogged_.erase(change.key);
      } else {
        auto& values = unlogged_[change.key];
        if (values.empty()) values.push_back(Current(change.key));
        values.push_back(change.value);
      }
      Set(&Mutable(), change.key, change.value);
      keys_.insert(change.key);
    }
  }

  void Put(uint8_t how, std::string key, std::string_view value) {
    const WriteOptions options = OptionsOfWrite(how);
    const absl::Status status = db_->Put(options, key, value);
    Written(options, status, {{std::move(key), value}});
  }

  void Batch() {
    const uint8_t how = reader_.Operand();
    WriteBatch batch;
    WriteBatch rest;
    std::vector<Change> changes;
    while (reader_.HasOperand()) {
      std::string key = NextKey();
      const uint8_t operand = reader_.Operand();
      WriteBatch& part =
          (how & kBatchAppended) != 0 && changes.size() > 1 ? rest : batch;
      if (operand >= kDeletes) {
        part.Delete(key);
        changes.push_back({std::move(key), std::nullopt});
      } else {
        const std::string_view value = NewValue(operand);
        part.Put(key, value);
        changes.push_back({std::move(key), value});
      }
    }
    batch.Append(rest);
    CheckBatch(batch, changes);
    const WriteOptions options = OptionsOfWrite(how);
    for (int i = 0; i < ((how & kBatchTwice) != 0 ? 2 : 1); ++i) {
      Written(options, db_->Write(options, batch), changes);
    }
  }

  static void CheckBatch(const WriteBatch& batch,
                         const std::vector<Change>& changes) {
    class Compare final : public WriteBatch::Handler {
     public:
      explicit Compare(const std::vector<Change>& wanted) : wanted_(wanted) {}
      void Put(std::string_view key, std::string_view value) override {
        HF_CHECK(at < wanted_.size() && wanted_[at].key == key);
        HF_CHECK(wanted_[at].value == value);
        ++at;
      }
      void Delete(std::string_view key) override {
        HF_CHECK(at < wanted_.size() && wanted_[at].key == key);
        HF_CHECK(!wanted_[at].value.has_value());
        ++at;
      }
      size_t at = 0;

     private:
      const std::vector<Change>& wanted_;
    };
    ExpectOk(batch.CheckLimits());
    HF_CHECK(batch.count() == changes.size());
    Compare compare(changes);
    batch.Iterate(compare);
    HF_CHECK(compare.at == changes.size());
  }

  void Fill() {
    const uint8_t how = reader_.Operand();
    const int count = reader_.Below(24) + 1;
    const uint8_t operand = reader_.Operand();
    for (int i = 0; i < count; ++i) {
      const char key[] = {'f', static_cast<char>('a' + i % 8),
                          static_cast<char>('a' + i / 8)};
      cost_ += kWriteCost;
      Put(how, std::string(key, sizeof(key)), NewValue(operand));
    }
  }

  // --- Reading ---------------------------------------------------------------

  // The options of a read, and what it must show.
  ReadOptions TakeRead(std::shared_ptr<const State>* state) {
    const uint8_t bits = reader_.Operand();
    ReadOptions options;
    options.fill_cache = (bits & kReadNoFill) == 0;
    options.verify_checksums = (bits & kReadUnverified) == 0;
    *state = state_;
    if ((bits & kReadAtSnapshot) != 0 && !snapshots_.empty()) {
      const HeldSnapshot& held =
          snapshots_[(bits >> kReadSlotShift) % snapshots_.size()];
      options.snapshot = held.snapshot.get();
      *state = held.state;
    }
    return options;
  }

  void CheckGet(const ReadOptions& options, const State& state,
                std::string_view key, bool hold) {
    const auto expected = state.find(key);
    ++life_.reads;
    if (hold) {
      PinnedValue pin;
      const absl::Status status = db_->Get(options, key, &pin);
      HF_CHECK(status.ok() || absl::IsNotFound(status));
      HF_CHECK(status.ok() == (expected != state.end()));
      HF_CHECK(pin.view() ==
               (status.ok() ? expected->second : std::string_view()));
      if (!status.ok()) return;
      if (pins_.size() == kMostPins) pins_.erase(pins_.begin());
      pins_.push_back({std::move(pin), expected->second});
      return;
    }
    const absl::StatusOr<std::string> value = db_->Get(options, key);
    if (!value.ok()) {
      HF_CHECK(absl::IsNotFound(value.status()));
      HF_CHECK(expected == state.end());
      return;
    }
    HF_CHECK(expected != state.end());
    HF_CHECK(*value == expected->second);
  }

  void CheckPins() const {
    for (const HeldValue& held : pins_) {
      HF_CHECK(held.pin.view() == held.value);
    }
  }

  void NewIterator() {
    std::shared_ptr<const State> state;
    ReadOptions options = TakeRead(&state);
    const uint8_t bounds = reader_.Operand();
    if ((bounds & kBoundLower) != 0) options.lower_bound = NextKey();
    if ((bounds & kBoundUpper) != 0) options.upper_bound = NextKey();
    if ((bounds & kBoundPrefix) != 0) options.prefix = NextKey();
    if (iterators_.size() == kMostIterators) {
      iterators_.front().Check();
      iterators_.erase(iterators_.begin());
    }
    iterators_.emplace_back(db_->NewIterator(options), std::move(state),
                            options);
  }

  // The newest one when there is no operand. Null when there is none.
  CheckedIterator* TakeIterator() {
    const uint8_t slot = reader_.Operand();
    if (iterators_.empty()) return nullptr;
    return &iterators_[iterators_.size() - 1 - slot % iterators_.size()];
  }

  void MoveIterator(DbOp op) {
    CheckedIterator* const it = TakeIterator();
    if (it == nullptr) return;
    if (op == DbOp::kSeekToFirst) it->SeekToFirst();
    if (op == DbOp::kSeekToLast) it->SeekToLast();
    if (op == DbOp::kSeek) it->Seek(NextKey());
    if (op == DbOp::kSeekForPrev) it->SeekForPrev(NextKey());
    if (op != DbOp::kWalk) return;
    const int count = reader_.Operand() % 32 + 1;
    const uint8_t pattern = reader_.Operand();
    for (int i = 0; i < count && it->valid(); ++i) {
      cost_ += kStepCost;
      it->Step((pattern >> (i % 7) & 1) != 0);
    }
  }

  void CheckForward(const ReadOptions& options,
                    const std::shared_ptr<const State>& state) {
    CheckedIterator it(db_->NewIterator(options), state, options);
    for (it.SeekToFirst(); it.valid(); it.Step(/*backward=*/false)) {
    }
  }

  void CheckAll(const ReadOptions& options,
                const std::shared_ptr<const State>& state) {
    CheckedIterator it(db_->NewIterator(options), state, options);
    for (it.SeekToFirst(); it.valid(); it.Step(/*backward=*/false)) {
    }
    for (it.SeekToLast(); it.valid(); it.Step(/*backward=*/true)) {
    }
    // Also what was deleted.
    for (const std::string& key : keys_) {
      CheckGet(options, *state, key, /*hold=*/false);
    }
    cost_ += 3 * kStepCost * static_cast<int>(keys_.size());
  }

  // --- What it says of itself ------------------------------------------------

  void CheckStats() {
    const DbStats stats = db_->Stats();
    HF_CHECK(stats.last_sequence == sequence_);
    HF_CHECK(stats.snapshots == snapshots_.size());
    HF_CHECK(stats.memtables >= 1);
    HF_CHECK(stats.memtables <= static_cast<uint64_t>(options_.max_memtables));
    // The next one is made ahead when the active memtable is half full, and not
    // before.
    HF_CHECK(stats.wal_files == stats.memtables ||
             (stats.wal_files == stats.memtables + 1 &&
              stats.memtable_bytes >= options_.memtable_bytes / 2));
    HF_CHECK(stats.writes_total == life_.writes);
    HF_CHECK(stats.write_keys_total == life_.write_keys);
    HF_CHECK(stats.write_bytes_total == life_.write_bytes);
    HF_CHECK(stats.reads_total == life_.reads);
    HF_CHECK(stats.wal_bytes_total >= stats_.wal_bytes_total);
    HF_CHECK(stats.wal_syncs_total >= stats_.wal_syncs_total);
    HF_CHECK(stats.flushes_total >= stats_.flushes_total);
    HF_CHECK(stats.compactions_total >= stats_.compactions_total);
    HF_CHECK(stats.moves_total >= stats_.moves_total);
    HF_CHECK(stats.filter_skips_total >= stats_.filter_skips_total);
    if (options_.bloom_bits_per_key == 0 && options_.block_cache_bytes == 0) {
      HF_CHECK(stats.block_cache_bytes == 0);
    }
    for (size_t i = 0; i < stats.levels.size(); ++i) {
      const LevelStats& level = stats.levels[i];
      HF_CHECK(level.level == static_cast<int>(i));
      HF_CHECK(level.tombstones <= level.entries);
      HF_CHECK(level.tables <= level.entries);
      HF_CHECK((level.tables == 0) == (level.bytes == 0));
      HF_CHECK((level.tables == 0) == (level.entries == 0));
    }
    const DbHealth health = db_->Health();
    ExpectOk(health.cause);
    HF_CHECK(health.state == HealthState::kHealthy);
    stats_ = stats;
  }

  void Trace(DbOp op) {
    const DbStats stats = db_->Stats();
    std::fprintf(stderr, "op %d at %llu; levels", static_cast<int>(op),
                 static_cast<unsigned long long>(sequence_));
    for (const LevelStats& level : stats.levels) {
      if (level.tables == 0) continue;
      std::fprintf(stderr, " %d: %d tables, %d entries, %d deletions;",
                   level.level, static_cast<int>(level.tables),
                   static_cast<int>(level.entries),
                   static_cast<int>(level.tombstones));
    }
    std::fprintf(stderr, "\n");
  }

  // After everything was merged, with no snapshot: one entry a key.
  void CheckMerged() {
    uint64_t entries = 0;
    for (const LevelStats& level : db_->Stats().levels) {
      entries += level.entries;
      HF_CHECK(level.tombstones == 0);
    }
    HF_CHECK(entries == state_->size());
  }

  // --- Operations ------------------------------------------------------------

  void Compact() {
    if (!reader_.HasOperand()) {
      ExpectOk(db_->CompactRange(std::nullopt, std::nullopt));
      if (snapshots_.empty()) CheckMerged();
    } else {
      const std::string begin = NextKey();
      const std::string end = NextKey();
      const absl::Status status = db_->CompactRange(begin, end);
      if (begin > end) {
        HF_CHECK(absl::IsInvalidArgument(status));
        return;
      }
      ExpectOk(status);
    }
    unlogged_.clear();
  }

  void WaitForWork() {
    ExpectOk(db_->WaitForBackgroundWork());
    HF_CHECK(env_->sim_executor().queued() == 0);
    if (iterators_.empty() && pins_.empty()) CheckFiles();
  }

  void TakeSnapshot() {
    if (snapshots_.size() == kMostSnapshots) {
      snapshots_.erase(snapshots_.begin());
    }
    snapshots_.push_back({db_->GetSnapshot(), state_});
    HF_CHECK(snapshots_.back().snapshot->sequence() == sequence_);
  }

  void Do(DbOp op) {
    std::shared_ptr<const State> state;
    cost_ += kOpCost;
    switch (op) {
      case DbOp::kPut: {
        const uint8_t how = reader_.Operand();
        std::string key = NextKey();
        return Put(how, std::move(key), NewValue(reader_.Operand()));
      }
      case DbOp::kPutSized: {
        const uint8_t how = reader_.Operand();
        std::string key = NextKey();
        const auto kind = static_cast<ValueKind>(reader_.Below(kValueKinds));
        return Put(how, std::move(key), NewValue(reader_.Wide(), kind));
      }
      case DbOp::kDelete: {
        const WriteOptions options = OptionsOfWrite(reader_.Operand());
        std::string key = NextKey();
        const absl::Status status = db_->Delete(options, key);
        return Written(options, status, {{std::move(key), std::nullopt}});
      }
      case DbOp::kBatch:
        return Batch();
      case DbOp::kFill:
        return Fill();
      case DbOp::kGet:
      case DbOp::kGetPinned: {
        const ReadOptions options = TakeRead(&state);
        return CheckGet(options, *state, NextKey(), op == DbOp::kGetPinned);
      }
      case DbOp::kCheckPins:
        CheckPins();
        if (reader_.Below(2) == 1) pins_.clear();
        return;
      case DbOp::kNewIterator:
        return NewIterator();
      case DbOp::kSeekToFirst:
      case DbOp::kSeekToLast:
      case DbOp::kSeek:
      case DbOp::kSeekForPrev:
      case DbOp::kWalk:
        return MoveIterator(op);
      case DbOp::kDropIterator: {
        const CheckedIterator* const it = TakeIterator();
        if (it == nullptr) return;
        it->Check();
        iterators_.erase(iterators_.begin() + (it - iterators_.data()));
        return;
      }
      case DbOp::kTakeSnapshot:
        return TakeSnapshot();
      case DbOp::kDropSnapshot:
        if (snapshots_.empty()) return;
        snapshots_.erase(snapshots_.begin() + reader_.Below(snapshots_.size()));
        return;
      case DbOp::kWork:
        for (int i = reader_.Below(4); i >= 0; --i) {
          cost_ += kJobCost;
          env_->sim_executor().RunOne();
        }
        return;
      case DbOp::kResume:
        return ExpectOk(db_->Resume());
      case DbOp::kSyncWal:
        return ExpectOk(db_->SyncWal());
      case DbOp::kFlush:
        cost_ += kJobCost;
        ExpectOk(db_->Flush());
        return unlogged_.clear();
      case DbOp::kWaitForWork:
        cost_ += kJobCost;
        return WaitForWork();
      case DbOp::kCompact:
        cost_ += 2 * kJobCost;
        return Compact();
      case DbOp::kVerify:
        cost_ += kJobCost;
        return ExpectOk(db_->VerifyChecksums());
      case DbOp::kCheckAll: {
        cost_ += kJobCost;
        const ReadOptions options = TakeRead(&state);
        return CheckAll(options, state);
      }
      case DbOp::kReopen:
        cost_ += kOpenCost;
        return Reopen();
      case DbOp::kKill:
        cost_ += kOpenCost;
        return Kill();
      case DbOp::kRecreate:
        cost_ += kOpenCost;
        return Recreate();
    }
  }

  OpReader reader_;
  bool looks_again_ = false;  // Also after it was closed in the end.
  bool trace_ = false;
  int cost_ = 0;
  size_t bytes_ = 0;

  uint64_t boots_ = 0;
  std::unique_ptr<SimEnv> env_;
  Options options_;
  std::unique_ptr<DB> db_;
  Life life_;
  DbStats stats_;  // As they were last.

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::set<std::string> keys_;  // Ever written.
  uint64_t sequence_ = 0;       // Of the newest write.
  uint64_t version_ = 0;        // Of values, each its own.
  // Keys whose newest write was not logged: what the death of the process may
  // leave of them. nullopt: nothing.
  std::map<std::string, std::vector<std::optional<std::string_view>>> unlogged_;

  std::vector<CheckedIterator> iterators_;
  std::vector<HeldSnapshot> snapshots_;
  std::vector<HeldValue> pins_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run({reinterpret_cast<const char*>(data), size}).Go();
  return 0;
}
