// "Did you mean" (kvd/suggest.h), for words with spaces between them.
// Properties: the distance of two words is symmetric, 0 for the same word alone
// and within the bounds that their sizes give; the nearest of known words is
// suggested, and nothing that is farther than one edit for three letters.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "kvd/suggest.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

// It takes the square of it.
constexpr size_t kMostWordBytes = 12;

bool IsNear(size_t distance, std::string_view a, std::string_view b) {
  return 3 * distance <= std::max(a.size(), b.size()) + 2;
}

void CheckDistance(const std::string& a, const std::string& b,
                   size_t distance) {
  HF_CHECK(distance == EditDistance(b, a));
  HF_CHECK((distance == 0) == (a == b));
  const size_t shorter = std::min(a.size(), b.size());
  const size_t longer = std::max(a.size(), b.size());
  HF_CHECK(distance <= longer);
  HF_CHECK(distance >= longer - shorter);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> known;
  for (std::string_view part : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    known.emplace_back(part.substr(0, kMostWordBytes));
    if (known.size() == 5) break;
  }
  if (known.empty()) return 0;
  const std::string word = std::move(known.back());
  known.pop_back();
  const std::string suggested = Suggest(word, known);
  bool is_known = suggested.empty();
  const size_t best = EditDistance(word, suggested);
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(word, candidate);
    CheckDistance(word, candidate, distance);
    is_known |= candidate == suggested;
    if (suggested.empty()) {
      HF_CHECK(!IsNear(distance, word, candidate));
    } else {
      HF_CHECK(best <= distance || !IsNear(distance, word, candidate));
    }
  }
  HF_CHECK(is_known);
  HF_CHECK(suggested.empty() || IsNear(best, word, suggested));
  return 0;
}
