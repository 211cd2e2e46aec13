// Runs a program to its end, or until its time is up.

#ifndef HOLDFAST_CHAOS_MUTANTS_CHILD_H_
#define HOLDFAST_CHAOS_MUTANTS_CHILD_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace holdfast {

struct ChildEnd {
  enum class How { kExited, kSignalled, kHung };
  How how = How::kExited;
  int code = 0;        // Of the exit, or the signal.
  std::string output;  // Standard output and error; the last megabyte.
  double seconds = 0;

  bool ok() const { return how == How::kExited && code == 0; }
};

struct ChildOptions {
  // Added to the environment of this process.
  std::vector<std::pair<std::string, std::string>> environment;
  // Then the program and all that it started are killed.
  double max_seconds = 60;
};

// words[0] is a path. An error only when it could not be started.
absl::StatusOr<ChildEnd> RunChild(const std::vector<std::string>& words,
                                  const ChildOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_CHILD_H_
