#include "chaos/mutants/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

constexpr size_t kKeptOutputBytes = size_t{1} << 20;
constexpr int kExecFailed = 127;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void BecomeProgram(const std::vector<std::string>& words,
                                const ChildOptions& options, int output) {
  setpgid(0, 0);  // So that what it starts can be killed with it.
  // Many mutants die; no one looks at their memory.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  for (const auto& [name, value] : options.environment) {
    setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(kExecFailed);
}

// Reads until the other side closes. RETURNS false when the time is up.
bool ReadAll(int fd, Clock::time_point start, double max_seconds,
             std::string* output) {
  char buffer[1 << 14];
  for (;;) {
    const double left = max_seconds - SecondsSince(start);
    if (left <= 0) return false;
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left * 1000) + 1) == 0) continue;
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    output->append(buffer, static_cast<size_t>(n));
    if (output->size() > 2 * kKeptOutputBytes) {
      output->erase(0, output->size() - kKeptOutputBytes);
    }
  }
}

}  // namespace

absl::StatusOr<ChildEnd> RunChild(const std::vector<std::string>& words,
                                  const ChildOptions& options) {
  if (access(words[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat(words[0], ": ", std::strerror(errno)));
  }
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return absl::InternalError("no pipe");
  const Clock::time_point start = Clock::now();
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError("cannot fork");
  if (pid == 0) BecomeProgram(words, options, fds[1]);
  close(fds[1]);
  setpgid(pid, pid);  // In both processes, as either may be first.
  ChildEnd end;
  const bool ended = ReadAll(fds[0], start, options.max_seconds, &end.output);
  close(fds[0]);
  if (!ended) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  end.seconds = SecondsSince(start);
  if (!ended) {
    end.how = ChildEnd::How::kHung;
  } else if (WIFSIGNALED(status)) {
    end.how = ChildEnd::How::kSignalled;
    end.code = WTERMSIG(status);
  } else {
    end.code = WEXITSTATUS(status);
    if (end.code == kExecFailed) {
      return absl::InternalError(absl::StrCat("cannot run ", words[0]));
    }
  }
  return end;
}

}  // namespace holdfast
