// The state that is being recovered on this thread, for a process that dies of
// a failed assertion.

#ifndef HOLDFAST_CHAOS_EXPLORER_ABORT_REPORT_H_
#define HOLDFAST_CHAOS_EXPLORER_ABORT_REPORT_H_

#include <string>

namespace holdfast {

class PathInProgress {
 public:
  virtual std::string Text() const = 0;

 protected:
  ~PathInProgress() = default;
};

// Costs two stores.
class ScopedPathInProgress {
 public:
  // `path` outlives this.
  explicit ScopedPathInProgress(const PathInProgress* path);
  ~ScopedPathInProgress();
  ScopedPathInProgress(const ScopedPathInProgress&) = delete;
  ScopedPathInProgress& operator=(const ScopedPathInProgress&) = delete;

 private:
  const PathInProgress* const outer_;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_ABORT_REPORT_H_
