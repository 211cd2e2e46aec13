#include "chaos/db/workload_run.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "base/status_util.h"
#include "chaos/db/read_all.h"
#include "chaos/oracle/oracle.h"
#include "engine/db/db_impl.h"

namespace holdfast {
namespace {

using Effect = Fault::Effect;

// Marks are copied for each state that is explored.
constexpr size_t kMostMarkBytes = 48;

// When steps may fail.
constexpr uint64_t kFailuresUntilResume = 3;

bool HasEffect(const FaultPlan& plan, std::initializer_list<Effect> effects) {
  return std::any_of(
      plan.faults.begin(), plan.faults.end(), [&](const Fault& fault) {
        return std::find(effects.begin(), effects.end(), fault.effect) !=
               effects.end();
      });
}

absl::StatusOr<uint64_t> ParseNumber(std::string_view word) {
  uint64_t number;
  if (absl::SimpleAtoi(word, &number)) return number;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", word, "\" is not a number"));
}

WriteOptions WriteOptionsOf(std::string_view how) {
  return {.sync = how == "sync", .disable_wal = how == "nolog"};
}

bool IsChoice(std::string_view word) {
  return word == "sync" || word == "nolog";
}

std::string_view ChoiceOf(const WorkloadStep& step, size_t index) {
  return index < step.words.size() ? std::string_view(step.words[index])
                                   : std::string_view();
}

// There is a log a memtable besides.
uint64_t LogsAhead(const DbStats& stats) {
  return stats.wal_files - stats.memtables;
}

}  // namespace

absl::StatusOr<FaultPlan> PlanOf(const WorkloadStep& step) {
  return FaultPlan::Parse(
      absl::StrReplaceAll(absl::StrJoin(step.words, " "), {{"|", ";"}}));
}

bool MayLoseCache(const FaultPlan& plan) {
  return HasEffect(plan, {Effect::kSyncFailsReverts}) || MakesDiskLie(plan);
}

bool MakesDiskLie(const FaultPlan& plan) {
  return HasEffect(
      plan, {Effect::kSyncLies, Effect::kSyncLost, Effect::kSyncFailsLate});
}

WorkloadRun::WorkloadRun(CrashRun* run, const WorkloadFaults& faults,
                         std::deque<DbRecord>* records, Options* options)
    : run_(*run),
      faults_given_(faults),
      records_(*records),
      options_(*options),
      outer_(&run_.env().file_system()),
      faults_(outer_, &run_.env().fs(), &run_.env().clock()),
      mortal_(&faults_) {
  run_.env().set_file_system(&mortal_);
  if (!faults.plan.faults.empty() || faults.plan.space_bytes.has_value()) {
    faults_.SetPlan(faults.plan);
    cache_may_be_lost_ = MayLoseCache(faults.plan);
    disk_lies_ = MakesDiskLie(faults.plan);
  }
}

WorkloadRun::~WorkloadRun() {
  Kill();
  run_.env().set_file_system(outer_);
}

absl::Status WorkloadRun::Execute(const Workload& workload) {
  using Expect = WorkloadStep::Expect;
  for (size_t i = 0; i < workload.steps.size(); ++i) {
    const WorkloadStep& step = workload.steps[i];
    const std::string name =
        absl::StrCat("step ", i + 1, " (", step.Text(), ")");
    const absl::Status status = Do(step);
    if (!finding_.ok()) return Annotate(finding_, name);
    if (!status.ok()) ++failures_;
    if (faults_given_.may_fail) {
      // Now and then somebody tries to mend it.
      if (failures_ == kFailuresUntilResume && open().db != nullptr) {
        ++failures_;
        Resume().IgnoreError();
      }
      continue;
    }
    if (!status.ok() && step.expect == Expect::kSuccess) {
      return Annotate(status, name);
    }
    if (status.ok() && step.expect == Expect::kFailure) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, " was to fail, and did not"));
    }
  }
  const std::string never = faults_.NeverFired();
  if (never.empty() || !must_strike_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(kNeverStruck, ": ", never));
}

void WorkloadRun::Mark(std::string_view what) {
  run_.Mark(
      absl::StrCat("@", record().number, " ", what.substr(0, kMostMarkBytes)),
      record().history.position());
}

void WorkloadRun::Find(std::string_view what) {
  if (finding_.ok()) finding_ = absl::InternalError(what);
}

// --- Steps -------------------------------------------------------------------

absl::Status WorkloadRun::Do(const WorkloadStep& step) {
  if (step.verb == "use") {
    HF_ASSIGN_OR_RETURN(const uint64_t number, ParseNumber(step.words[0]));
    if (number >= records_.size() || number >= kMostDatabases) {
      return absl::InvalidArgumentError("no such database");
    }
    current_ = number;
    return absl::OkStatus();
  }
  if (step.verb == "open") return Open(step);
  if (step.verb == "destroy") return Destroy();
  if (step.verb == "kill") {
    Kill();
    return absl::OkStatus();
  }
  if (step.verb == "work") {
    run_.env().sim_executor().RunOne();
    return absl::OkStatus();
  }
  // A plan that was given stays in force.
  const bool is_fault = step.verb == "fault" || step.verb == "heal";
  if (is_fault && faults_given_.may_fail) return absl::OkStatus();
  if (step.verb == "fault") return SetPlan(step);
  if (step.verb == "heal") {
    const std::string never = faults_.NeverFired();
    faults_.Clear();
    if (never.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(kNeverStruck, ": ", never));
  }
  if (step.verb == "sees") return Sees(step);
  if (open().db == nullptr && faults_given_.may_fail) {
    // A fault kept it from being opened or closed: a new process tries again.
    HF_RETURN_IF_ERROR(Open({.verb = "open", .words = {"create"}}));
  }
  if (open().db == nullptr) {
    return absl::FailedPreconditionError("no database is open");
  }
  return DoWithDb(step);
}

absl::Status WorkloadRun::DoWithDb(const WorkloadStep& step) {
  const std::string& verb = step.verb;
  if (verb == "put") return Put(step);
  if (verb == "del") return Delete(step);
  if (verb == "batch") return Batch(step);
  if (verb == "fill") return Fill(step);
  if (verb == "close") return Close();
  if (verb == "flush") return MakeDurable(db().Flush(), "Flush");
  if (verb == "compact") return Compact(step);
  if (verb == "resume") return Resume();
  if (verb == "verify") return db().VerifyChecksums();
  if (verb == "idle") return db().WaitForBackgroundWork();
  if (verb == "entries") return Entries(step);
  if (verb == "syncwal") {
    const absl::Status status = db().SyncWal();
    if (status.ok()) {
      record().history.MakeDurable(History::Scope::kLogged, "SyncWal");
      Mark("SyncWal");
    }
    return status;
  }
  if (verb == "read") {
    return Read({}, "a reader", record().history.now());
  }
  if (verb == "snapshot") {
    open().readers[step.words[0]] = {db().GetSnapshot(), nullptr,
                                     &record().history.now()};
    return absl::OkStatus();
  }
  if (verb == "iterator") {
    open().readers[step.words[0]] = {nullptr, db().NewIterator({}),
                                     &record().history.now()};
    return absl::OkStatus();
  }
  if (verb == "check") return CheckReader(step.words[0]);
  // "release"
  const absl::Status status = CheckReader(step.words[0]);
  open().readers.erase(step.words[0]);
  return status;
}

absl::Status WorkloadRun::SetPlan(const WorkloadStep& step) {
  HF_ASSIGN_OR_RETURN(FaultPlan plan, PlanOf(step));
  cache_may_be_lost_ |= MayLoseCache(plan);
  disk_lies_ |= MakesDiskLie(plan);
  must_strike_ = step.expect == WorkloadStep::Expect::kSuccess;
  faults_.SetPlan(std::move(plan));
  return absl::OkStatus();
}

// --- The life of a database --------------------------------------------------

absl::Status WorkloadRun::Open(const WorkloadStep& step) {
  if (open().db != nullptr) {
    // As a second process would: the lock refuses it.
    return DbImpl::Open(options_, env(), nullptr, record().dir).status();
  }
  options_.create_if_missing = false;
  options_.error_if_exists = false;
  for (const std::string& word : step.words) {
    if (word == "create") {
      options_.create_if_missing = true;
    } else if (word == "exclusive") {
      options_.error_if_exists = true;
    } else {
      HF_RETURN_IF_ERROR(ApplyOption(word, &options_));
    }
  }
  Mark(kOpening);
  absl::StatusOr<std::unique_ptr<DB>> opened =
      DbImpl::Open(options_, env(), nullptr, record().dir);
  HF_RETURN_IF_ERROR(opened.status());
  open().db = *std::move(opened);
  const absl::Status status = ShowAll();
  if (!status.ok()) {
    CountStats(db());
    open().db.reset();
  }
  return status;
}

// What the new process shows must be what the old one left.
absl::Status WorkloadRun::ShowAll() {
  Contents found;
  HF_RETURN_IF_ERROR(ReadForward(*db().NewIterator({}), &found));
  std::string wrong;
  HF_RETURN_IF_ERROR(
      ReadOtherwise(db(), {}, found, record().keys, true, &wrong));
  if (!wrong.empty()) Find(wrong);
  History& history = record().history;
  const Ruling ruling =
      Judge(history, history.position(),
            {.power_lost = cache_may_be_lost_, .disk_lied = disk_lies_}, found);
  // A Destroy that failed may have come so far that nothing was left.
  const bool gone = open().destroy_failed && found.size() == 0;
  if (!ruling.ok() && !gone) Find(ruling.text);
  open().destroy_failed = false;
  history.Expose(found);
  Mark(kOpened);
  return absl::OkStatus();
}

absl::Status WorkloadRun::Close() {
  open().readers.clear();
  Mark("closing");
  const absl::Status status = db().Close();
  CountStats(db());
  open().db.reset();
  if (!status.ok()) return status;
  record().history.Close();
  Mark("closed");
  return absl::OkStatus();
}

void WorkloadRun::Kill() {
  mortal_.Die();
  for (OpenDatabase& one : open_) {
    one.readers.clear();
    if (one.db != nullptr) CountStats(*one.db);
    one.db.reset();
  }
  run_.env().sim_executor().Drop();
  mortal_.BeBorn();
}

absl::Status WorkloadRun::Destroy() {
  if (open().db == nullptr) Mark(kDestroying);
  const absl::Status status = DbImpl::Destroy(env(), record().dir);
  open().destroy_failed = !status.ok() && open().db == nullptr;
  HF_RETURN_IF_ERROR(status);
  record().history.Expose(Contents());
  Mark(kDestroyed);
  return absl::OkStatus();
}

// --- Writes ------------------------------------------------------------------

std::string WorkloadRun::ValueOf(std::string_view word) {
  uint64_t bytes;
  if (word.size() < 2 || (word[0] != '*' && word[0] != '~') ||
      !absl::SimpleAtoi(word.substr(1), &bytes)) {
    return std::string(word);
  }
  ++values_;
  std::string value = absl::StrCat(values_, ":");
  Random random(values_);
  while (value.size() < bytes) {
    value.push_back(word[0] == '~' ? 'x' : static_cast<char>(random.Next64()));
  }
  value.resize(bytes);
  return value;
}

absl::Status WorkloadRun::Put(const WorkloadStep& step) {
  return Write({{KeyOf(step.words[0]), ValueOf(step.words[1])}},
               ChoiceOf(step, 2));
}

absl::Status WorkloadRun::Delete(const WorkloadStep& step) {
  return Write({{KeyOf(step.words[0]), std::nullopt}}, ChoiceOf(step, 1));
}

absl::Status WorkloadRun::Batch(const WorkloadStep& step) {
  History::Batch batch;
  std::string_view how;
  for (const std::string& word : step.words) {
    if (IsChoice(word)) {
      how = word;
      continue;
    }
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (parts.second == "-") {
      batch.push_back({KeyOf(parts.first), std::nullopt});
    } else {
      batch.push_back({KeyOf(parts.first), ValueOf(parts.second)});
    }
  }
  return Write(std::move(batch), how);
}

absl::Status WorkloadRun::Fill(const WorkloadStep& step) {
  HF_ASSIGN_OR_RETURN(const uint64_t count, ParseNumber(step.words[0]));
  for (uint64_t i = 0; i < count; ++i) {
    HF_RETURN_IF_ERROR(Write({{absl::StrCat("f", absl::Dec(i, absl::kZeroPad3)),
                               ValueOf(absl::StrCat("*", step.words[1]))}},
                             ChoiceOf(step, 2)));
  }
  return absl::OkStatus();
}

absl::Status WorkloadRun::Write(History::Batch changes, std::string_view how) {
  WriteBatch batch;
  for (const History::Change& change : changes) {
    if (change.value.has_value()) {
      batch.Put(change.key, *change.value);
    } else {
      batch.Delete(change.key);
    }
  }
  History& history = record().history;
  const WriteOptions options = WriteOptionsOf(how);
  const std::string name = absl::StrCat("write ", history.writes().size() + 1,
                                        how.empty() ? "" : ", ", how);
  history.Begin(std::move(changes), !options.disable_wal);
  Mark(name);
  const absl::Status status = WriteToDb(options, batch);
  if (status.ok()) {
    history.Acknowledge();
    if (options.sync) {
      history.MakeDurable(History::Scope::kLogged, "a synced write");
    }
    Mark("done");
  } else if (absl::IsFailedPrecondition(status) ||
             absl::IsInvalidArgument(status)) {
    history.Refuse();
    Mark("refused");
  } else {
    history.Fail();
    Mark("failed");
  }
  return status;
}

// With an eye on the log made ahead, if any: a rotation that makes none takes
// that one.
absl::Status WorkloadRun::WriteToDb(const WriteOptions& options,
                                    const WriteBatch& batch) {
  const uint64_t logs = mortal_.count(FileOp::kCreate, FileSort::kLog);
  const bool before = LogsAhead(db().Stats()) > 0;
  const absl::Status status = db().Write(options, batch);
  const bool taken = before && LogsAhead(db().Stats()) == 0 &&
                     logs == mortal_.count(FileOp::kCreate, FileSort::kLog);
  if (taken) ++logs_ahead_taken_;
  return status;
}

absl::Status WorkloadRun::MakeDurable(absl::Status status,
                                      std::string_view how) {
  if (status.ok()) {
    record().history.MakeDurable(History::Scope::kAll, how);
    Mark(how);
  }
  return status;
}

absl::Status WorkloadRun::Compact(const WorkloadStep& step) {
  std::optional<std::string_view> begin;
  std::optional<std::string_view> end;
  if (!step.words.empty()) begin = step.words[0];
  if (step.words.size() > 1) end = step.words[1];
  return MakeDurable(db().CompactRange(begin, end), "CompactRange");
}

absl::Status WorkloadRun::Resume() {
  const bool was_healthy = db().Health().state == HealthState::kHealthy;
  const absl::Status status = db().Resume();
  // On a healthy database it promises nothing.
  return was_healthy ? status : MakeDurable(status, "Resume");
}

// --- Reads -------------------------------------------------------------------

absl::Status WorkloadRun::Read(const ReadOptions& options, std::string_view who,
                               const State& expected) {
  Contents found;
  HF_RETURN_IF_ERROR(ReadForward(*db().NewIterator(options), &found));
  const Ruling ruling = JudgeRead(expected, found, who);
  if (!ruling.ok()) Find(ruling.text);
  std::string wrong;
  HF_RETURN_IF_ERROR(
      ReadOtherwise(db(), options, found, record().keys, true, &wrong));
  if (!wrong.empty()) Find(absl::StrCat("I2 is broken: ", wrong));
  return absl::OkStatus();
}

absl::Status WorkloadRun::CheckReader(const std::string& name) {
  const auto it = open().readers.find(name);
  if (it == open().readers.end()) {
    return absl::NotFoundError(absl::StrCat("no reader ", name));
  }
  const Reader& reader = it->second;
  if (reader.iterator == nullptr) {
    return Read({.snapshot = reader.snapshot.get()}, "a snapshot",
                *reader.expected);
  }
  Contents found;
  HF_RETURN_IF_ERROR(ReadForward(*reader.iterator, &found));
  const Ruling ruling = JudgeRead(*reader.expected, found, "an iterator");
  if (!ruling.ok()) Find(ruling.text);
  return absl::OkStatus();
}

// --- What must have happened -------------------------------------------------

void WorkloadRun::CountStats(DB& db) {
  const DbStats stats = db.Stats();
  totals_.flushes_total += stats.flushes_total;
  totals_.compactions_total += stats.compactions_total;
  totals_.moves_total += stats.moves_total;
  totals_.stall_delays_total += stats.stall_delays_total;
  totals_.stall_stops_total += stats.stall_stops_total;
}

uint64_t WorkloadRun::Counter(std::string_view name) const {
  DbStats sum = totals_;
  uint64_t logs_ahead = 0;
  for (const OpenDatabase& one : open_) {
    if (one.db == nullptr) continue;
    const DbStats stats = one.db->Stats();
    sum.flushes_total += stats.flushes_total;
    sum.compactions_total += stats.compactions_total;
    sum.moves_total += stats.moves_total;
    sum.stall_delays_total += stats.stall_delays_total;
    sum.stall_stops_total += stats.stall_stops_total;
    logs_ahead += LogsAhead(stats);
  }
  if (name == "flushes") return sum.flushes_total;
  if (name == "compactions") return sum.compactions_total;
  if (name == "moves") return sum.moves_total;
  if (name == "delays") return sum.stall_delays_total;
  if (name == "stops") return sum.stall_stops_total;
  if (name == "failures") return failures_;
  if (name == "ahead.there") return logs_ahead;
  if (name == "ahead.taken") return logs_ahead_taken_;
  const std::pair<std::string_view, std::string_view> parts =
      absl::StrSplit(name, absl::MaxSplits('.', 1));
  const std::optional<FileOp> op = FileOpFromName(parts.first);
  if (!op.has_value()) return 0;
  for (int i = 0; i < kFileSorts; ++i) {
    const auto sort = static_cast<FileSort>(i);
    if (FileSortName(sort) == parts.second) return mortal_.count(*op, sort);
  }
  return 0;
}

absl::Status WorkloadRun::Sees(const WorkloadStep& step) {
  HF_ASSIGN_OR_RETURN(const uint64_t wanted, ParseNumber(step.words[1]));
  const uint64_t seen = Counter(step.words[0]);
  if (seen >= wanted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the workload does not do what it is for: ", step.words[0],
                   " is only ", seen));
}

absl::Status WorkloadRun::Entries(const WorkloadStep& step) {
  HF_ASSIGN_OR_RETURN(const uint64_t wanted, ParseNumber(step.words[0]));
  uint64_t entries = 0;
  for (const LevelStats& level : db().Stats().levels) entries += level.entries;
  if (entries == wanted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the tables have ", entries, " entries"));
}

}  // namespace holdfast
