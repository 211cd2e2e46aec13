#include "bench/rounds.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Of Clang's runtime when the build records a profile (`make pgo`); it writes
// at exit(), which a child that was forked does not call.
extern "C" __attribute__((weak)) int __llvm_profile_write_file();

namespace holdfast::bench {
namespace {

// What a child tells.
struct Message {
  char workload[64] = {};
  Sample sample;
};
static_assert(std::is_trivially_copyable_v<Message>);

bool ReadAll(int fd, void* to, size_t bytes) {
  auto* p = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = read(fd, p, bytes);
    if (got <= 0) return false;
    p += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

// Whether all went well.
bool RunInChild(const EngineKind& kind, const Settings& settings, int round,
                const std::function<void(const Message&)>& on_message) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    close(ends[0]);
    RunWorkloads(
        kind, settings, round,
        [&](std::string_view workload, const Sample& sample) {
          Message message;
          workload.copy(message.workload, sizeof(message.workload) - 1);
          message.sample = sample;
          // Less than PIPE_BUF: whole or not at all.
          if (write(ends[1], &message, sizeof(message)) != sizeof(message)) {
            _exit(1);
          }
        });
    if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
    _exit(0);
  }
  close(ends[1]);
  Message message;
  while (ReadAll(ends[0], &message, sizeof(message))) on_message(message);
  close(ends[0]);
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

const std::vector<Sample>* Results::Of(const std::string& engine,
                                       const std::string& workload) const {
  const auto of_engine = samples.find(engine);
  if (of_engine == samples.end()) return nullptr;
  const auto found = of_engine->second.find(workload);
  return found == of_engine->second.end() ? nullptr : &found->second;
}

Results RunRounds(const std::vector<EngineKind>& kinds,
                  const Settings& settings, int rounds,
                  RoundsObserver* observer, std::vector<std::string>* failed) {
  Results results;
  results.kinds = kinds;
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < kinds.size(); ++i) {
      // Another one begins each round: none always has the warm machine.
      const EngineKind& kind =
          kinds[(i + static_cast<size_t>(round)) % kinds.size()];
      if (std::find(failed->begin(), failed->end(), kind.name) !=
          failed->end()) {
        continue;
      }
      const bool good =
          RunInChild(kind, settings, round, [&](const Message& message) {
            const std::string workload = message.workload;
            results.samples[kind.name][workload].push_back(message.sample);
            observer->Measured(kind, workload, round, message.sample);
          });
      if (!good) failed->push_back(kind.name);
    }
  }
  for (const WorkloadInfo& info : AllWorkloads()) {
    for (const EngineKind& kind : kinds) {
      if (results.Of(kind.name, std::string(info.name)) != nullptr) {
        results.workloads.emplace_back(info.name);
        break;
      }
    }
  }
  return results;
}

}  // namespace holdfast::bench
