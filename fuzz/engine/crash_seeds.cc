#include "fuzz/engine/crash_seeds.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "chaos/db/workloads.h"
#include "chaos/explorer/crash_wish.h"
#include "fuzz/engine/crash_case.h"
#include "fuzz/seeds/seed_sink.h"

namespace holdfast {
namespace {

using What = CrashWish::What;

struct Crashes {
  std::string_view name;
  std::vector<CrashWish> wishes;
  bool of_large = false;  // Large workloads are given few.
};

const std::vector<Crashes>& AllCrashes() {
  static const auto* const kAll = new std::vector<Crashes>{
      {"lost", {{}}, true},
      {"before-the-end",
       {{.calls_back = 2, .what = What::kSizes},
        {.calls_back = 1, .what = What::kCut, .amount = 2}},
       true},
      {"killed",
       {{.calls_back = 5, .what = What::kKill},
        {.calls_back = 3, .what = What::kNone},
        {.calls_back = 6, .what = What::kNames}}},
      {"torn",
       {{.calls_back = 9,
         .what = What::kKept,
         .exceptions = {{.back = 0, .alternative = 0},
                        {.back = 2, .alternative = 2}}}}},
  };
  return *kAll;
}

}  // namespace

void AddCrashSeeds(SeedSink& sink) {
  for (const ReferenceWorkload& reference : ReferenceWorkloads()) {
    for (const Crashes& crashes : AllCrashes()) {
      if (reference.large && !crashes.of_large) continue;
      sink.Add("db_crash_fuzz", absl::StrCat(reference.name, "-", crashes.name),
               EncodeCrashCase({.workload = reference.Parsed(),
                                .crashes = crashes.wishes}));
    }
  }
}

}  // namespace holdfast
