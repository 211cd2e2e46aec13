// Adapters of other engines, from shared libraries: see bench/engine.h.

#ifndef HOLDFAST_BENCH_PEERS_H_
#define HOLDFAST_BENCH_PEERS_H_

#include <optional>
#include <string>
#include <vector>

#include "bench/engine.h"

namespace holdfast::bench {

// Loads every libbench_*.so in `folder`, in the order of their names, for the
// rest of the program. One that does not fit is named in *problems.
std::vector<EngineKind> LoadPeers(const std::string& folder,
                                  std::vector<std::string>* problems);

// Loads one of them. RETURNS nothing, and adds to *problems, when it does not
// fit.
std::optional<EngineKind> LoadPeer(const std::string& path,
                                   std::vector<std::string>* problems);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_PEERS_H_
