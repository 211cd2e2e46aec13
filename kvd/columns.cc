#include "kvd/columns.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast::kvd {

std::string FormatColumns(const std::vector<Align>& aligns,
                          const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(aligns.size());
  for (const std::vector<std::string>& row : rows) {
    HF_CHECK(row.size() == aligns.size());
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      if (i > 0) line.append("  ");
      line.append(aligns[i] == Align::kLeft ? row[i] + padding
                                            : padding + row[i]);
    }
    text.append(line, 0, line.find_last_not_of(' ') + 1);
    text.push_back('\n');
  }
  return text;
}

}  // namespace holdfast::kvd
