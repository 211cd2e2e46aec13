// Switches with which a test takes one step out of the engine, to see whether
// some test notices.
//
//   if (size != wanted && !HF_MUTANT("table.size")) return DataLoss(...);
//   HF_RETURN_IF_ERROR(HF_STEP("log.name_sync", fs.SyncDirectory(dir)));
//
// A mutant is named after what it leaves out: with "table.size" on, tables of
// a wrong size pass. Each name stands in the sources once, and in the registry
// in chaos/mutants, which says what must notice.
//
// Put the mutant where it makes a difference, behind the condition of a check
// rather than before it: how often it *fired* then tells how often the check
// was needed, and a mutant that never fired was not tested at all.
//
// Which mutant is on is a global of the process, the only one there is. It
// exists in test builds alone: with NDEBUG the macros are the constant false
// and the plain expression, nothing is left of a name, and no code is there to
// switch. Passing a switch through every constructor of the engine would cost
// what users run, for the sake of tests.
//
// Thread-safe; switched while nothing of the engine runs.

#ifndef HOLDFAST_BASE_MUTANT_H_
#define HOLDFAST_BASE_MUTANT_H_

#include <atomic>
#include <cstdint>
#include <string_view>

namespace holdfast {

#ifdef NDEBUG
inline constexpr bool kHasMutants = false;
#else
inline constexpr bool kHasMutants = true;
#endif

// Never 0, which stands for no mutant. (FNV-1a; the registry's test sees that
// no two names have the same.)
constexpr uint64_t MutantHash(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash | 1;
}

namespace mutant_internal {

inline constinit std::atomic<uint64_t> active{0};
inline constinit std::atomic<uint64_t> fired{0};

consteval uint64_t HashNow(std::string_view name) { return MutantHash(name); }

inline bool Fires(uint64_t hash) {
  // Partner: SetActiveMutant. Relaxed, as nothing of the engine runs then.
  if (active.load(std::memory_order_relaxed) != hash) [[likely]]
    return false;
  fired.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace mutant_internal

// For tests alone. Switches the mutant `name` on, and any other off; empty:
// all off. Counting of MutantFired begins anew.
inline void SetActiveMutant(std::string_view name) {
  mutant_internal::fired.store(0, std::memory_order_relaxed);
  mutant_internal::active.store(name.empty() ? 0 : MutantHash(name),
                                std::memory_order_relaxed);
}

// How often the active mutant made the engine do something else.
inline uint64_t MutantFired() {
  return mutant_internal::fired.load(std::memory_order_relaxed);
}

// For tests alone: a mutant that is on for as long as this lives.
class ScopedMutant {
 public:
  explicit ScopedMutant(std::string_view name) { SetActiveMutant(name); }
  ~ScopedMutant() { SetActiveMutant({}); }
  ScopedMutant(const ScopedMutant&) = delete;
  ScopedMutant& operator=(const ScopedMutant&) = delete;

  uint64_t fired() const { return MutantFired(); }
};

}  // namespace holdfast

// Whether the mutant is on. HF_STEP(name, expr) is the absl::Status `expr`, or
// OK without evaluating it when the mutant is on.
#ifdef NDEBUG
#define HF_MUTANT(name) false
#define HF_STEP(name, expr) (expr)
#else
#define HF_MUTANT(name) \
  ::holdfast::mutant_internal::Fires(::holdfast::mutant_internal::HashNow(name))
#define HF_STEP(name, expr) \
  (HF_MUTANT(name) ? ::absl::OkStatus() : ::absl::Status(expr))
#endif

#endif  // HOLDFAST_BASE_MUTANT_H_
