#include "kvd/testing/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"

namespace holdfast::kvd {

absl::StatusOr<Process> Process::Start(const std::vector<std::string>& words) {
  HF_CHECK(!words.empty());
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));  // execv's type.
  }
  arguments.push_back(nullptr);
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "pipe");
  }
  const pid_t pid = fork();
  if (pid == 0) {
    // Only calls that are safe after fork.
    const int nothing = open("/dev/null", O_RDONLY);
    if (dup2(nothing, STDIN_FILENO) >= 0 &&
        dup2(pipe_ends[1], STDOUT_FILENO) >= 0) {
      execv(arguments[0], arguments.data());
    }
    _exit(127);
  }
  close(pipe_ends[1]);
  if (pid < 0) {
    close(pipe_ends[0]);
    return absl::ErrnoToStatus(errno, "fork");
  }
  return Process(pid, pipe_ends[0]);
}

Process::~Process() {
  if (pid_ > 0) {
    Kill();
    Wait();
  }
  if (output_ >= 0) close(output_);
}

void Process::Kill() { kill(pid_, SIGKILL); }

ProcessEnd Process::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return {.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
          .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

absl::StatusOr<bool> WaitReadable(int first, int second) {
  pollfd ready[] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
  while (poll(ready, 2, /*timeout=*/-1) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  }
  return ready[0].revents != 0;
}

absl::StatusOr<std::string> RunProcess(const std::vector<std::string>& words) {
  absl::StatusOr<Process> process = Process::Start(words);
  if (!process.ok()) return process.status();
  std::string output;
  char buffer[4096];
  ssize_t n;
  while ((n = read(process->output(), buffer, sizeof(buffer))) != 0) {
    if (n < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "read");
    if (n > 0) output.append(buffer, static_cast<size_t>(n));
  }
  const ProcessEnd end = process->Wait();
  if (end.exit_code != 0) {
    return absl::InternalError(absl::StrCat("exit code ", end.exit_code,
                                            " of: ", absl::StrJoin(words, " "),
                                            "\n", output));
  }
  return output;
}

}  // namespace holdfast::kvd
