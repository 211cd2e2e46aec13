// Spans of user keys in which nothing is to be seen, found by iterators that
// walked through them: so that the next one need not walk over the same million
// tombstones again.
//
// A span [begin, end) of number s says: as of s, and as of every later number,
// no user key in it has a value. An iterator records a span; a commit that puts
// a value into it cuts it. (A deletion leaves it as it is.)
//
// Invariants:
// (1) Spans do not overlap or touch.
// (2) When a number n is visible, no span of a number below n holds a key to
//     which a write in (its number, n] gave a value.
//
// Why (2) holds. The owner of the commit pipeline announces the numbers of its
// group before it makes them visible, and then looks whether there are spans;
// who records a span first makes it known that there are some, and then looks
// whether anything beyond its number was announced. That is a store-load
// question (Dekker) on `announced_` and `any_`, so all four are seq_cst and
// have one order:
//   - The owner's look comes after the recording: it sees that there are spans,
//     takes the mutex and cuts, before its group is visible. A reader that has
//     a number of the group acquired it from what the owner stored after that.
//   - Else its announcement comes before the recorder's look, which sees it and
//     records nothing.
// The recorder holds the mutex throughout, so nobody sees a span that is taken
// back.
//
// A recorder must have seen all up to its number: an iterator's view may lack
// writes that became visible while it was made (read_view.h). It knows that
// there are none when the number did not change while it took the view.
//
// An iterator of a number below s must not use the span: of what lies in it,
// something may be visible to it.
//
// Few and bounded: a span that would be one too many is not recorded.
//
// Thread-safe. Writers and readers pay for it when there is a span, otherwise
// an atomic store and a load a commit.

#ifndef HOLDFAST_ENGINE_DB_DEAD_SPANS_H_
#define HOLDFAST_ENGINE_DB_DEAD_SPANS_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "engine/format/internal_key.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class DeadSpans {
 public:
  // nullopt: after every key.
  using End = std::optional<std::string>;

  DeadSpans() = default;
  DeadSpans(const DeadSpans&) = delete;
  DeadSpans& operator=(const DeadSpans&) = delete;

  // --- For the owner of the commit pipeline.

  // The numbers up to `last` are about to become visible. RETURNS whether there
  // may be spans: then Cut must be called for each value, before they do.
  [[nodiscard]] bool Announce(SequenceNumber last) {
    announced_.store(last, std::memory_order_seq_cst);  // Partner: Record.
    return any_.load(std::memory_order_seq_cst);
  }
  void Cut(std::string_view user_key) ABSL_LOCKS_EXCLUDED(mu_);

  // --- For iterators.

  // A hint: false when there is nothing to find.
  bool any() const { return any_.load(std::memory_order_relaxed); }

  // Whether the key lies in a span that a reader as of `as_of` may use. *end is
  // the first key behind it then.
  bool FindEnd(std::string_view user_key, SequenceNumber as_of, End* end) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Whether such a span reaches up to `end`, exclusive, from below. *begin is
  // its first key then.
  bool FindBegin(const std::optional<std::string_view>& end,
                 SequenceNumber as_of, std::string* begin) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The caller, who reads as of `as_of` and has all up to there, found nothing
  // in [begin, end). Records it, unless something has been committed since.
  void Record(std::string_view begin, const End& end, SequenceNumber as_of)
      ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kMaxSpans = 64;
  static constexpr size_t kMaxKeyBytes = 1024;

  struct Span {
    End end;
    SequenceNumber sequence;
  };
  using Spans = std::map<std::string, Span, std::less<>>;  // By begin.

  // Whether a key, or another span's begin, lies before the span's end.
  static bool EndsAfter(const Span& span, std::string_view key) {
    return !span.end.has_value() || key < *span.end;
  }

  std::atomic<SequenceNumber> announced_{0};
  std::atomic<bool> any_{false};  // Whether spans_ is not empty.
  mutable Mutex mu_;              // A leaf.
  Spans spans_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_DEAD_SPANS_H_
