// Assertions for our own bugs. Never used for bytes from disk or for what a
// caller passes: those are absl::Status.
//
//   HF_CHECK(cond)    always on; O(1) conditions only.
//   HF_DCHECK(cond)   on unless NDEBUG; O(1).
//   HF_VERIFY(cond)   on when HOLDFAST_VERIFY is defined; may be O(n).
//
// A failed check prints the condition and its place on stderr and aborts:
// going on with a broken invariant is how data is lost.

#ifndef HOLDFAST_BASE_CHECK_H_
#define HOLDFAST_BASE_CHECK_H_

namespace holdfast {

// Prints "FILE:LINE: CHECK failed: CONDITION" and aborts the process.
[[noreturn]] void CheckFailed(const char* file, int line,
                              const char* condition);

}  // namespace holdfast

#define HF_CHECK(cond)        \
  (static_cast<bool>(cond)    \
       ? static_cast<void>(0) \
       : ::holdfast::CheckFailed(__FILE__, __LINE__, #cond))

#ifdef NDEBUG
#define HF_DCHECK(cond) static_cast<void>(sizeof(static_cast<bool>(cond)))
#else
#define HF_DCHECK(cond) HF_CHECK(cond)
#endif

#ifdef HOLDFAST_VERIFY
#define HF_VERIFY(cond) HF_CHECK(cond)
#else
#define HF_VERIFY(cond) static_cast<void>(sizeof(static_cast<bool>(cond)))
#endif

#endif  // HOLDFAST_BASE_CHECK_H_
