#include "kvd/suggest.h"

#include <algorithm>
#include <utility>

namespace holdfast::kvd {
namespace {

// Nothing that long is a word; comparing takes the square of it.
constexpr size_t kMaxWordBytes = 64;

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  // Row i holds the distances of the first i letters of `a` to each beginning
  // of `b`; a swap looks back two rows.
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string Suggest(std::string_view word,
                    const std::vector<std::string>& known) {
  if (word.size() > kMaxWordBytes) return "";
  std::string best;
  size_t best_distance = 0;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(word, candidate);
    const size_t longer = std::max(word.size(), candidate.size());
    if (distance > (longer + 2) / 3) continue;
    if (!best.empty() && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace holdfast::kvd
