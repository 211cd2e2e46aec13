#include "kvd/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

constexpr int kBarWidth = 20;
constexpr uint64_t kDrawMicros = 100'000;

// To the first column, and remove what is there.
constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

std::string RenderProgress(std::string_view what, const ProgressState& state) {
  std::string line(what);
  const double done = state.whole == 0
                          ? 0
                          : std::min(1.0, static_cast<double>(state.part) /
                                              static_cast<double>(state.whole));
  if (state.whole > 0) {
    std::string bar(static_cast<size_t>(done * kBarWidth), '=');
    if (bar.size() < kBarWidth) bar.push_back('>');
    absl::StrAppendFormat(&line, " [%-*s] %3d%%", kBarWidth, bar,
                          static_cast<int>(done * 100));
  }
  absl::StrAppend(&line, "  ", FormatCount(state.records), " records");
  if (state.elapsed_micros == 0) return line;
  const double seconds = static_cast<double>(state.elapsed_micros) / 1e6;
  absl::StrAppend(&line, "  ",
                  FormatCount(static_cast<uint64_t>(
                      static_cast<double>(state.records) / seconds)),
                  "/s");
  if (done > 0) {
    absl::StrAppend(&line, "  ",
                    FormatDuration(static_cast<uint64_t>(seconds * 1e6 *
                                                         (1 - done) / done)),
                    " left");
  }
  return line;
}

Progress::Progress(std::string what, bool visible, Clock& clock,
                   ByteSink& terminal)
    : what_(std::move(what)),
      visible_(visible),
      clock_(clock),
      terminal_(terminal),
      begin_micros_(clock.NowMicros()),
      next_draw_micros_(begin_micros_ + kDrawMicros) {}

// A terminal that cannot be written to stops nothing: the line is only for
// show.
Progress::~Progress() {
  if (drawn_) (void)terminal_.Write(kClearLine);
}

uint64_t Progress::elapsed_micros() const {
  return clock_.NowMicros() - begin_micros_;
}

void Progress::Update(uint64_t records, uint64_t part, uint64_t whole) {
  if (!visible_) return;
  const uint64_t now_micros = clock_.NowMicros();
  if (now_micros < next_draw_micros_) return;
  next_draw_micros_ = now_micros + kDrawMicros;
  drawn_ = true;
  (void)terminal_.Write(absl::StrCat(
      kClearLine,
      RenderProgress(what_, {.records = records,
                             .elapsed_micros = now_micros - begin_micros_,
                             .part = part,
                             .whole = whole})));
}

}  // namespace holdfast::kvd
