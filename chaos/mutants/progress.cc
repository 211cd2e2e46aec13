#include "chaos/mutants/progress.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace holdfast {
namespace {

// Globals, as a handler of signals finds nothing else. Made ready beforehand,
// as it may not format.
char g_text[400] = "died at the beginning\n0 states\n";
size_t g_text_bytes = 0;

void OnDeath(int signal_number) {
  // Nothing can be done when standard output is gone.
  (void)!write(STDOUT_FILENO, g_text, g_text_bytes);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

}  // namespace

void TellProgressOnDeath() {
  g_text_bytes = std::strlen(g_text);
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal_number, OnDeath);
  }
}

void NoteProgress(uint64_t states, std::string_view where) {
  const int n = std::snprintf(
      g_text, sizeof(g_text), "FAILURE: died at %.*s\n%llu states\n",
      static_cast<int>(std::min<size_t>(where.size(), 300)), where.data(),
      static_cast<unsigned long long>(states));
  g_text_bytes = n < 0 ? 0 : std::min(static_cast<size_t>(n), sizeof(g_text));
}

void PrintStates(uint64_t states) {
  std::printf("%llu states\n", static_cast<unsigned long long>(states));
}

}  // namespace holdfast
