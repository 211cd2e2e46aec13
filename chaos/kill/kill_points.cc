#include "chaos/kill/kill_points.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace holdfast::chaos {
namespace {

using Moment = KillPoint::Moment;

// A life of some 30 flushes; and one in which a manifest outgrows its limit.
constexpr int kLifeWrites = 400;
constexpr int kLongLifeWrites = 2000;

struct Call {
  std::string_view name;
  std::string_view call;
  uint64_t calls;
  bool of_swap = false;
  int life_writes = kLifeWrites;
};

constexpr Call kWriting[] = {
    {"log.create", "create *.wal", 4},
    {"log.write", "write *.wal", 150},
    {"log.prepare", "prepare *.wal", 20},
    {"log.sync", "sync *.wal", 5},
    {"log.close", "close *.wal", 4},
    {"log.remove", "remove *.wal", 4},
    {"table.create", "create *.sst", 6},
    {"table.write", "write *.sst", 20, true},
    {"table.sync", "sync *.sst", 6, true},
    {"table.remove", "remove *.sst", 4},
    {"directory.sync", "syncdir *", 10, true},
    {"manifest.write", "write MANIFEST-*", 6, true},
    {"manifest.sync", "sync MANIFEST-*", 6, true},
    {"manifest.create", "create MANIFEST-*", 1, false, kLongLifeWrites},
    {"manifest.remove", "remove MANIFEST-*", 1, false, kLongLifeWrites},
    {"current.create", "create *.tmp", 1, false, kLongLifeWrites},
    {"current.write", "write *.tmp", 1, false, kLongLifeWrites},
    {"current.sync", "sync *.tmp", 1, false, kLongLifeWrites},
    {"current.rename", "rename CURRENT", 1, false, kLongLifeWrites},
};

// Every opening begins a log and a manifest, and switches CURRENT.
constexpr Call kRecovery[] = {
    {"lock", "lock LOCK", 1},
    {"list", "list *", 1},
    {"current.read", "read CURRENT", 1},
    {"manifest.read", "read MANIFEST-*", 2},
    {"log.read", "read *.wal", 2},
    {"table.create", "create *.sst", 1},
    {"table.write", "write *.sst", 2},
    {"table.sync", "sync *.sst", 1},
    {"log.create", "create *.wal", 1},
    {"log.write", "write *.wal", 1},
    {"log.sync", "sync *.wal", 1},
    {"manifest.create", "create MANIFEST-*", 1},
    {"manifest.write", "write MANIFEST-*", 1},
    {"manifest.sync", "sync MANIFEST-*", 1},
    {"current.create", "create *.tmp", 1},
    {"current.write", "write *.tmp", 1},
    {"current.sync", "sync *.tmp", 1},
    {"current.rename", "rename CURRENT", 1},
    {"directory.sync", "syncdir *", 3},
    {"obsolete.remove", "remove *", 3},
};

void Append(const Call& call, bool recovery, std::vector<KillPoint>* points) {
  for (const Moment moment :
       {Moment::kBefore, Moment::kInside, Moment::kAfter}) {
    if (moment == Moment::kInside && !absl::StartsWith(call.call, "write ")) {
      continue;
    }
    points->push_back({call.name, call.call, call.calls, recovery, moment,
                       recovery ? 0 : call.life_writes});
  }
}

std::string_view MomentName(Moment moment) {
  switch (moment) {
    case Moment::kBefore:
      return "before ";
    case Moment::kInside:
      return "inside ";
    case Moment::kAfter:
      return "after ";
  }
  return "";
}

// How much of a write is done when it is cut: at any place of a frame header or
// of what follows it.
uint64_t CutOf(uint64_t number) { return 1 + number * 37 % 150; }

}  // namespace

std::string KillPoint::Text() const {
  return absl::StrCat(recovery ? "recovery" : "writing", ": ",
                      MomentName(moment), name);
}

std::string KillPoint::Plan(uint64_t number) const {
  const std::string when = absl::StrCat(call, " @", number);
  switch (moment) {
    case Moment::kBefore:
      return absl::StrCat(when, " kill");
    case Moment::kInside:
      return absl::StrCat(when, " torn-kill:", CutOf(number));
    case Moment::kAfter:
      return absl::StrCat(when, " done-kill");
  }
  return "";
}

absl::Span<const KillPoint> AllKillPoints() {
  static const auto* const kPoints = [] {
    auto* points = new std::vector<KillPoint>;
    for (const Call& call : kWriting) Append(call, false, points);
    for (const Call& call : kRecovery) Append(call, true, points);
    return points;
  }();
  return *kPoints;
}

absl::Span<const KillPoint> SwapKillPoints() {
  static const auto* const kPoints = [] {
    auto* points = new std::vector<KillPoint>;
    for (const Call& call : kWriting) {
      if (call.of_swap) Append(call, false, points);
    }
    return points;
  }();
  return *kPoints;
}

}  // namespace holdfast::chaos
