#include "chaos/explorer/abort_report.h"

#include <csignal>
#include <cstdio>
#include <string>

#include "holdfast/testing/crash_explorer.h"

namespace holdfast {
namespace {

thread_local const PathInProgress* in_progress = nullptr;

// What handled it before: a fuzzer keeps its input there.
struct sigaction outer_action;

// Not safe in a handler in general, since making the text allocates. It runs
// inside abort(), on the thread that called it, and the process dies anyway.
void OnAbort(int signal) {
  sigaction(signal, &outer_action, nullptr);
  if (in_progress != nullptr) {
    const PathInProgress* path = in_progress;
    in_progress = nullptr;
    std::fprintf(stderr, "while recovering the state of replay: %s\n",
                 path->Text().c_str());
  }
  std::raise(signal);
}

}  // namespace

ScopedPathInProgress::ScopedPathInProgress(const PathInProgress* path)
    : outer_(in_progress) {
  in_progress = path;
}

ScopedPathInProgress::~ScopedPathInProgress() { in_progress = outer_; }

void PrintPathOnAbort() {
  struct sigaction action = {};
  action.sa_handler = OnAbort;
  struct sigaction before;
  sigaction(SIGABRT, &action, &before);
  // A second call must not take our own handler for the one before.
  if (before.sa_handler != OnAbort) outer_action = before;
}

}  // namespace holdfast
