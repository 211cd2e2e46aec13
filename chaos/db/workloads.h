// The reference workloads: small, each about one thing, with what must have
// happened in it ("sees", "entries", "!") said in its own text, so that one
// that no longer does what it is for fails.

#ifndef HOLDFAST_CHAOS_DB_WORKLOADS_H_
#define HOLDFAST_CHAOS_DB_WORKLOADS_H_

#include <string_view>

#include "absl/types/span.h"
#include "chaos/db/workload.h"

namespace holdfast {

struct ReferenceWorkload {
  std::string_view name;
  std::string_view about;
  std::string_view text;
  // So large that recoveries of it are crashed less often.
  bool large = false;

  Workload Parsed() const;
};

absl::Span<const ReferenceWorkload> ReferenceWorkloads();
// nullptr when there is none of that name.
const ReferenceWorkload* FindReferenceWorkload(std::string_view name);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_WORKLOADS_H_
