// Marks the rare paths that tests claim to take, so that a harness can say
// which of them it never took.
//
//   HF_SOMETIMES(torn, "a torn tail is dropped");
//
// A statement: when the condition holds, the probe counts as reached. A probe
// is known by its text, from the start of the program on, whether its line ever
// runs or not; the same text in two places is one probe. With NDEBUG nothing is
// left of it, and the condition is not evaluated.
//
// Thread-safe.

#ifndef HOLDFAST_BASE_SOMETIMES_H_
#define HOLDFAST_BASE_SOMETIMES_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string_view>
#include <vector>

namespace holdfast {

struct ProbeState {
  std::string_view what;
  bool reached = false;
};

// All probes that are linked into this program, by their text.
std::vector<ProbeState> AllProbes();

// For tests: as if none had been reached.
void ResetProbes();

namespace sometimes_internal {

// One probe; registers itself when it is made, and is never unmade.
class Probe {
 public:
  explicit Probe(std::string_view what);

  // Written once, to leave the cache line shared.
  void Reach() {
    if (!reached_.load(std::memory_order_relaxed)) {
      reached_.store(true, std::memory_order_relaxed);
    }
  }

 private:
  friend std::vector<ProbeState> holdfast::AllProbes();
  friend void holdfast::ResetProbes();

  const std::string_view what_;
  std::atomic<bool> reached_{false};
  Probe* next_ = nullptr;
};

template <size_t kBytes>
struct Text {
  // NOLINTNEXTLINE: made from a literal, in place.
  consteval Text(const char (&text)[kBytes]) {
    std::copy_n(text, kBytes, bytes);
  }
  char bytes[kBytes];
};

// Each text has a variable of its own, made before main.
template <Text kWhat>
inline Probe probe{std::string_view(kWhat.bytes, sizeof(kWhat.bytes) - 1)};

}  // namespace sometimes_internal
}  // namespace holdfast

#ifdef NDEBUG
#define HF_SOMETIMES(cond, what) \
  static_cast<void>(sizeof(static_cast<bool>(cond)))
#else
#define HF_SOMETIMES(cond, what)                             \
  (static_cast<bool>(cond)                                   \
       ? ::holdfast::sometimes_internal::probe<what>.Reach() \
       : static_cast<void>(0))
#endif

#endif  // HOLDFAST_BASE_SOMETIMES_H_
