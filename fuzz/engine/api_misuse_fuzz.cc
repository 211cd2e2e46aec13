// Calls in the wrong order, with wrong arguments, on directories that hold no
// or a damaged database, and while calls to the file system fail
// (fuzz/engine/misuse_ops.h); on one thread and a simulated disk. Property:
// always a clear status, which says the option, the place or the fault; reads
// show what was acknowledged, or an error; what a life left is what the oracle
// (chaos/oracle) allows; and once nothing fails any more, Resume or opening
// again makes a healthy database with all of it, and no file too many. A
// damaged copy never shows what was not written, and can be destroyed.
//
// What the headers forbid is not done: iterators and pinned values that outlive
// the opening, stepping where there is no entry, a snapshot that is gone.
//
// HOLDFAST_TRACE=1 prints each operation. The environment may also make the
// engine wrong, to see that this notices: tests/util/mutant_switch.cc.

#include <algorithm>
#include <array>
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
#include "absl/strings/match.h"
#include "base/check.h"
#include "chaos/db/db_program.h"
#include "chaos/db/mortal_file_system.h"
#include "chaos/db/read_all.h"
#include "chaos/oracle/contents.h"
#include "chaos/oracle/history.h"
#include "chaos/oracle/oracle.h"
#include "fuzz/engine/db_ops.h"
#include "fuzz/engine/misuse_faults.h"
#include "fuzz/engine/misuse_ops.h"
#include "fuzz/engine/op_bytes.h"
#include "fuzz/engine/op_values.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace {

using namespace holdfast;

constexpr size_t kPlaces = 2;
constexpr size_t kMostHeld = 3;
constexpr size_t kMostValueBytes = 5000;
// As in db_ops_fuzz: microseconds, about.
constexpr int kMostCost = 2000;
constexpr int kOpCost = 30;
constexpr int kJobCost = 300;
constexpr int kOpenCost = 500;
constexpr int kDamageCost = 900;

// Of syncs that fail late: each of a file or directory of its own.
constexpr int kMostLate = 50;

constexpr MisuseOp kOften[] = {
    MisuseOp::kPut,   MisuseOp::kPut,   MisuseOp::kBatch, MisuseOp::kDelete,
    MisuseOp::kFault, MisuseOp::kFlush, MisuseOp::kHeal,  MisuseOp::kResume};

[[noreturn]] void Die(std::string_view what) {
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

void ExpectOk(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

void ExpectCode(const absl::Status& status, absl::StatusCode code) {
  if (status.code() != code) Die(status.ToString());
}

void Expect(const Ruling& ruling) {
  if (!ruling.ok()) Die(ruling.text);
}

// The system's words for what faults do.
bool SaysTheFault(const absl::Status& status) {
  for (const std::string_view words :
       {"Input/output error", "No space left on device", "Too many open files",
        "Permission denied", "Interrupted system call"}) {
    if (absl::StrContains(status.message(), words)) return true;
  }
  return false;
}

bool IsHealthy(DB& db) {
  const DbHealth health = db.Health();
  return health.state == HealthState::kHealthy && health.cause.ok();
}

class ForeignSnapshot final : public Snapshot {
 public:
  uint64_t sequence() const override { return 1; }
};

// A directory for a database, and what is known of it.
struct Place {
  struct Reader {
    std::shared_ptr<const Snapshot> snapshot;  // Or
    std::unique_ptr<Iterator> iterator;
    const State* expected = nullptr;
  };
  enum class Made { kNo, kPerhaps, kYes };

  std::string dir;
  History history;
  std::map<std::string, std::set<std::string>> ever;  // Written to a key.
  Made made = Made::kNo;
  bool wrecked = false;  // A Destroy failed half-way.
  bool closed = true;    // Cleanly, or never opened.
  std::unique_ptr<DB> db;
  std::vector<Reader> readers;
  std::unique_ptr<DB> corpse;  // A handle that was closed.
  std::vector<std::shared_ptr<const Snapshot>> stale;  // Of earlier openings.
};

class Run {
 public:
  explicit Run(std::string_view input) : reader_(input) {
    const char* const trace = std::getenv("HOLDFAST_TRACE");
    trace_ = trace != nullptr && *trace != '\0';
    SimDisk disk;
    disk.Put("/file", "a file");
    disk.Put("/strangers/000001.sst.bak", "not ours");
    disk.Put("/strangers/notes", "nor this");
    env_.fs().SetDisk(std::move(disk));
    env_.set_file_system(&mortal_);
    places_[0].dir = "/a";
    places_[1].dir = "/b";
    Open(kOpenCreates);
  }
  ~Run() {
    for (Place& place : places_) place.readers.clear();
  }

  void Go() {
    uint8_t code;
    while (cost_ < kMostCost && reader_.Next(&code)) {
      const MisuseOp op = code < kMisuseOps
                              ? static_cast<MisuseOp>(code)
                              : kOften[(code - kMisuseOps) % std::size(kOften)];
      if (trace_) std::fprintf(stderr, "op %d\n", static_cast<int>(op));
      cost_ += kOpCost;
      Do(op);
    }
    Finish();
  }

 private:
  Place& place() { return places_[current_]; }
  DB* db() { return place().db.get(); }

  // --- What may fail, and how ------------------------------------------------

  // Nothing of the file system fails now.
  bool Calm() const { return !faults_on_ && late_ == 0; }
  // And nothing that failed earlier is in the way.
  bool Sound() { return Calm() && db() != nullptr && IsHealthy(*db()); }

  void MayFail(const absl::Status& status, bool sound) {
    if (status.ok()) return;
    if (sound) Die(status.ToString());
    if (SaysTheFault(status)) return;
    if (flips_ && absl::IsDataLoss(status)) return;
    // Health says why.
    if (absl::IsFailedPrecondition(status) && db() != nullptr &&
        !IsHealthy(*db())) {
      return;
    }
    if (disk_lies_ || cache_may_be_lost_) return;
    Die(status.ToString());
  }

  // --- Opening and ending ----------------------------------------------------

  Options TakenOptions(uint8_t flags) {
    Options options = TakeOptions(&reader_);
    options.env = &env_;
    options.create_if_missing = (flags & kOpenCreates) != 0;
    options.error_if_exists = (flags & kOpenExclusive) != 0;
    return options;
  }

  void Open(uint8_t flags) {
    const Options options = TakenOptions(flags);
    Place& p = place();
    if (p.wrecked && !Destroy()) return;
    const bool calm = Calm();
    absl::StatusOr<std::unique_ptr<DB>> opened = DB::Open(options, p.dir);
    if (p.db != nullptr) {
      HF_CHECK(!opened.ok());
      if (calm) ExpectCode(opened.status(), absl::StatusCode::kUnavailable);
      return;
    }
    if (calm) CheckOpening(options, opened.status());
    if (!opened.ok()) {
      const bool refused = absl::IsNotFound(opened.status()) ||
                           absl::IsAlreadyExists(opened.status());
      if (!refused) MayFail(opened.status(), calm);
      if (options.create_if_missing && p.made == Place::Made::kNo) {
        p.made = Place::Made::kPerhaps;
      }
      return;
    }
    p.db = *std::move(opened);
    p.made = Place::Made::kYes;
    Show();
  }

  void CheckOpening(const Options& options, const absl::Status& status) {
    const Place::Made made = place().made;
    if (options.error_if_exists && made != Place::Made::kNo &&
        (made == Place::Made::kYes || absl::IsAlreadyExists(status))) {
      return ExpectCode(status, absl::StatusCode::kAlreadyExists);
    }
    if (!options.create_if_missing && made != Place::Made::kYes &&
        (made == Place::Made::kNo || absl::IsNotFound(status))) {
      return ExpectCode(status, absl::StatusCode::kNotFound);
    }
    ExpectOk(status);
  }

  // What a new process shows must be what the old ones left.
  void Show() {
    Place& p = place();
    const bool calm = Calm();
    Contents found;
    const absl::Status status = ReadForward(*p.db->NewIterator({}), &found);
    MayFail(status, calm);
    if (!status.ok()) {
      p.db.reset();
      p.closed = false;
      return;
    }
    Expect(Judge(p.history, p.history.position(),
                 {.power_lost = cache_may_be_lost_, .disk_lied = disk_lies_},
                 found));
    p.history.Expose(found);
    p.closed = false;
    if (!calm) return;
    const std::string wrong = WrongFiles(env_.fs(), p.dir, *p.db);
    if (!wrong.empty()) Die(wrong);
  }

  void Close() {
    Place& p = place();
    if (p.db == nullptr) return;
    const bool sound = Sound();
    p.readers.clear();
    const absl::Status status = p.db->Close();
    p.corpse = std::move(p.db);
    HF_CHECK(p.corpse->Health().state == HealthState::kClosed);
    MayFail(status, sound);
    if (!status.ok()) return;
    p.history.Close();
    p.closed = true;
  }

  void DropOpen() {
    Place& p = place();
    if (p.db == nullptr) return;
    // Then it must have done what Close does.
    const bool sound = Sound();
    p.readers.clear();
    p.db.reset();
    if (!sound) return;
    p.history.Close();
    p.closed = true;
  }

  void Kill() {
    mortal_.Die();
    for (Place& p : places_) {
      p.readers.clear();
      p.stale.clear();
      p.db.reset();
      p.corpse.reset();
    }
    env_.sim_executor().Drop();
    mortal_.BeBorn();
  }

  // RETURNS whether there is none any more.
  bool Destroy() {
    Place& p = place();
    const bool calm = Calm();
    const absl::Status status = DB::Destroy({.env = &env_}, p.dir);
    if (p.db != nullptr) {
      HF_CHECK(!status.ok());
      if (calm) ExpectCode(status, absl::StatusCode::kUnavailable);
      return false;
    }
    MayFail(status, calm);
    if (!status.ok()) {
      p.wrecked = true;
      return false;
    }
    p.wrecked = false;
    // A directory whose removal failed is no database.
    p.made = Place::Made::kNo;
    p.closed = true;
    p.history.Expose(Contents());
    if (calm) HF_CHECK(!env_.fs().disk().Exists(p.dir));
    return true;
  }

  void OpenSpoiled() {
    const uint8_t field = reader_.Below(kOptionFields);
    const bool above = reader_.Below(2) == 1;
    Options options = TakenOptions(kOpenCreates);
    const std::string_view name = Spoil(field, above, &options);
    const uint64_t calls = env_.fs().calls();
    for (const absl::Status& status :
         {ValidateOptions(options), DB::Open(options, place().dir).status()}) {
      ExpectCode(status, absl::StatusCode::kInvalidArgument);
      HF_CHECK(absl::StrContains(status.message(), name));
    }
    HF_CHECK(env_.fs().calls() == calls);
  }

  void OpenElsewhere() {
    const uint8_t where = reader_.Below(6);
    Options options = TakenOptions(where % 2 == 0 ? kOpenCreates : 0);
    constexpr std::string_view kWheres[] = {"/file",     "/file", "/no/where",
                                            "/no/where", "",      "/strangers"};
    const std::string_view path = kWheres[where];
    const uint64_t before = env_.fs().disk().Hash();
    const absl::Status status = DB::Open(options, path).status();
    HF_CHECK(!status.ok());
    HF_CHECK(env_.fs().disk().Hash() == before);
    if (path.empty()) {
      ExpectCode(status, absl::StatusCode::kInvalidArgument);
    } else {
      HF_CHECK(absl::StrContains(status.message(), path) || !Calm());
    }
    if (path != "/strangers" || !Calm()) return;
    ExpectCode(status, absl::StatusCode::kNotFound);
    options.create_if_missing = true;
    auto db = DB::Open(options, path);
    ExpectOk(db.status());
    ExpectOk((*db)->Put({}, "a", "1"));
    db->reset();
    ExpectOk(DB::Destroy(options, path));
    HF_CHECK(env_.fs().disk().Hash() == before);
  }

  // --- Writing ---------------------------------------------------------------

  std::string NextKey() { return TakeKey(&reader_, /*long_keys=*/false); }
  std::string NextValue(uint8_t operand) {
    return std::string(ValueOf(
        ++version_, std::min(ValueSize(operand % kValueSizes), kMostValueBytes),
        static_cast<ValueKind>(operand / kValueSizes)));
  }

  void Write(uint8_t how, History::Batch changes) {
    if (db() == nullptr) return;
    Place& p = place();
    WriteBatch batch;
    for (const History::Change& change : changes) {
      if (change.value.has_value()) {
        batch.Put(change.key, *change.value);
        p.ever[change.key].insert(*change.value);
        cost_ += static_cast<int>(change.value->size()) / 100;
      } else {
        batch.Delete(change.key);
      }
    }
    const WriteOptions options = OptionsOfWrite(how);
    const bool sound = Sound();
    const bool empty = changes.empty();
    if (!empty) p.history.Begin(std::move(changes), !options.disable_wal);
    const absl::Status status = db()->Write(options, batch);
    const bool both = options.sync && options.disable_wal;
    if (both) {
      ExpectCode(status, absl::StatusCode::kInvalidArgument);
      if (!empty) p.history.Refuse();
      return;
    }
    MayFail(status, sound);
    if (!empty) {
      if (status.ok()) {
        p.history.Acknowledge();
      } else if (absl::IsFailedPrecondition(status)) {
        p.history.Refuse();
      } else {
        p.history.Fail();
      }
    }
    if (status.ok() && options.sync) {
      p.history.MakeDurable(History::Scope::kLogged, "a synced write");
    }
    CheckHealth(status);
  }

  // An error of writing shows; for want of space a write fails alone.
  void CheckHealth(const absl::Status& status) {
    if (status.ok() || absl::IsResourceExhausted(status)) return;
    const DbHealth health = db()->Health();
    HF_CHECK(health.state != HealthState::kHealthy);
    HF_CHECK(!health.cause.ok());
  }

  void TakeWrite(MisuseOp op) {
    const uint8_t how = reader_.Operand();
    History::Batch batch;
    if (op == MisuseOp::kDelete) {
      batch.push_back({NextKey(), std::nullopt});
    } else if (op == MisuseOp::kPut) {
      std::string key = NextKey();
      batch.push_back({std::move(key), NextValue(reader_.Operand())});
    } else if (op == MisuseOp::kManyChanges) {
      const int count = reader_.Below(20) * 20;
      const std::string key = NextKey();
      for (int i = 0; i < count; ++i) {
        batch.push_back({key, std::to_string(++version_)});
      }
      cost_ += count;
    } else {
      while (reader_.HasOperand()) {
        std::string key = NextKey();
        const uint8_t operand = reader_.Operand();
        batch.push_back({std::move(key), std::nullopt});
        if (operand < kDeletes) batch.back().value = NextValue(operand);
      }
    }
    Write(how, std::move(batch));
  }

  void TooLarge() {
    if (db() == nullptr) return;
    cost_ += kJobCost;
    const std::string key(kMaxKeyBytes + 1, 'k');
    WriteBatch batch;
    batch.Put("a", "1");
    absl::Status status;
    switch (reader_.Below(4)) {
      case 0:
        status = db()->Put({}, key, "");
        break;
      case 1:
        status = db()->Delete({.sync = true}, key);
        break;
      case 2:
        batch.Delete(key);
        HF_CHECK(!batch.CheckLimits().ok());
        status = db()->Write({}, batch);
        break;
      default:
        batch.Put(key, "");
        batch.Clear();
        ExpectOk(batch.CheckLimits());
        HF_CHECK(batch.empty());
        ExpectOk(db()->Write({}, batch));
        // A longer key than any is asked for in vain.
        status = db()->Get({}, key).status();
        if (faults_on_ && !absl::IsNotFound(status)) return;
        return ExpectCode(status, absl::StatusCode::kNotFound);
    }
    ExpectCode(status, absl::StatusCode::kInvalidArgument);
  }

  // --- Reading ---------------------------------------------------------------

  void Get() {
    if (db() == nullptr) return;
    const std::string key = NextKey();
    const State::Entry* const entry = place().history.now().Find(key);
    PinnedValue pin;
    for (const bool pinned : {false, true}) {
      absl::StatusOr<std::string> value = db()->Get({}, key);
      if (pinned) {
        const absl::Status status = db()->Get({}, key, &pin);
        value = status.ok() ? absl::StatusOr<std::string>(pin.view()) : status;
        HF_CHECK(status.ok() || pin.size() == 0);
      }
      if (absl::IsNotFound(value.status())) {
        HF_CHECK(entry == nullptr);
      } else if (value.ok()) {
        HF_CHECK(entry != nullptr);
        HF_CHECK(*value == entry->value);
      } else {
        MayFail(value.status(), Calm());
      }
    }
  }

  void ReadAll(Iterator& it, const State& expected) {
    Contents found;
    const absl::Status status = ReadForward(it, &found);
    MayFail(status, Calm() && !held_in_trouble_);
    if (status.ok()) Expect(JudgeRead(expected, found, "a reader"));
  }

  void ReadNow() {
    if (db() == nullptr) return;
    cost_ += kJobCost;
    ReadAll(*db()->NewIterator({}), place().history.now());
  }

  void Hold(bool snapshot) {
    if (db() == nullptr) return;
    Place& p = place();
    if (p.readers.size() == kMostHeld) p.readers.erase(p.readers.begin());
    Place::Reader reader;
    reader.expected = &p.history.now();
    if (snapshot) {
      reader.snapshot = p.db->GetSnapshot();
      if (p.stale.size() == kMostHeld) p.stale.erase(p.stale.begin());
      p.stale.push_back(reader.snapshot);
    } else {
      reader.iterator = p.db->NewIterator({});
      // What could not be opened then may stay so.
      held_in_trouble_ |= !Calm();
    }
    p.readers.push_back(std::move(reader));
  }

  void CheckHeld() {
    cost_ += kJobCost;
    for (const Place::Reader& reader : place().readers) {
      if (reader.iterator != nullptr) {
        ReadAll(*reader.iterator, *reader.expected);
      } else {
        ReadAll(*db()->NewIterator({.snapshot = reader.snapshot.get()}),
                *reader.expected);
      }
    }
  }

  void WrongSnapshot() {
    if (db() == nullptr) return;
    static const ForeignSnapshot* const kForeign = new ForeignSnapshot;
    const Snapshot* wrong = kForeign;
    const uint8_t which = reader_.Below(3);
    const Place& other = places_[1 - current_];
    if (which == 1 && !other.stale.empty()) wrong = other.stale[0].get();
    if (which == 2 && place().corpse != nullptr) {
      // Of a handle that is closed, taken after that.
      place().stale.push_back(place().corpse->GetSnapshot());
      wrong = place().stale.back().get();
    }
    const ReadOptions options{.snapshot = wrong};
    const std::string key = NextKey();
    PinnedValue pin;
    const auto it = db()->NewIterator(options);
    it->SeekToFirst();
    HF_CHECK(!it->Valid());
    it->Seek(key);
    HF_CHECK(!it->Valid());
    for (const absl::Status& status :
         {db()->Get(options, key).status(), db()->Get(options, key, &pin),
          it->status()}) {
      ExpectCode(status, absl::StatusCode::kInvalidArgument);
    }
    if (which == 2 && place().corpse != nullptr) place().stale.pop_back();
  }

  // --- The rest of the calls -------------------------------------------------

  // Makes all durable, when it works.
  void MakeDurable(MisuseOp op) {
    if (db() == nullptr) return;
    cost_ += kJobCost;
    const bool sound = Sound();
    const bool was_healthy = db()->Health().state == HealthState::kHealthy;
    absl::Status status;
    History::Scope scope = History::Scope::kAll;
    if (op == MisuseOp::kFlush) status = db()->Flush();
    if (op == MisuseOp::kResume) status = db()->Resume();
    if (op == MisuseOp::kSyncWal) {
      scope = History::Scope::kLogged;
      status = db()->SyncWal();
    }
    if (op == MisuseOp::kCompact) {
      if (reader_.HasOperand()) {
        const std::string begin = NextKey();
        const std::string end = NextKey();
        if (begin > end) {
          return ExpectCode(db()->CompactRange(begin, end),
                            absl::StatusCode::kInvalidArgument);
        }
        status = db()->CompactRange(begin, end);
      } else {
        status = db()->CompactRange(std::nullopt, std::nullopt);
      }
    }
    MayFail(status, sound);
    CheckHealth(status);
    // To a healthy database Resume does nothing.
    if (!status.ok() || (op == MisuseOp::kResume && was_healthy)) return;
    place().history.MakeDurable(scope, "a call");
  }

  void Verify() {
    if (db() == nullptr) return;
    cost_ += kJobCost;
    // The log of a database that is not healthy need not be whole.
    MayFail(db()->VerifyChecksums(), Sound() && !cache_may_be_lost_);
  }

  void WaitForWork() {
    if (db() == nullptr) return;
    cost_ += kJobCost;
    const bool sound = Sound();
    MayFail(db()->WaitForBackgroundWork(), sound);
  }

  void UseClosed() {
    DB* const corpse = place().corpse.get();
    if (corpse == nullptr) return;
    const uint8_t what = reader_.Below(14);
    PinnedValue pin;
    absl::Status status;
    switch (what) {
      case 0:
        status = corpse->Put({}, "a", "1");
        break;
      case 1:
        status = corpse->Delete({.sync = true}, "a");
        break;
      case 2:
        status = corpse->Write({.sync = true}, WriteBatch());
        break;
      case 3:
        status = corpse->Get({}, "a").status();
        break;
      case 4:
        status = corpse->Get({}, "a", &pin);
        HF_CHECK(pin.size() == 0);
        break;
      case 5: {
        const auto it = corpse->NewIterator({});
        it->SeekToLast();
        HF_CHECK(!it->Valid());
        status = it->status();
        break;
      }
      case 6:
        status = corpse->Flush();
        break;
      case 7:
        status = corpse->SyncWal();
        break;
      case 8:
        status = corpse->CompactRange(std::nullopt, std::nullopt);
        break;
      case 9:
        status = corpse->WaitForBackgroundWork();
        break;
      case 10:
        status = corpse->Resume();
        break;
      case 11:
        status = corpse->VerifyChecksums();
        break;
      case 12:
        HF_CHECK(corpse->GetSnapshot() != nullptr);
        HF_CHECK(corpse->Stats().memtables >= 1);
        HF_CHECK(corpse->Health().state == HealthState::kClosed);
        return ExpectOk(corpse->Close());
      default:
        place().corpse.reset();
        return;
    }
    ExpectCode(status, absl::StatusCode::kFailedPrecondition);
  }

  void SetFaults() {
    FaultPlan plan = TakeFaultPlan(&reader_);
    if (trace_) std::fprintf(stderr, "  %s\n", plan.Text().c_str());
    cache_may_be_lost_ |= LosesCache(plan);
    disk_lies_ |= FailsLate(plan);
    flips_ |= FlipsReads(plan);
    if (FailsLate(plan)) late_ = kMostLate;
    faults_on_ = true;
    faults_.SetPlan(std::move(plan));
  }

  void Heal() {
    faults_on_ = false;
    faults_.Clear();
  }

  // --- Damage ----------------------------------------------------------------

  // Opens a copy of the disk in which one thing is not as it was.
  void Damage() {
    Place& p = place();
    SimDisk disk = env_.fs().disk();
    disk.ReleaseAll();
    const bool whole = p.closed && p.made == Place::Made::kYes && !p.wrecked;
    DamageFile(p.dir, &disk);
    SimEnv env(std::move(disk));
    env.fs().set_unique_id(uint64_t{1} << 60);
    Options options = TakenOptions(reader_.Below(2) == 1 ? kOpenCreates : 0);
    options.env = &env;
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, p.dir);
    if (db.ok()) {
      Contents found;
      const absl::Status status = ReadForward(*(*db)->NewIterator({}), &found);
      if (!status.ok()) ExpectCode(status, absl::StatusCode::kDataLoss);
      // Of a database that was closed nothing may be missing unnoticed.
      if (status.ok() && whole) {
        Expect(JudgeRead(p.history.now(), found, "a reader after damage"));
      }
      for (size_t i = 0; i < found.size(); ++i) {
        const auto values = p.ever.find(std::string(found.key(i)));
        HF_CHECK(values != p.ever.end());
        HF_CHECK(values->second.count(std::string(found.value(i))) > 0);
      }
      (*db)->VerifyChecksums().IgnoreError();
      (*db)->Put({.sync = true}, "a", "1").IgnoreError();
      (*db)->CompactRange(std::nullopt, std::nullopt).IgnoreError();
      (*db)->Close().IgnoreError();
      db->reset();
    } else {
      HF_CHECK(absl::StrContains(db.status().message(), p.dir));
      if (!absl::IsNotFound(db.status()) &&
          !absl::IsUnimplemented(db.status())) {
        ExpectCode(db.status(), absl::StatusCode::kDataLoss);
      }
    }
    HF_CHECK(env.fs().open_files() == 0);
    ExpectOk(DB::Destroy(options, p.dir));
  }

  void DamageFile(const std::string& dir, SimDisk* disk) {
    std::vector<std::pair<std::string, std::string>> files;
    for (auto& [path, content] : disk->Files()) {
      if (absl::StartsWith(path, dir + "/")) files.emplace_back(path, content);
    }
    if (files.empty()) return;
    const uint8_t what = reader_.Below(8);
    auto& [path, content] = files[reader_.Below(files.size())];
    const size_t at = content.empty() ? 0 : reader_.Wide() % content.size();
    const uint8_t byte = reader_.Operand();
    switch (what) {
      case 0:
      case 1:
        if (!content.empty()) {
          content[at] = static_cast<char>(content[at] ^ (1 << (byte % 8)));
        }
        break;
      case 2:
        content.resize(at);
        break;
      case 3:
        ExpectOk(disk->Remove(path));
        return;
      case 4: {
        const size_t bytes = std::min<size_t>(512, content.size() - at);
        content.replace(at, bytes, std::string(bytes, '\0'));
        break;
      }
      case 5:
        content = files[byte % files.size()].second;
        break;
      case 6:
        content.append(size_t{1} + byte, static_cast<char>(byte));
        break;
      default: {
        constexpr std::string_view kNames[] = {
            "CURRENT",    "MANIFEST-000099", "000099.sst", "000099.wal",
            "000099.tmp", "notes",           "000099.log", "MANIFEST-"};
        path = dir + "/" + std::string(kNames[byte % std::size(kNames)]);
        content.clear();
        while (reader_.HasOperand() && content.size() < 64) {
          content.push_back(static_cast<char>(reader_.Operand()));
        }
      }
    }
    disk->Put(path, content);
  }

  // --- The end ---------------------------------------------------------------

  void Finish() {
    Heal();
    for (current_ = 0; current_ < kPlaces; ++current_) {
      Place& p = place();
      if (p.db == nullptr && p.made == Place::Made::kNo && !p.wrecked) continue;
      p.readers.clear();
      held_in_trouble_ = false;
      Mend();
      while (!Works()) Mend();
      Close();
      HF_CHECK(p.db == nullptr);
      for (Open(0); p.db == nullptr; Open(0)) HF_CHECK(late_-- > 0);
      ReadNow();
      Close();
    }
    for (Place& p : places_) {
      p.stale.clear();
      p.corpse.reset();
    }
    HF_CHECK(faults_.open_files() == 0);
    HF_CHECK(env_.fs().open_files() == 0);
    HF_CHECK(env_.fs().disk().Files().at("/file") == "a file");
  }

  // Syncs that fail late use up what is left of them.
  bool Late(const absl::Status& status) {
    if (status.ok()) return false;
    if (late_ == 0) Die(status.ToString());
    --late_;
    return true;
  }

  void Mend() {
    for (;;) {
      if (db() == nullptr) {
        const int late = late_;
        Open(kOpenCreates);
        if (db() == nullptr) {
          HF_CHECK(late > 0);
          late_ = late - 1;
        }
        continue;
      }
      const DbHealth health = db()->Health();
      if (health.state == HealthState::kHealthy) return;
      if (health.state == HealthState::kFailed) {
        // Resume mends no damage; here it was only read.
        HF_CHECK(flips_ || cache_may_be_lost_ || disk_lies_);
        ExpectCode(db()->Resume(), health.cause.code());
        place().readers.clear();
        db()->Close().IgnoreError();
        place().db.reset();
        continue;
      }
      const absl::Status status = db()->Resume();
      if (Late(status)) continue;
      place().history.MakeDurable(History::Scope::kAll, "Resume");
      HF_CHECK(IsHealthy(*db()));
    }
  }

  // RETURNS false when a sync failed late.
  bool Works() {
    const State& now = place().history.now();
    ReadAll(*db()->NewIterator({}), now);
    for (const absl::Status& status :
         {db()->Flush(), db()->CompactRange(std::nullopt, std::nullopt),
          db()->WaitForBackgroundWork()}) {
      if (Late(status)) return false;
    }
    place().history.MakeDurable(History::Scope::kAll, "Flush");
    Write(1, {{"a", "works"}});
    if (!IsHealthy(*db())) return false;
    if (Late(db()->VerifyChecksums())) return false;
    ReadAll(*db()->NewIterator({}), place().history.now());
    if (!Calm()) return true;
    const std::string wrong = WrongFiles(env_.fs(), place().dir, *db());
    if (!wrong.empty()) Die(wrong);
    return true;
  }

  void Do(MisuseOp op) {
    switch (op) {
      case MisuseOp::kUse:
        current_ = reader_.Below(kPlaces);
        return;
      case MisuseOp::kOpen:
        cost_ += kOpenCost;
        return Open(reader_.Operand());
      case MisuseOp::kOpenSpoiled:
        return OpenSpoiled();
      case MisuseOp::kOpenElsewhere:
        cost_ += kOpenCost;
        return OpenElsewhere();
      case MisuseOp::kPut:
      case MisuseOp::kDelete:
      case MisuseOp::kBatch:
      case MisuseOp::kManyChanges:
        return TakeWrite(op);
      case MisuseOp::kTooLarge:
        return TooLarge();
      case MisuseOp::kGet:
        return Get();
      case MisuseOp::kReadAll:
        return ReadNow();
      case MisuseOp::kHoldIterator:
        return Hold(/*snapshot=*/false);
      case MisuseOp::kTakeSnapshot:
        return Hold(/*snapshot=*/true);
      case MisuseOp::kCheckHeld:
        return CheckHeld();
      case MisuseOp::kDropHeld:
        return place().readers.clear();
      case MisuseOp::kWrongSnapshot:
        return WrongSnapshot();
      case MisuseOp::kFlush:
      case MisuseOp::kSyncWal:
      case MisuseOp::kCompact:
      case MisuseOp::kResume:
        return MakeDurable(op);
      case MisuseOp::kVerify:
        return Verify();
      case MisuseOp::kWaitForWork:
        return WaitForWork();
      case MisuseOp::kWork:
        cost_ += kJobCost;
        env_.sim_executor().RunOne();
        return;
      case MisuseOp::kClose:
        cost_ += kJobCost;
        return Close();
      case MisuseOp::kUseClosed:
        return UseClosed();
      case MisuseOp::kDropOpen:
        cost_ += kJobCost;
        return DropOpen();
      case MisuseOp::kKill:
        cost_ += kJobCost;
        return Kill();
      case MisuseOp::kDestroy:
        cost_ += kJobCost;
        Destroy();
        return;
      case MisuseOp::kFault:
        return SetFaults();
      case MisuseOp::kHeal:
        return Heal();
      case MisuseOp::kDamage:
        cost_ += kDamageCost;
        return Damage();
    }
  }

  OpReader reader_;
  bool trace_ = false;
  int cost_ = 0;
  uint64_t version_ = 0;  // Of values, each its own.

  SimEnv env_;
  FaultFileSystem faults_{&env_.fs(), &env_.fs(), &env_.clock()};
  MortalFileSystem mortal_{&faults_};
  bool faults_on_ = false;
  int late_ = 0;  // Syncs that may still fail after the fault has ended.
  // Of any plan so far.
  bool cache_may_be_lost_ = false;
  bool disk_lies_ = false;
  bool flips_ = false;
  bool held_in_trouble_ = false;  // An iterator was made while calls failed.

  std::array<Place, kPlaces> places_;
  size_t current_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run({reinterpret_cast<const char*>(data), size}).Go();
  return 0;
}
