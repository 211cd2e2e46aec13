// Workloads by chance, and smaller ones that may show the same. They are biased
// to where bugs are: sizes at the edges of sectors and blocks, a few keys used
// again and again, small memtables, openings and deaths in between.

#ifndef HOLDFAST_CHAOS_DB_GENERATE_H_
#define HOLDFAST_CHAOS_DB_GENERATE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "chaos/db/workload.h"

namespace holdfast {

// The same seed gives the same workload; all of its steps succeed.
Workload GenerateWorkload(uint64_t seed);

// Each with a part taken away: runs of steps, single steps, words, bytes of
// values. The largest parts first. Some make no sense and fail to run.
std::vector<Workload> SmallerWorkloads(const Workload& workload);

// Takes parts away as long as `fails` says that the rest still fails, at most
// `tries` times.
Workload ShrinkWorkload(Workload workload,
                        const std::function<bool(const Workload&)>& fails,
                        int tries);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_GENERATE_H_
