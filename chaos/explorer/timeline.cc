#include "chaos/explorer/timeline.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/life.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

// Of a life the last lines count: what came before is durable for the most
// part.
constexpr size_t kMaxLines = 40;
constexpr size_t kMaxFiles = 16;
constexpr size_t kMaxLost = 16;

// Calls that only look, which a reader wants to see in a recovery alone.
bool IsLook(const LifeEvent& event) {
  return !event.mark.has_value() && event.number == 0;
}

bool Continues(const LifeEvent& a, const LifeEvent& b) {
  return !a.mark.has_value() && !b.mark.has_value() && a.done && b.done &&
         a.call.op == b.call.op && a.call.path == b.call.path &&
         a.call.to == b.call.to &&
         (a.call.op == FileOp::kWrite || a.call.op == FileOp::kRead);
}

// One line for the events [from, to), which are one kind of call.
std::string Line(const std::vector<LifeEvent>& events, size_t from, size_t to) {
  const LifeEvent& first = events[from];
  if (first.mark.has_value()) {
    return absl::StrCat("          -- ", *first.mark);
  }
  const size_t count = to - from;
  std::string numbers;
  if (first.number != 0) {
    numbers = absl::StrCat(first.number);
    if (count > 1) absl::StrAppend(&numbers, "-", events[to - 1].number);
  }
  std::string what = first.call.Text();
  if (count > 1) absl::StrAppend(&what, " and ", count - 1, " more");
  if (!first.done) absl::StrAppend(&what, " (fails)");
  return absl::StrFormat("%8s  %s", numbers, what);
}

std::vector<std::string> Lines(const std::vector<LifeEvent>& events,
                               bool looks) {
  std::vector<LifeEvent> shown;
  for (const LifeEvent& event : events) {
    if (event.call.op == FileOp::kClose && !event.mark.has_value()) continue;
    if (looks || !IsLook(event)) shown.push_back(event);
  }
  std::vector<std::string> lines;
  for (size_t from = 0; from < shown.size();) {
    size_t to = from + 1;
    while (to < shown.size() && Continues(shown[from], shown[to])) ++to;
    lines.push_back(Line(shown, from, to));
    from = to;
  }
  return lines;
}

// The events up to a crash after `calls` changing calls and `marks` marks.
std::vector<LifeEvent> UpTo(const std::vector<LifeEvent>& events,
                            uint64_t calls) {
  size_t end = 0;
  while (end < events.size() && events[end].number <= calls) ++end;
  return {events.begin(), events.begin() + static_cast<ptrdiff_t>(end)};
}

void AppendLines(const std::vector<std::string>& lines, std::string* out) {
  size_t from = 0;
  if (lines.size() > kMaxLines) {
    from = lines.size() - kMaxLines;
    absl::StrAppend(out, "          ... ", from, " lines before\n");
  }
  for (size_t i = from; i < lines.size(); ++i) {
    absl::StrAppend(out, lines[i], "\n");
  }
}

void AppendUnits(const WalkedCrash& crash, std::string* out) {
  const std::vector<std::string> lost = crash.choice.Explain(crash.units);
  for (size_t i = 0; i < std::min(lost.size(), kMaxLost); ++i) {
    absl::StrAppend(out, "    ", lost[i], "\n");
  }
  if (lost.size() > kMaxLost) {
    absl::StrAppend(out, "    ... and ", lost.size() - kMaxLost, " more\n");
  }
  const size_t kept = crash.units.size() - lost.size();
  if (kept == 0) return;
  absl::StrAppend(out, "    kept: ");
  if (kept > 8) {
    absl::StrAppend(out, kept, lost.empty() ? "" : " others", "\n");
    return;
  }
  const char* separator = "";
  for (size_t i = 0; i < crash.units.size(); ++i) {
    if (crash.choice.picks[i] != crash.units[i].newest) continue;
    absl::StrAppend(out, separator, crash.units[i].label);
    separator = ", ";
  }
  absl::StrAppend(out, "\n");
}

void AppendCrash(const CrashStep& step, const WalkedCrash& crash,
                 std::string* out) {
  const std::string when = step.calls == 0
                               ? "before call 1"
                               : absl::StrCat("after call ", step.calls);
  const size_t pending = crash.units.size();
  if (step.crash == kKill) {
    absl::StrAppend(out, "  KILLED ", when);
    if (pending > 0) {
      absl::StrAppend(out, "; ", pending,
                      pending == 1 ? " change is" : " changes are",
                      " not durable, and not lost yet");
    }
    absl::StrAppend(out, "\n");
  } else if (step.crash == kDrop) {
    absl::StrAppend(out, "  KILLED ", when,
                    ", and the cache of the operating system is dropped\n");
  } else if (pending == 0) {
    absl::StrAppend(out, "  POWER FAILS ", when, "; everything is durable\n");
  } else {
    absl::StrAppend(out, "  POWER FAILS ", when, "; of ",
                    pending == 1 ? "1 change that is"
                                 : absl::StrCat(pending, " changes that are"),
                    " not durable:\n");
    AppendUnits(crash, out);
  }
  absl::StrAppend(out, "  LEFT:");
  size_t files = 0;
  const std::map<std::string, std::string> found = crash.left.Files();
  for (const auto& [path, content] : found) {
    if (files++ == kMaxFiles) break;
    absl::StrAppend(out, files == 1 ? " " : ", ", path, " (", content.size(),
                    " bytes)");
  }
  if (found.empty()) absl::StrAppend(out, " no files");
  if (found.size() > kMaxFiles) {
    absl::StrAppend(out, " and ", found.size() - kMaxFiles, " more");
  }
  absl::StrAppend(out, "\n");
}

}  // namespace

std::string Timeline(const CrashPath& path, const Walk& walk) {
  std::string out;
  for (size_t i = 0; i < walk.lives.size(); ++i) {
    const Life& life = walk.lives[i];
    absl::StrAppend(&out, "life ", i + 1, i == 0 ? ": Run\n" : ": Recover\n");
    const bool last = i == path.size();
    AppendLines(last ? Lines(life.events, true)
                     : Lines(UpTo(life.events, path[i].calls), i > 0),
                &out);
    if (!last) AppendCrash(path[i], walk.crashes[i], &out);
  }
  absl::StrAppend(
      &out, walk.verdict.ok()
                ? "  LEGAL\n"
                : absl::StrCat("  WRONG: ", walk.verdict.ToString(), "\n"));
  return out;
}

}  // namespace holdfast
