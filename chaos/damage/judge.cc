#include "chaos/damage/judge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "holdfast/iterator.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

using Outcome = DamageVerdict::Outcome;

// The bytes of a golden file after the damage; nullptr when it is gone.
const std::string* AfterDamage(const Golden& golden,
                               const ChangedFiles& changed,
                               const std::string& name) {
  const auto it = changed.find(name);
  if (it == changed.end()) return &golden.files.at(name);
  return it->second.has_value() ? &*it->second : nullptr;
}

// Whether [begin, end) is as it was written.
bool Intact(const Golden& golden, const std::string& name,
            const std::string* after, uint64_t begin, uint64_t end) {
  if (after == nullptr || after->size() < end) return false;
  return golden.files.at(name).compare(begin, end - begin, *after, begin,
                                       end - begin) == 0;
}

bool IntactHeader(const Golden& golden, const ChangedFiles& changed,
                  const GoldenLog& log) {
  return Intact(golden, log.name, AfterDamage(golden, changed, log.name), 0,
                kLogHeaderFrameBytes);
}

bool IntactManifest(const ChangedFiles& changed) {
  return std::none_of(changed.begin(), changed.end(), [](const auto& file) {
    return absl::StartsWith(file.first, "MANIFEST") || file.first == "CURRENT";
  });
}

// What proves that the log had been durable beyond `frame`, the first that is
// not as it was written; empty when nothing does.
std::string ProofOf(const Golden& golden, const ChangedFiles& changed,
                    size_t log_index, const GoldenFrame& frame) {
  const GoldenLog& log = golden.logs[log_index];
  const uint64_t end = frame.record_begin;  // Where the log would end.
  if (end < kLogHeaderFrameBytes) return "the header was durable";
  const bool is_last = log_index + 1 == golden.logs.size();
  if (is_last && golden.closed && IntactManifest(changed)) {
    return "the manifest knows the log that was closed";
  }
  if (!is_last && log.required_by_next > end &&
      IntactHeader(golden, changed, golden.logs[log_index + 1])) {
    return "the header of the next log";
  }
  const std::string* after = AfterDamage(golden, changed, log.name);
  for (const GoldenFrame& later : log.frames) {
    if (later.begin > frame.begin && later.synced > end &&
        Intact(golden, log.name, after, later.begin,
               later.begin + kFrameHeaderBytes)) {
      return absl::StrCat("the frame at ", later.begin);
    }
  }
  for (size_t i = log_index + 1; i < golden.logs.size(); ++i) {
    const GoldenLog& next = golden.logs[i];
    const std::string* content = AfterDamage(golden, changed, next.name);
    // Records; or, in the log that was closed last, its seal alone.
    if (next.frames.size() < 2 ||
        next.frames[1].writes_before == golden.logged_writes) {
      continue;
    }
    if (Intact(golden, next.name, content, 0, next.frames[1].end)) {
      return absl::StrCat("the records of ", next.name);
    }
  }
  if (!is_last && golden.closed && IntactManifest(changed)) {
    return "the manifest knows the log that was closed";
  }
  return "";
}

// The first byte after all that is not as it was.
uint64_t EndOfDamage(const std::string& before, const std::string& after) {
  if (before.size() != after.size()) {
    return std::max(before.size(), after.size());
  }
  uint64_t end = before.size();
  while (end > 0 && before[end - 1] == after[end - 1]) --end;
  return end;
}

std::string Shown(std::string_view bytes) {
  std::string shown = absl::StrCat("\"", bytes.substr(0, 40), "\"");
  if (bytes.size() > 40)
    absl::StrAppend(&shown, "... ", bytes.size(), " bytes");
  return shown;
}

// One damaged database, from opening to closing.
class Trial {
 public:
  Trial(const Golden& golden, const ChangedFiles& changed,
        const JudgeDamageOptions& options)
      : golden_(golden),
        changed_(changed),
        options_(options),
        expected_(ExpectedOf(golden, changed)),
        env_(DamagedDisk(golden, changed)) {
    env_.fs().set_unique_id(0x5be0cd19137e2179);
    if (options.most_calls > 0) {
      env_.fs().before = [this](const FileCall&) {
        if (env_.fs().calls() <= options_.most_calls) return absl::OkStatus();
        return absl::AbortedError("too many calls");
      };
    }
  }

  DamageVerdict Run() {
    if (Open()) {
      ReadAll(expected_.writes);
      Verify();
      if (options_.compact) Compact();
      Close();
      if (options_.reopen && verdict_.failure.empty()) Reopen();
    }
    CheckNothingLeft();
    return std::move(verdict_);
  }

  uint64_t calls() { return env_.fs().calls(); }

 private:
  static SimDisk DamagedDisk(const Golden& golden,
                             const ChangedFiles& changed) {
    SimDisk disk = golden.disk;
    for (const auto& [name, content] : changed) {
      const std::string path = JoinPath(kGoldenDir, name);
      if (content.has_value()) {
        disk.Put(path, *content);
      } else {
        HF_CHECK(disk.Remove(path).ok());
        disk.SyncAll();
      }
    }
    return disk;
  }

  void Fail(std::string why) {
    if (verdict_.failure.empty()) verdict_.failure = std::move(why);
  }

  // RETURNS whether it opened.
  bool Open() {
    Options options = golden_.options;
    options.env = &env_;
    options.create_if_missing = options_.create_if_missing;
    absl::StatusOr<std::unique_ptr<DB>> db =
        options_.open ? options_.open(options, kGoldenDir)
                      : DB::Open(options, kGoldenDir);
    if (db.ok()) {
      db_ = *std::move(db);
      return !CheckLossWasReported();
    }
    if (IsEmptyPlace(db.status())) {
      verdict_.outcome = Outcome::kRight;
      return false;
    }
    verdict_.outcome = Outcome::kOpenLoss;
    CheckLoss(db.status(), "opening");
    if (!expected_.loss && OnlyLogsChanged()) {
      Fail(
          absl::StrCat("nothing proves that anything is lost, but opening "
                       "says: ",
                       db.status().ToString()));
    }
    return false;
  }

  // Opened. RETURNS whether it should not have been.
  bool CheckLossWasReported() {
    if (!expected_.loss) {
      if (expected_.writes < golden_.durable_writes) {
        verdict_.outcome = Outcome::kUnproven;
      } else if (expected_.writes < golden_.logged_writes) {
        verdict_.outcome = Outcome::kTornTail;
      }
      return false;
    }
    Fail(absl::StrCat("it opened, but records are lost that ", expected_.why,
                      " proves to have been durable"));
    db_.reset();
    return true;
  }

  // An empty database that lost its CURRENT and was never written to cannot be
  // told from one whose making was cut short: there is nothing to lose.
  bool IsEmptyPlace(const absl::Status& status) const {
    return absl::IsNotFound(status) && golden_.logged_writes == 0 &&
           changed_.count("CURRENT") > 0 && !changed_.at("CURRENT").has_value();
  }

  bool OnlyLogsChanged() const {
    return std::all_of(changed_.begin(), changed_.end(), [](const auto& file) {
      return absl::EndsWith(file.first, ".wal");
    });
  }

  // Checks that an error is kDataLoss, and that it names the damaged place.
  void CheckLoss(const absl::Status& status, std::string_view doing) {
    if (verdict_.loss.ok()) verdict_.loss = status;
    const auto fail = [&](std::string_view why) {
      Fail(absl::StrCat(doing, ": ", why, ": ", status.ToString()));
    };
    if (!absl::IsDataLoss(status)) return fail("expected kDataLoss");
    if (changed_.empty()) return fail("nothing is damaged");
    const std::optional<DamagePlace> place = PlaceOfLoss(status);
    if (!place.has_value()) return fail("it names no file and offset");
    const auto it = changed_.find(place->file);
    if (it == changed_.end()) {
      // An older state of the database names other files; that they are not
      // there, or are more than it knows, is what gives it away.
      FileKind kind;
      uint64_t number;
      if (IntactManifest(changed_)) {
        fail("it names a file that is not damaged");
      } else if (!ParseFileName(place->file, &kind, &number)) {
        fail("it names no file of a database");
      }
      return;
    }
    if (!it->second.has_value()) return;  // Missing.
    const std::string& before = golden_.files.at(it->first);
    if (place->offset > EndOfDamage(before, *it->second)) {
      fail("the damage lies before that offset");
    }
  }

  // Whether a reading ended in an error, and whether in the right one.
  bool Lost(const absl::Status& status, std::string_view doing) {
    if (status.ok()) return false;
    verdict_.outcome = Outcome::kReadLoss;
    CheckLoss(status, doing);
    return true;
  }

  void ReadAll(size_t writes) {
    const GoldenContents& expected = golden_.states[writes];
    for (const std::string& key : golden_.Keys()) Get(expected, key);
    for (const std::string& key : golden_.absent_keys) Get(expected, key);
    Walk(expected, /*forward=*/true);
    Walk(expected, /*forward=*/false);
    Seek(expected);
  }

  void Get(const GoldenContents& expected, const std::string& key) {
    const absl::StatusOr<std::string> value = db_->Get({}, key);
    const auto it = expected.find(key);
    const bool absent = absl::IsNotFound(value.status());
    if (absent && it == expected.end()) return;
    if (absent) return Fail(absl::StrCat("Get ", Shown(key), ": missing"));
    if (Lost(value.status(), "Get")) return;
    if (it == expected.end() || *value != it->second) {
      Fail(absl::StrCat("Get ", Shown(key), ": wrong value ", Shown(*value),
                        it == expected.end() ? ", not absent"
                                             : ", not " + Shown(it->second)));
    }
  }

  void Walk(const GoldenContents& expected, bool forward) {
    const std::string_view doing = forward ? "walk forward" : "walk backward";
    const std::unique_ptr<Iterator> it = db_->NewIterator({});
    std::vector<std::pair<std::string_view, std::string_view>> entries(
        expected.begin(), expected.end());
    if (!forward) std::reverse(entries.begin(), entries.end());
    forward ? it->SeekToFirst() : it->SeekToLast();
    for (const auto& [key, value] : entries) {
      if (!it->Valid()) {
        if (it->status().ok()) {
          return Fail(absl::StrCat(doing, ": ", Shown(key), " is missing"));
        }
        break;
      }
      if (it->key() != key || it->value() != value) {
        return Fail(absl::StrCat(doing, ": found ", Shown(it->key()), " = ",
                                 Shown(it->value()), ", not ", Shown(key),
                                 " = ", Shown(value)));
      }
      forward ? it->Next() : it->Prev();
    }
    if (it->Valid()) {
      return Fail(absl::StrCat(doing, ": ", Shown(it->key()), " follows"));
    }
    Lost(it->status(), doing);
  }

  void Seek(const GoldenContents& expected) {
    const std::unique_ptr<Iterator> it = db_->NewIterator({});
    for (const std::string& key : golden_.absent_keys) {
      it->Seek(key);
      const auto after = expected.lower_bound(key);
      if (!it->status().ok()) {
        Lost(it->status(), "Seek");
      } else if (it->Valid() != (after != expected.end()) ||
                 (it->Valid() && it->key() != after->first)) {
        Fail(absl::StrCat("Seek ", Shown(key), ": wrong place"));
      }
    }
  }

  // Whoever reads every block of every table finds what is wrong with one.
  void Verify() {
    const absl::Status status = db_->VerifyChecksums();
    if (Lost(status, "VerifyChecksums")) return;
    if (verdict_.outcome == Outcome::kReadLoss) {
      return Fail("VerifyChecksums finds nothing, but a reading failed");
    }
    for (const auto& [name, content] : changed_) {
      if (absl::EndsWith(name, ".sst")) {
        Fail(absl::StrCat("VerifyChecksums finds nothing wrong with ", name));
      }
    }
  }

  void Compact() {
    const absl::Status status = db_->CompactRange(std::nullopt, std::nullopt);
    if (!status.ok()) CheckLoss(status, "CompactRange");
    ReadAll(expected_.writes);
  }

  void Close() {
    // After a failed merge the database is read-only and says so.
    const absl::Status status = db_->Close();
    if (!status.ok() && !options_.compact) {
      Fail(absl::StrCat("Close: ", status.ToString()));
    }
    db_.reset();
  }

  // Recovery is final: what was shown is there again, and writing goes on.
  void Reopen() {
    for (int round = 0; round < 2; ++round) {
      Options options = golden_.options;
      options.env = &env_;
      absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kGoldenDir);
      if (!db.ok()) {
        if (verdict_.outcome != Outcome::kReadLoss) {
          Fail(absl::StrCat("opening again: ", db.status().ToString()));
        }
        return;
      }
      db_ = *std::move(db);
      const Outcome outcome = verdict_.outcome;
      GoldenContents expected = golden_.states[expected_.writes];
      if (round == 1) expected["zzzz"] = "written after recovery";
      for (const auto& [key, value] : expected) Get(expected, key);
      Walk(expected, /*forward=*/true);
      if (outcome != verdict_.outcome) Fail("only opening again shows damage");
      if (round == 0) {
        const absl::Status written =
            db_->Put({.sync = true}, "zzzz", "written after recovery");
        if (!written.ok()) Fail(absl::StrCat("Put: ", written.ToString()));
      }
      Close();
    }
  }

  void CheckNothingLeft() {
    db_.reset();
    if (env_.fs().open_files() != 0) {
      Fail(absl::StrCat(env_.fs().open_files(), " files are still open"));
    }
    if (env_.sim_executor().queued() != 0) Fail("a task is still queued");
  }

  const Golden& golden_;
  const ChangedFiles& changed_;
  const JudgeDamageOptions& options_;
  const ExpectedLogs expected_;
  SimEnv env_;
  std::unique_ptr<DB> db_;
  DamageVerdict verdict_;
};

}  // namespace

std::string_view OutcomeName(DamageVerdict::Outcome outcome) {
  switch (outcome) {
    case Outcome::kOpenLoss:
      return "opening reports loss";
    case Outcome::kReadLoss:
      return "reading reports loss";
    case Outcome::kRight:
      return "all answers right";
    case Outcome::kTornTail:
      return "torn tail dropped";
    case Outcome::kUnproven:
      return "durable writes lost without a proof";
  }
  HF_CHECK(false);
  return "";
}

std::optional<DamagePlace> PlaceOfLoss(const absl::Status& status) {
  constexpr std::string_view kAt = " at offset ";
  const std::string_view message = status.message();
  const size_t at = message.find(kAt);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view path = message.substr(0, at);
  path = path.substr(path.find_last_of(' ') + 1);
  const std::string prefix = absl::StrCat(kGoldenDir, "/");
  if (!absl::StartsWith(path, prefix)) return std::nullopt;
  std::string_view digits = message.substr(at + kAt.size());
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  DamagePlace place;
  place.file = std::string(path.substr(prefix.size()));
  if (!absl::SimpleAtoi(digits, &place.offset)) return std::nullopt;
  return place;
}

ExpectedLogs ExpectedOf(const Golden& golden, const ChangedFiles& changed) {
  for (size_t i = 0; i < golden.logs.size(); ++i) {
    // Nothing leads to the rest: made for a seal that failed.
    if (i > 0 && !golden.logs[i - 1].sealed) break;
    const GoldenLog& log = golden.logs[i];
    const std::string* after = AfterDamage(golden, changed, log.name);
    const auto frame = std::find_if(
        log.frames.begin(), log.frames.end(), [&](const GoldenFrame& f) {
          return !Intact(golden, log.name, after, f.begin, f.end);
        });
    if (frame == log.frames.end()) continue;
    const std::string proof = ProofOf(golden, changed, i, *frame);
    if (!proof.empty()) return {.loss = true, .writes = 0, .why = proof};
    return {.loss = false, .writes = frame->writes_before, .why = ""};
  }
  return {.loss = false, .writes = golden.logged_writes, .why = ""};
}

DamageVerdict JudgeDamage(const Golden& golden, const ChangedFiles& changed,
                          const JudgeDamageOptions& options) {
  return Trial(golden, changed, options).Run();
}

uint64_t CallsOf(const Golden& golden, const JudgeDamageOptions& options) {
  const ChangedFiles none;
  Trial trial(golden, none, options);
  HF_CHECK(trial.Run().failure.empty());
  return trial.calls();
}

}  // namespace holdfast
