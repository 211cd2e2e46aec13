// A line on the terminal that shows how far a long command is, how fast it goes
// and when it will be done:
//
//   load [=========>          ]  47%  80,000 records  160,000/s  0.6 s left
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_PROGRESS_H_
#define HOLDFAST_KVD_PROGRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/env/clock.h"
#include "kvd/output.h"

namespace holdfast::kvd {

struct ProgressState {
  uint64_t records = 0;
  uint64_t elapsed_micros = 0;
  // How much of the whole is done, in any unit; whole 0: not known, then there
  // is no bar and no time left.
  uint64_t part = 0;
  uint64_t whole = 0;
};

// The line, without its end.
std::string RenderProgress(std::string_view what, const ProgressState& state);

class Progress {
 public:
  // Draws nothing when not `visible`. `what` is what is done: "load".
  // REQUIRES: `clock` and `terminal` outlive it.
  Progress(std::string what, bool visible, Clock& clock, ByteSink& terminal);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Removes the line.
  ~Progress();

  // Cheap: draws ten times a second at most.
  void Update(uint64_t records, uint64_t part, uint64_t whole);

  uint64_t elapsed_micros() const;

 private:
  const std::string what_;
  const bool visible_;
  Clock& clock_;
  ByteSink& terminal_;
  const uint64_t begin_micros_;
  uint64_t next_draw_micros_;
  bool drawn_ = false;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_PROGRESS_H_
