#include "chaos/db/db_program.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/checksum.h"
#include "base/status_util.h"
#include "chaos/db/mortal_file_system.h"
#include "chaos/db/read_all.h"
#include "engine/db/db_impl.h"

namespace holdfast {
namespace {

constexpr std::string_view kOnceMoreKey = "once more";
constexpr std::string_view kUnsyncedKey = "once more, unsynced";
constexpr std::string_view kAbsentKey = "g";  // Between many others.

absl::Status Finding(std::string_view what) {
  return absl::InternalError(what);
}

// The keys that a step writes.
void CollectKeys(const WorkloadStep& step, std::set<std::string>* keys) {
  if (step.verb == "put" || step.verb == "del") {
    keys->insert(KeyOf(step.words[0]));
  }
  if (step.verb == "batch") {
    for (const std::string& word : step.words) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) continue;
      keys->insert(KeyOf(std::string_view(word).substr(0, equals)));
    }
  }
  int count = 0;
  if (step.verb == "fill" && absl::SimpleAtoi(step.words[0], &count)) {
    // The first and the last: an iterator sees all of them anyway.
    keys->insert("f000");
    keys->insert(absl::StrCat("f", absl::Dec(count - 1, absl::kZeroPad3)));
  }
}

std::vector<std::string> KeysOf(const Workload& workload) {
  std::set<std::string> keys = {std::string(kAbsentKey)};
  for (const WorkloadStep& step : workload.steps) CollectKeys(step, &keys);
  return {keys.begin(), keys.end()};
}

int DatabasesOf(const Workload& workload) {
  int most = 0;
  for (const WorkloadStep& step : workload.steps) {
    int number = 0;
    if (step.verb == "use" && absl::SimpleAtoi(step.words[0], &number)) {
      most = std::max(most, number);
    }
  }
  return most + 1;
}

}  // namespace

void MakeRecords(const Workload& workload, std::deque<DbRecord>* records) {
  records->clear();
  const int databases = DatabasesOf(workload);
  for (int i = 0; i < databases; ++i) {
    records->emplace_back(i).keys = KeysOf(workload);
  }
}

namespace {

std::string OnceMoreValue(uint64_t life) { return absl::StrCat("life ", life); }

void MarkDb(CrashRun& run, const DbRecord& record, std::string_view what,
            uint64_t value) {
  run.Mark(absl::StrCat("@", record.number, " ", what), value);
}

// One process of a later life. It ends without a call that has an effect, as a
// crash does.
class Process {
 public:
  explicit Process(CrashRun* run)
      : env_(run->env()), outer_(&env_.file_system()), file_system_(outer_) {
    env_.set_file_system(&file_system_);
  }
  ~Process() {
    End();
    env_.set_file_system(outer_);
  }

  absl::Status Open(const Options& options, const std::string& dir) {
    HF_ASSIGN_OR_RETURN(db_, DbImpl::Open(options, &env_, nullptr, dir));
    return absl::OkStatus();
  }
  DB& db() { return *db_; }

  // RETURNS the number of files that stayed open.
  int End() {
    file_system_.Die();
    db_.reset();
    env_.sim_executor().Drop();
    return env_.fs().open_files();
  }

 private:
  SimEnv& env_;
  FileSystem* const outer_;
  MortalFileSystem file_system_;
  std::unique_ptr<DB> db_;
};

}  // namespace

DbProgram::DbProgram(Workload workload, DbProgramSettings settings)
    : workload_(std::move(workload)),
      settings_(std::move(settings)),
      cache_may_be_lost_(MayLoseCache(settings_.faults.plan) ||
                         MayLoseCache(settings_.recovery_plan)),
      disk_lies_(MakesDiskLie(settings_.faults.plan) ||
                 MakesDiskLie(settings_.recovery_plan)) {
  for (const WorkloadStep& step : workload_.steps) {
    if (step.verb != "fault") continue;
    const absl::StatusOr<FaultPlan> plan = PlanOf(step);
    if (!plan.ok()) continue;  // The step will fail, and say so.
    cache_may_be_lost_ |= MayLoseCache(*plan);
    disk_lies_ |= MakesDiskLie(*plan);
  }
}

DbProgram::~DbProgram() = default;

absl::Status DbProgram::Run(CrashRun& run) {
  MakeRecords(workload_, &records_);
  options_ = SmallOptions();
  return WorkloadRun(&run, settings_.faults, &records_, &options_)
      .Execute(workload_);
}

// --- Marks -------------------------------------------------------------------

std::vector<DbProgram::Progress> DbProgram::ProgressOf(
    absl::Span<const CrashMark> marks) {
  std::vector<Progress> all;
  size_t marks_seen = 0;
  for (const CrashMark& mark : marks) {
    ++marks_seen;
    const size_t number = static_cast<size_t>(mark.text[1] - '0');
    const std::string_view what = std::string_view(mark.text).substr(3);
    if (all.size() <= number) all.resize(number + 1);
    Progress& progress = all[number];
    progress.touched = true;
    if (what == kShown) {
      ++progress.lives;
      progress.shown = mark.value;
      progress.writing = progress.written = false;
      progress.logging = progress.closed = false;
      progress.logged_mark = 0;
    } else if (what == kWriting) {
      progress.writing = true;
    } else if (what == kWritten) {
      progress.written = true;
    } else if (what == kLogging) {
      progress.logging = true;
    } else if (what == kLogged) {
      progress.logged_mark = marks_seen;
    } else if (what == kClosed) {
      progress.closed = true;
    } else {
      progress.position = mark.value;
      if (what == kOpening) {
        progress.destroyed = false;
        progress.remade = progress.destroying;
      }
      if (what == kDestroying || what == kOpened) progress.remade = false;
      if (what == kOpened) {
        progress.opened = true;
        progress.destroying = false;
      }
      if (what == kDestroying) progress.destroying = true;
      if (what == kDestroyed) {
        progress.opened = progress.destroying = false;
        progress.destroyed = true;
      }
    }
  }
  return all;
}

// Later positions with the same floors allow more states, and whatever a disk
// holds was written before: so a state that was judged at one of them need not
// be judged at a later one, when the explorer goes in the order of time.
uint64_t DbProgram::StateKey(absl::Span<const CrashMark> marks) const {
  const std::vector<Progress> all = ProgressOf(marks);
  uint64_t key = all.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const Progress& progress = all[i];
    const History::Position& at = records_[i].history.at(progress.position);
    const uint64_t flags =
        (progress.touched ? 1 : 0) | (progress.opened ? 2 : 0) |
        (progress.destroying ? 4 : 0) | (progress.destroyed ? 8 : 0) |
        (progress.writing ? 16 : 0) | (progress.written ? 32 : 0) |
        (progress.remade ? 64 : 0) | (progress.logging ? 128 : 0) |
        (progress.logged_mark != 0 ? 256 : 0) | (progress.closed ? 512 : 0);
    for (const uint64_t part :
         {uint64_t{at.durable}, uint64_t{at.flushed}, uint64_t{at.exposed},
          uint64_t{at.taken_back}, flags, progress.lives, progress.shown,
          uint64_t{settings_.any_order ? at.last : 0}}) {
      key = MixContext(key, part);
    }
  }
  return key;
}

// --- Later lives -------------------------------------------------------------

absl::Status DbProgram::Recover(CrashRun& run) {
  if (settings_.recovery_plan != FaultPlan()) {
    HF_RETURN_IF_ERROR(RecoverInTrouble(run));
  }
  const std::vector<Progress> all = ProgressOf(run.marks());
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].touched) continue;
    const bool destroy =
        all[i].lives == 0 && (all[i].destroying || all[i].destroyed);
    const absl::Status status = destroy
                                    ? RecoverDestroyed(run, records_[i], all[i])
                                    : RecoverDatabase(run, records_[i], all[i]);
    // D11: a disk that lied is found out, or what it took is at the end.
    if (disk_lies_ && (absl::IsDataLoss(status) || absl::IsNotFound(status))) {
      continue;
    }
    HF_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::Status DbProgram::RecoverInTrouble(CrashRun& run) {
  SimEnv& env = run.env();
  FileSystem* const outer = &env.file_system();
  FaultFileSystem faults(outer, &env.fs(), &env.clock());
  faults.SetPlan(settings_.recovery_plan);
  env.set_file_system(&faults);
  const std::vector<Progress> all = ProgressOf(run.marks());
  absl::Status status;
  for (size_t i = 0; i < all.size() && status.ok(); ++i) {
    const bool exists = !all[i].destroying && !all[i].destroyed;
    if (all[i].touched && exists) {
      status = OpenInTrouble(run, records_[i], all[i]);
    }
  }
  env.set_file_system(outer);
  return status;
}

// It may fail, but not say that the database is damaged or gone; and what it
// shows is final.
absl::Status DbProgram::OpenInTrouble(CrashRun& run, const DbRecord& record,
                                      const Progress& progress) {
  Options options = options_;
  options.create_if_missing = !progress.opened;
  options.error_if_exists = false;
  Process process(&run);
  absl::Status status = process.Open(options, record.dir);
  Contents found;
  if (status.ok()) status = ReadForward(*process.db().NewIterator({}), &found);
  if (status.ok()) {
    const Ruling ruling = JudgeFound(run, record, progress, found);
    if (!ruling.ok()) return Finding(ruling.text);
    Keep(found);
    MarkDb(run, record, kShown, found.hash());
    return absl::OkStatus();
  }
  if (disk_lies_ || (!absl::IsDataLoss(status) && !absl::IsNotFound(status))) {
    return absl::OkStatus();
  }
  return Finding(absl::StrCat("a call that failed is taken for damage: ",
                              status.ToString()));
}

absl::Status DbProgram::RecoverDatabase(CrashRun& run, const DbRecord& record,
                                        const Progress& progress) {
  Options options = options_;
  // What was made and opened once opens again.
  options.create_if_missing = !progress.opened;
  options.error_if_exists = false;
  Process process(&run);
  absl::Status status = process.Open(options, record.dir);
  if (status.ok()) {
    status = Inspect(run, record, progress, process.db());
  } else {
    status = Annotate(status, "the database cannot be opened");
  }
  HF_RETURN_IF_ERROR(status);
  const int open_files = process.End();
  if (open_files == 0) return absl::OkStatus();
  return Finding(absl::StrCat("D12 is broken: ", open_files,
                              " files are open without a database"));
}

absl::Status DbProgram::RecoverDestroyed(CrashRun& run, const DbRecord& record,
                                         const Progress& progress) {
  Options options = options_;
  options.create_if_missing = options.error_if_exists = false;
  if (progress.destroying) {
    // All of it, or something that says it is broken and can be destroyed.
    Process process(&run);
    const absl::Status status = process.Open(options, record.dir);
    if (status.ok()) return Inspect(run, record, progress, process.db());
    if (!absl::IsNotFound(status) && !absl::IsDataLoss(status)) {
      return Annotate(status, "after a crash in Destroy");
    }
    HF_RETURN_IF_ERROR(Annotate(DbImpl::Destroy(&run.env(), record.dir),
                                "destroying what a crash in Destroy left"));
  }
  Process process(&run);
  const absl::Status status = process.Open(options, record.dir);
  if (absl::IsNotFound(status) || disk_lies_) return absl::OkStatus();
  return Finding(
      absl::StrCat("a database that was destroyed opens: ", status.ToString()));
}

// By the disk as well: the same contents are left by sound and by torn logs.
bool DbProgram::OneIn(uint64_t n, CrashRun& run, const Contents& found) const {
  return n != 0 && MixContext(MixContext(found.hash(), run.marks().size()),
                              run.env().fs().disk().Hash()) %
                           n ==
                       0;
}

absl::Status DbProgram::Inspect(CrashRun& run, const DbRecord& record,
                                const Progress& progress, DB& db) {
  Contents found;
  HF_RETURN_IF_ERROR(
      Annotate(ReadForward(*db.NewIterator({}), &found), "reading all"));
  const Ruling ruling = JudgeFound(run, record, progress, found);
  if (!ruling.ok()) return Finding(ruling.text);
  std::string wrong;
  HF_RETURN_IF_ERROR(Annotate(
      ReadOtherwise(db, {}, found, record.keys,
                    OneIn(settings_.backward_one_in, run, found), &wrong),
      "reading keys"));
  if (!wrong.empty()) return Finding(wrong);
  if (disk_lies_) return absl::OkStatus();
  wrong = WrongFiles(run.env().file_system(), record.dir, db);
  if (!wrong.empty()) return Finding(wrong);
  Keep(found);
  MarkDb(run, record, kShown, found.hash());
  if (!OneIn(settings_.go_on_one_in, run, found)) return absl::OkStatus();
  return GoOn(run, record, progress, db);
}

Ruling DbProgram::JudgeFound(const CrashRun& run, const DbRecord& record,
                             const Progress& progress,
                             const Contents& found) const {
  const Circumstances circumstances{
      .power_lost = run.power_lost() || cache_may_be_lost_,
      .disk_lied = disk_lies_};
  if (progress.lives == 0) {
    // What was half destroyed may have been made anew.
    if (progress.remade && found.size() == 0) return {};
    return Judge(record.history, progress.position, circumstances, found);
  }
  const State& exposed = shown_.at(progress.shown)->state;
  LaterLife later{.exposed = &exposed, .durable = progress.written};
  const std::string value = OnceMoreValue(progress.lives);
  State written;
  State logged;
  if (progress.writing) {
    written = exposed;
    written.Put(kOnceMoreKey, value);
    later.written = &written;
  }
  if (progress.logging) {
    logged = written;
    logged.Put(kUnsyncedKey, value);
    later.logged = &logged;
    // D2a holds for what was told since the power failed last.
    later.kept = progress.logged_mark > run.marks_before_loss();
    later.closed = progress.closed;
  }
  return JudgeAgain(record.history, progress.position, circumstances, later,
                    found);
}

const DbProgram::Shown& DbProgram::Keep(const Contents& found) {
  std::unique_ptr<Shown>& shown = shown_[found.hash()];
  if (shown == nullptr) {
    shown = std::make_unique<Shown>();
    shown->contents = found;
    const Contents& kept = shown->contents;
    for (size_t i = 0; i < kept.size(); ++i) {
      shown->state.Put(kept.key(i), kept.value(i));
    }
  }
  return *shown;
}

absl::Status DbProgram::GoOn(CrashRun& run, const DbRecord& record,
                             const Progress& progress, DB& db) {
  MarkDb(run, record, kWriting, 0);
  HF_RETURN_IF_ERROR(Annotate(
      db.Put({.sync = true}, kOnceMoreKey, OnceMoreValue(progress.lives + 1)),
      "writing after recovery"));
  MarkDb(run, record, kWritten, 0);
  MarkDb(run, record, kLogging, 0);
  HF_RETURN_IF_ERROR(
      Annotate(db.Put({}, kUnsyncedKey, OnceMoreValue(progress.lives + 1)),
               "writing after recovery, without a sync"));
  MarkDb(run, record, kLogged, 0);
  HF_RETURN_IF_ERROR(Annotate(db.Close(), "closing after recovery"));
  MarkDb(run, record, kClosed, 0);
  return absl::OkStatus();
}

}  // namespace holdfast
