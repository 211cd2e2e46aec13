// A table of text in columns, for people.
//
//   level  tables      bytes
//       0       3    1,228,800
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_COLUMNS_H_
#define HOLDFAST_KVD_COLUMNS_H_

#include <string>
#include <vector>

namespace holdfast::kvd {

enum class Align { kLeft, kRight };

// Writes `rows`, the first of which is the head, each column as wide as its
// longest cell, two spaces between columns. Cells are ASCII. REQUIRES: each row
// has as many cells as `aligns`.
std::string FormatColumns(const std::vector<Align>& aligns,
                          const std::vector<std::vector<std::string>>& rows);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_COLUMNS_H_
