// The mutants of the engine: every step that keeps a promise, what is missing
// when it is left out, and which harness is to notice. See base/mutant.h.

#ifndef HOLDFAST_CHAOS_MUTANTS_REGISTRY_H_
#define HOLDFAST_CHAOS_MUTANTS_REGISTRY_H_

#include <string_view>

#include "absl/types/span.h"

namespace holdfast {

struct Mutant {
  std::string_view name;     // As in the sources.
  std::string_view removes;  // What is missing when it is on.
  // Name of the harness that is tried first: see harnesses.h.
  std::string_view killer;
  // Of a test: the case that is enough. Of "crash" and "faults": the workload.
  std::string_view filter;
};

// By name.
absl::Span<const Mutant> AllMutants();
// nullptr when there is none.
const Mutant* FindMutant(std::string_view name);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_REGISTRY_H_
