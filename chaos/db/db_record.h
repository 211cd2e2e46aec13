// What is known about one database of a workload: where it is, what was written
// to it, and which keys a reader should ask for.

#ifndef HOLDFAST_CHAOS_DB_DB_RECORD_H_
#define HOLDFAST_CHAOS_DB_DB_RECORD_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "chaos/oracle/history.h"

namespace holdfast {

struct DbRecord {
  explicit DbRecord(int its_number)
      : number(its_number), dir(absl::StrCat("/db", its_number)) {}

  const int number;
  const std::string dir;
  History history;
  std::vector<std::string> keys;  // That steps write, and one they do not.
};

// The texts of marks are "@N WHAT", where N is the number of the database and
// the value of the mark a position in its history. These WHATs matter; others
// are for people.
inline constexpr std::string_view kOpening = "opening";
inline constexpr std::string_view kOpened = "opened";
inline constexpr std::string_view kDestroying = "destroying";
inline constexpr std::string_view kDestroyed = "destroyed";
// Of lives after the first, with the hash of what was shown.
inline constexpr std::string_view kShown = "shown";
inline constexpr std::string_view kWriting = "writing once more";
inline constexpr std::string_view kWritten = "written once more";
inline constexpr std::string_view kLogging = "writing without a sync";
inline constexpr std::string_view kLogged = "written without a sync";
inline constexpr std::string_view kClosed = "closed once more";

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_DB_RECORD_H_
