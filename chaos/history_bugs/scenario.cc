#include "chaos/history_bugs/scenario.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_util.h"

namespace holdfast::history_bugs {
namespace {

// Each process draws its own identities, as it does from real entropy.
constexpr uint64_t IdsOf(uint64_t life) { return (life + 1) << 32; }

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What is different, in a line.
std::string Difference(const Contents& found, const Contents& expected) {
  for (const auto& [key, value] : expected) {
    const auto it = found.find(key);
    if (it == found.end()) return absl::StrCat("'", key, "' is missing");
    if (it->second != value) return absl::StrCat("'", key, "' differs");
  }
  for (const auto& [key, value] : found) {
    if (!expected.contains(key)) return absl::StrCat("'", key, "' is there");
  }
  return "nothing";
}

absl::Status Same(const Contents& found, const Contents& expected,
                  std::string_view when) {
  if (found == expected) return absl::OkStatus();
  return Broken(absl::StrCat(when, ": ", Difference(found, expected)));
}

// A database was just opened: each file is one that it needs (D12).
absl::Status CheckNothingIsLeft(SimEnv& env, DB& db) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      env.file_system().ListDirectory(kDbDir));
  uint64_t tables = 0;
  for (const LevelStats& level : db.Stats().levels) tables += level.tables;
  const auto count = [&](std::string_view part) {
    return static_cast<uint64_t>(std::count_if(
        names.begin(), names.end(),
        [&](const std::string& name) { return Contains(name, part); }));
  };
  if (count(".sst") == tables && count(".wal") == 1 && count("MANIFEST") == 1 &&
      count(".tmp") == 0) {
    return absl::OkStatus();
  }
  return Broken(absl::StrCat("files after recovery, with ", tables,
                             " tables: ", absl::StrJoin(names, " ")));
}

// One process: opens the database, checks it, and leaves the disk as it is
// when the power fails then.
absl::StatusOr<Contents> OneLife(const Options& base, uint64_t life,
                                 SimDisk* disk) {
  SimEnv env(*disk);
  env.fs().set_unique_id(IdsOf(life));
  Options options = base;
  options.env = &env;
  options.disable_auto_compaction = true;
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<DB> db, DB::Open(options, kDbDir));
  *disk = env.fs().disk();
  HF_ASSIGN_OR_RETURN(Contents contents, ReadAll(*db));
  HF_RETURN_IF_ERROR(db->VerifyChecksums());
  HF_RETURN_IF_ERROR(CheckNothingIsLeft(env, *db));
  return contents;
}

}  // namespace

Options SmallOptions() {
  Options options;
  options.create_if_missing = true;
  options.memtable_bytes = size_t{64} << 10;
  options.max_memtables = 16;
  options.block_bytes = 512;
  options.block_cache_bytes = 0;
  options.compression = Compression::kNone;
  options.table_bytes = size_t{64} << 10;
  options.max_open_tables = 16;
  options.disable_auto_compaction = true;
  return options;
}

std::string Filler(std::string_view tag, size_t bytes) {
  uint64_t seed = 1;
  for (const char c : tag) seed = seed * 131 + static_cast<unsigned char>(c);
  Random random(seed);
  std::string filler(bytes, '\0');
  for (char& c : filler) c = static_cast<char>(random.Next64() >> 56);
  return filler;
}

absl::Status Expect(bool reached, std::string_view what) {
  if (reached) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the scenario was not reached: ", what));
}

absl::Status Broken(std::string_view why) {
  return absl::InternalError(absl::StrCat("broken: ", why));
}

// --- History ----------------------------------------------------------------

void History::Begin(const Batch& batch) {
  Contents next = now();
  for (const auto& [key, value] : batch) {
    if (value.has_value()) {
      next[key] = *value;
    } else {
      next.erase(key);
    }
  }
  uncertain_.push_back({.after = states_.size() - 1,
                        .state = std::make_shared<const Contents>(next)});
}

void History::Acknowledge(bool durable) {
  states_.push_back(uncertain_.back().state);
  uncertain_.pop_back();
  if (durable) AllDurable();
}

// It stays where it is: uncertain.
void History::Fail() {}

void History::AllDurable() {
  floor_ = states_.size() - 1;
  std::erase_if(uncertain_, [this](const Uncertain& uncertain) {
    return uncertain.after < floor_;
  });
}

void History::Found(Contents contents) {
  states_ = {std::make_shared<const Contents>(std::move(contents))};
  floor_ = 0;
  uncertain_.clear();
}

absl::Status History::Judge(const Contents& found) const {
  for (size_t i = floor_; i < states_.size(); ++i) {
    if (*states_[i] == found) return absl::OkStatus();
  }
  for (const Uncertain& uncertain : uncertain_) {
    if (*uncertain.state == found) return absl::OkStatus();
  }
  for (size_t i = 0; i < floor_; ++i) {
    if (*states_[i] == found) {
      return Broken(absl::StrCat("lost: the state after ", i, " of ",
                                 states_.size() - 1, " commits, of which ",
                                 floor_, " were durable"));
    }
  }
  return Broken(absl::StrCat("not the state after any prefix; compared with ",
                             "the newest: ", Difference(found, now())));
}

absl::Status History::JudgeAsPrefix(const Contents& found) const {
  History without_floor = *this;
  without_floor.floor_ = 0;
  return without_floor.Judge(found);
}

// --- Fates ------------------------------------------------------------------

bool Units::Match(const PendingUnit& unit) const {
  return (!kind.has_value() || unit.kind == *kind) &&
         Contains(unit.label, label_part);
}

Units Sectors(std::string_view path_part) {
  return {PendingUnit::Kind::kSector, std::string(path_part)};
}
Units Sizes(std::string_view path_part) {
  return {PendingUnit::Kind::kSize, std::string(path_part)};
}
Units Names(std::string_view label_part) {
  return {PendingUnit::Kind::kName, std::string(label_part)};
}
Units All(std::string_view label_part) {
  return {std::nullopt, std::string(label_part)};
}

Fate Kept() {
  return {"all kept", [](const PendingUnit&) { return std::nullopt; }};
}

Fate Lost() {
  return {"all lost", [](const PendingUnit&) { return What::kOld; }};
}

Fate Only(Units kept) {
  std::string name = absl::StrCat("only '", kept.label_part, "' kept");
  return {
      std::move(name),
      [kept = std::move(kept)](const PendingUnit& unit) -> std::optional<What> {
        if (kept.Match(unit)) return std::nullopt;
        return What::kOld;
      }};
}

Fate AllBut(Units lost, What as) {
  std::string name =
      absl::StrCat("'", lost.label_part, "' becomes ", static_cast<int>(as));
  return {std::move(name),
          [lost = std::move(lost),
           as](const PendingUnit& unit) -> std::optional<What> {
            if (lost.Match(unit)) return as;
            return std::nullopt;
          }};
}

CrashChoice Choose(absl::Span<const PendingUnit> units, const Fate& fate) {
  CrashChoice choice;
  choice.picks.reserve(units.size());
  for (const PendingUnit& unit : units) {
    const std::optional<What> what = fate.decide(unit);
    size_t pick = what.has_value() ? 0 : unit.newest;
    for (size_t i = 0; what.has_value() && i < unit.alternatives.size(); ++i) {
      if (unit.alternatives[i].what == *what) {
        pick = i;
        break;
      }
    }
    choice.picks.push_back(static_cast<uint16_t>(pick));
  }
  return choice;
}

// --- Machine ----------------------------------------------------------------

Machine::Machine(const Options& options)
    : options_(options), faults_(&env_.fs(), &env_.fs(), &env_.clock()) {
  SetHooks();
}

Machine::Machine(const Cut& cut, SimDisk disk)
    : options_(cut.options),
      env_(std::move(disk)),
      faults_(&env_.fs(), &env_.fs(), &env_.clock()),
      history_(cut.history),
      created_(cut.created),
      life_(cut.life + 1) {
  env_.fs().set_unique_id(IdsOf(life_));
  SetHooks();
}

Machine::~Machine() {
  on_call = nullptr;
  after_call = nullptr;
  cutting_ = false;
  faults_.Clear();
  db_.reset();  // Its calls come here: before anything else goes.
}

void Machine::SetHooks() {
  env_.set_file_system(&faults_);
  env_.fs().before = [this](const FileCall& call) {
    if (cutting_ && Changes(call.op)) {
      cuts_.push_back(CutNow(absl::StrCat("before ", call.Text())));
    }
    return on_call ? on_call(call) : absl::OkStatus();
  };
  env_.fs().after = [this](const FileCall& call) {
    if (after_call) after_call(call);
  };
}

absl::Status Machine::Open() {
  Options options = options_;
  options.env = &env_;
  options.create_if_missing = !created_;
  HF_ASSIGN_OR_RETURN(db_, DB::Open(options, kDbDir));
  created_ = true;
  HF_ASSIGN_OR_RETURN(Contents contents, ReadAll(*db_));
  HF_RETURN_IF_ERROR(history_.Judge(contents));
  history_.Found(std::move(contents));
  return absl::OkStatus();
}

absl::Status Machine::Close() {
  HF_RETURN_IF_ERROR(db_->Close());
  history_.AllDurable();
  db_.reset();
  return absl::OkStatus();
}

absl::Status Machine::Reopen() {
  HF_RETURN_IF_ERROR(Close());
  return Open();
}

absl::Status Machine::OpenAnew() {
  created_ = false;
  history_.Found({});
  return Open();
}

absl::Status Machine::Write(const Batch& batch, bool sync, bool disable_wal) {
  WriteBatch changes;
  for (const auto& [key, value] : batch) {
    if (value.has_value()) {
      changes.Put(key, *value);
    } else {
      changes.Delete(key);
    }
  }
  history_.Begin(batch);
  const absl::Status status =
      db_->Write({.sync = sync, .disable_wal = disable_wal}, changes);
  if (status.ok()) {
    history_.Acknowledge(sync);
  } else {
    history_.Fail();
  }
  return status;
}

absl::Status Machine::Put(std::string_view key, std::string_view value,
                          bool sync) {
  return Write({{std::string(key), std::string(value)}}, sync);
}

absl::Status Machine::FillMemTables(int times) {
  const uint64_t wanted = db_->Stats().memtables + static_cast<uint64_t>(times);
  const int limit = fillers_ + 100 * times;
  while (db_->Stats().memtables < wanted) {
    HF_RETURN_IF_ERROR(Expect(fillers_ < limit, "a full memtable"));
    const std::string key = absl::StrCat("filler", fillers_++);
    HF_RETURN_IF_ERROR(Put(key, Filler(key, size_t{8} << 10)));
  }
  return absl::OkStatus();
}

absl::Status Machine::RunFlushes(uint64_t total) {
  while (db_->Stats().flushes_total < total) {
    HF_RETURN_IF_ERROR(Expect(env_.sim_executor().RunOne(), "a flush"));
  }
  return absl::OkStatus();
}

absl::Status Machine::SyncWal() {
  HF_RETURN_IF_ERROR(db_->SyncWal());
  history_.AllDurable();
  return absl::OkStatus();
}

absl::Status Machine::Flush() {
  HF_RETURN_IF_ERROR(db_->Flush());
  history_.AllDurable();
  return absl::OkStatus();
}

absl::Status Machine::Compact() {
  HF_RETURN_IF_ERROR(db_->CompactRange(std::nullopt, std::nullopt));
  history_.AllDurable();
  return absl::OkStatus();
}

absl::Status Machine::Resume() {
  HF_RETURN_IF_ERROR(db_->Resume());
  history_.AllDurable();
  return absl::OkStatus();
}

absl::Status Machine::CheckReads() {
  HF_ASSIGN_OR_RETURN(const Contents contents, ReadAll(*db_));
  return Same(contents, history_.now(), "what readers see");
}

void Machine::Plan(std::string_view plan) {
  absl::StatusOr<FaultPlan> parsed = FaultPlan::Parse(plan);
  HF_CHECK(parsed.ok());  // The scenario's own text.
  faults_.SetPlan(*std::move(parsed));
}

std::vector<std::string> Machine::Files(std::string_view part) {
  std::vector<std::string> files;
  for (const auto& [path, content] : env_.fs().disk().Files()) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (Contains(name, part)) files.push_back(name);
  }
  return files;
}

std::string Machine::Newest(std::string_view part) {
  const std::vector<std::string> files = Files(part);
  return files.empty() ? "" : absl::StrCat(kDbDir, "/", files.back());
}

void Machine::StartCutting() {
  cuts_.clear();
  cutting_ = true;
}

Cut Machine::CutNow(std::string where) {
  return {.where = std::move(where),
          .disk = env_.fs().disk(),
          .history = history_,
          .created = created_,
          .options = options_,
          .life = life_};
}

absl::Status Machine::SurvivesEachCut(const std::vector<Fate>& fates) {
  StopCutting();
  HF_RETURN_IF_ERROR(Expect(!cuts_.empty(), "a call that changes the disk"));
  cuts_.push_back(CutNow("at the end"));
  for (const Cut& cut : cuts_) {
    for (const Fate& fate : fates) HF_RETURN_IF_ERROR(Recovers(cut, fate));
  }
  return absl::OkStatus();
}

// --- Judging ----------------------------------------------------------------

SimDisk Crash(const Cut& cut, const Fate& fate) {
  const std::vector<PendingUnit> units = cut.disk.Pending(/*labels=*/true);
  return cut.disk.Crash(units, Choose(units, fate));
}

absl::StatusOr<Contents> ReadAll(DB& db) {
  Contents contents;
  const std::unique_ptr<Iterator> it = db.NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    contents.emplace(it->key(), it->value());
  }
  HF_RETURN_IF_ERROR(it->status());
  for (const auto& [key, value] : contents) {
    HF_ASSIGN_OR_RETURN(const std::string got, db.Get({}, key));
    if (got != value) return Broken(absl::StrCat("Get differs for ", key));
  }
  return contents;
}

absl::Status Recovers(const Cut& cut, const Fate& fate) {
  return Annotate(RecoversFrom(cut, Crash(cut, fate)),
                  absl::StrCat("crash ", cut.where, ", ", fate.name));
}

absl::Status RecoversFrom(const Cut& cut, const SimDisk& disk) {
  Options options = cut.options;
  options.create_if_missing = !cut.created;
  SimDisk image = disk;
  HF_ASSIGN_OR_RETURN(const Contents first,
                      OneLife(options, cut.life + 1, &image));
  HF_RETURN_IF_ERROR(cut.history.Judge(first));
  options.create_if_missing = false;
  image = image.CrashKeepingNone();
  HF_ASSIGN_OR_RETURN(const Contents second,
                      OneLife(options, cut.life + 2, &image));
  return Same(second, first, "after a second crash (D5)");
}

absl::StatusOr<Contents> OpenAndRead(const Cut& cut, const SimDisk& disk,
                                     bool create_if_missing) {
  Options options = cut.options;
  options.create_if_missing = create_if_missing;
  SimDisk image = disk;
  return OneLife(options, cut.life + 1, &image);
}

absl::StatusOr<Damage> ToldOrHarmless(const Cut& cut, const SimDisk& disk,
                                      const Contents& expected) {
  const absl::StatusOr<Contents> contents =
      OpenAndRead(cut, disk, /*create_if_missing=*/false);
  if (contents.ok()) {
    HF_RETURN_IF_ERROR(Same(*contents, expected, "a wrong answer"));
    return Damage::kHarmless;
  }
  if (!absl::IsDataLoss(contents.status()) ||
      !Contains(contents.status().message(), kDbDir)) {
    return Broken(absl::StrCat("not reported as DataLoss with a file: ",
                               contents.status().ToString()));
  }
  return Damage::kTold;
}

absl::Status Told(const Cut& cut, const SimDisk& disk) {
  HF_ASSIGN_OR_RETURN(const Damage damage,
                      ToldOrHarmless(cut, disk, cut.history.now()));
  if (damage == Damage::kTold) return absl::OkStatus();
  return Broken("damage that nobody told of");
}

std::string FileOf(const SimDisk& disk, std::string_view path) {
  const std::map<std::string, std::string> files = disk.Files();
  const auto it = files.find(std::string(path));
  return it == files.end() ? "" : it->second;
}

size_t FrameBytesOf(const SimDisk& disk, std::string_view path) {
  return FileOf(disk, path).find_last_not_of('\0') + 1;
}

}  // namespace holdfast::history_bugs
