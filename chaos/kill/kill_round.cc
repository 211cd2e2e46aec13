#include "chaos/kill/kill_round.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/status_util.h"
#include "chaos/kill/kill_options.h"
#include "holdfast/db.h"
#include "kvd/testing/process.h"
#include "tests/util/directory.h"

namespace holdfast::chaos {
namespace {

using kvd::Process;
using kvd::ProcessEnd;

// At most so many writes in a life that may end anywhere.
constexpr int kLifeWrites = 400;
// How often a named point is tried.
constexpr int kTries = 5;

// Reads the lines that a process writes.
class Lines {
 public:
  explicit Lines(int descriptor) : descriptor_(descriptor) {}

  // RETURNS false at the end. What has no line feed is no line: the writer died
  // while it said it.
  absl::StatusOr<bool> Next(std::string* line) {
    while (true) {
      const size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        *line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return true;
      }
      char bytes[4096];
      const ssize_t got = read(descriptor_, bytes, sizeof(bytes));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return absl::ErrnoToStatus(errno, "read from the writer");
      if (got == 0) return false;
      buffer_.append(bytes, static_cast<size_t>(got));
    }
  }

 private:
  const int descriptor_;
  std::string buffer_;
};

// No file that nothing needs, and every table that is needed.
absl::Status AuditFiles(DB& db, const std::string& path) {
  uint64_t tables = 0;
  for (const LevelStats& level : db.Stats().levels) tables += level.tables;
  uint64_t found_tables = 0;
  uint64_t found_manifests = 0;
  std::string all;
  for (const std::string& name : FileNames(path)) {
    absl::StrAppend(&all, " ", name);
    found_tables += absl::EndsWith(name, ".sst");
    found_manifests += absl::StartsWith(name, "MANIFEST");
    if (absl::EndsWith(name, ".tmp")) {
      return absl::InternalError(absl::StrCat("D12: ", name, " was left"));
    }
  }
  if (found_tables == tables && found_manifests == 1) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("D12: the database has ", tables,
                                          " tables; its directory:", all));
}

}  // namespace

KillRound::KillRound(const KillSettings& settings, uint64_t seed)
    : settings_(settings),
      seed_(seed),
      random_(seed + 3),
      options_(DrawKillOptions(seed)),
      writes_(DrawKillWrites(seed)) {
  const std::string& parent =
      settings.directories[random_.Uniform(settings.directories.size())];
  base_ = absl::StrCat(parent, "/holdfast_kill_XXXXXX");
  HF_CHECK(mkdtemp(base_.data()) != nullptr);
  database_ = absl::StrCat(base_, "/db");
}

KillRound::~KillRound() {
  std::error_code ignored;
  std::filesystem::remove_all(base_, ignored);
}

const KillPoint& KillRound::PointOf(uint64_t seed) {
  return AllKillPoints()[seed % AllKillPoints().size()];
}

absl::Status KillRound::TakeLine(std::string_view line) {
  if (line == "open") {
    opened_ = true;
    return absl::OkStatus();
  }
  if (line == "end") return absl::OkStatus();
  std::string_view number = line;
  int acknowledged = 0;
  if (!absl::ConsumePrefix(&number, "ack ") ||
      !absl::SimpleAtoi(number, &acknowledged) ||
      acknowledged != acknowledged_ + 1) {
    return absl::InternalError(
        absl::StrCat("after write ", acknowledged_, " the writer said ", line));
  }
  acknowledged_ = acknowledged;
  ++acknowledged_total_;
  return absl::OkStatus();
}

absl::StatusOr<KillRound::End> KillRound::Live(const Life& life) {
  opened_ = false;
  const int first = acknowledged_;
  HF_ASSIGN_OR_RETURN(
      Process writer,
      Process::Start({settings_.writer, database_, absl::StrCat(seed_),
                      absl::StrCat(first + 1), absl::StrCat(life.writes),
                      life.arm_before_open ? "open" : "write", life.plan}));
  Lines lines(writer.output());
  bool killed_by_us = false;
  std::string line;
  while (true) {
    if (life.kill_after_acks >= 0 && !killed_by_us && opened_ &&
        acknowledged_ - first >= life.kill_after_acks) {
      writer.Kill();
      killed_by_us = true;  // What it could still say is read all the same.
    }
    HF_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) break;
    HF_RETURN_IF_ERROR(TakeLine(line));
  }
  // The write under way may be there as well.
  attempted_ = std::min(acknowledged_ + 1, first + life.writes);
  const ProcessEnd end = writer.Wait();
  if (end.killed) return End::kKilled;
  if (end.exit_code == 0) return End::kComplete;
  return absl::InternalError(
      absl::StrCat("the writer ended with exit code ", end.exit_code));
}

absl::Status KillRound::Check(const std::string& path, int* found) {
  ++checks_;
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<DB> db, DB::Open(options_, path));
  HF_ASSIGN_OR_RETURN(*found, writes_.Recovered(*db));
  if (*found < acknowledged_) {
    return absl::InternalError(absl::StrCat("D2a: write ", acknowledged_,
                                            " was acknowledged; found are ",
                                            *found, " writes"));
  }
  if (*found > attempted_) {
    return absl::InternalError(absl::StrCat(
        "D4: found are ", *found, " writes, and ", attempted_, " were made"));
  }
  HF_RETURN_IF_ERROR(db->VerifyChecksums());
  HF_RETURN_IF_ERROR(db->WaitForBackgroundWork());
  HF_RETURN_IF_ERROR(AuditFiles(*db, path));
  return db->Close();
}

absl::Status KillRound::CheckCopy() {
  // Killed before it made its directory.
  if (!std::filesystem::exists(database_)) return absl::OkStatus();
  const std::string copy = absl::StrCat(base_, "/copy");
  CopyDirectory(database_, copy);
  int found = 0;
  HF_RETURN_IF_ERROR(Check(copy, &found));
  std::filesystem::remove_all(copy);
  // Recovery changes nothing that was found: every later one finds the same.
  acknowledged_ = attempted_ = found;
  return absl::OkStatus();
}

absl::Status KillRound::LiveAndDieAnywhere() {
  Life life;
  life.writes = kLifeWrites;
  std::string where;
  switch (random_.Uniform(3)) {
    case 0:
      life.kill_after_acks = static_cast<int>(random_.Uniform(kLifeWrites / 4));
      where = "anywhere: by its parent";
      break;
    case 1:
      life.arm_before_open = true;
      life.plan = absl::StrCat("* * @", 1 + random_.Uniform(400),
                               random_.OneIn(2) ? " kill" : " done-kill");
      where = "anywhere: at a call";
      break;
    default: {
      const KillPoint& point =
          SwapKillPoints()[random_.Uniform(SwapKillPoints().size())];
      life.plan = point.Plan(1 + random_.Uniform(point.calls));
      where = point.Text();
      break;
    }
  }
  HF_ASSIGN_OR_RETURN(const End end, Live(life));
  if (end == End::kKilled) ++kills_[where];
  return CheckCopy();
}

absl::StatusOr<bool> KillRound::DieAt(const KillPoint& point, uint64_t number) {
  Life life;
  life.writes = point.life_writes;
  life.arm_before_open = point.recovery;
  life.plan = point.Plan(number);
  HF_ASSIGN_OR_RETURN(const End end, Live(life));
  if (end == End::kKilled) ++kills_[point.Text()];
  HF_RETURN_IF_ERROR(CheckCopy());
  return end == End::kKilled;
}

absl::Status KillRound::LiveToTheEnd() {
  HF_ASSIGN_OR_RETURN(const End end, Live({.writes = 20, .plan = ""}));
  if (end != End::kComplete) {
    return absl::InternalError("the writer was killed by somebody else");
  }
  int found = 0;
  return Check(database_, &found);
}

absl::Status KillRound::Run() {
  const KillPoint& point = PointOf(seed_);
  uint64_t calls = point.calls;
  for (int i = 0; i < kTries; ++i) {
    HF_RETURN_IF_ERROR(LiveAndDieAnywhere());
    HF_ASSIGN_OR_RETURN(const bool reached,
                        DieAt(point, 1 + random_.Uniform(calls)));
    if (reached) break;
    calls = std::max<uint64_t>(calls / 3, 1);
  }
  return LiveToTheEnd();
}

}  // namespace holdfast::chaos
