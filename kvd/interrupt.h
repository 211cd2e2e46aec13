// Ctrl-C for commands that can stop in the middle: instead of dying at once
// they ask, between two pieces of work, whether they should stop.
//
//   Interrupts interrupts;  // Before the first thread is started.
//   while (...) {
//     if (interrupts.Requested()) return ExitCode::kInterrupted;
//     ...
//   }
//
// SIGINT and SIGTERM are blocked while it lives, and looked for with a system
// call: no signal handler, so no global state. A second signal after Requested
// returned true ends the process at once, which is safe too: the engine loses
// nothing when its process dies.
//
// Thread safety: thread-compatible. Threads started later inherit the block.

#ifndef HOLDFAST_KVD_INTERRUPT_H_
#define HOLDFAST_KVD_INTERRUPT_H_

#include <signal.h>

namespace holdfast::kvd {

class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // Whether SIGINT or SIGTERM has come since the construction.
  bool Requested();

  // Readable when Requested would return true for the first time: for waiting
  // on it and on something else. Lives as long as this.
  int descriptor() const { return descriptor_; }

 private:
  sigset_t signals_;
  sigset_t old_mask_;
  int descriptor_;
  bool requested_ = false;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_INTERRUPT_H_
