// A child process whose standard output we read and which we can kill.
//
//   auto load = Process::Start({"kvd", "load", ...});
//   ... poll load->output(), read it ...
//   load->Kill();
//   ProcessEnd end = load->Wait();
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_TESTING_PROCESS_H_
#define HOLDFAST_KVD_TESTING_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::kvd {

struct ProcessEnd {
  bool killed = false;  // By SIGKILL.
  int exit_code = -1;   // -1: ended by a signal.
};

class Process {
 public:
  // Starts the program words[0] with empty standard input. Its standard error
  // is ours.
  static absl::StatusOr<Process> Start(const std::vector<std::string>& words);

  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        output_(std::exchange(other.output_, -1)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Kills it when it still runs.
  ~Process();

  // The reading end of its standard output.
  int output() const { return output_; }

  // Sends SIGKILL: the process does nothing more, not even clean up.
  void Kill();

  // Waits for the end. The last call but the destructor.
  ProcessEnd Wait();

 private:
  Process(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_;
  int output_;
};

// Waits until at least one of two descriptors is readable or at its end.
// RETURNS whether `first` is.
absl::StatusOr<bool> WaitReadable(int first, int second);

// Runs a program to its end. RETURNS its standard output; kInternal, with the
// command, when its exit code is not 0.
absl::StatusOr<std::string> RunProcess(const std::vector<std::string>& words);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_TESTING_PROCESS_H_
