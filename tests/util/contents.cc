#include "tests/util/contents.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

enum class Direction { kForward, kBackward };

absl::StatusOr<Contents> Read(DB& db, const ReadOptions& options,
                              Direction direction) {
  const bool forward = direction == Direction::kForward;
  Contents contents;
  std::optional<std::string> last;
  const std::unique_ptr<Iterator> it = db.NewIterator(options);
  forward ? it->SeekToFirst() : it->SeekToLast();
  while (it->Valid()) {
    std::string key(it->key());
    if (last.has_value() && (forward ? key <= *last : key >= *last)) {
      return absl::InternalError(absl::StrCat(
          "an iterator went from ", Shown(*last), " to ", Shown(key)));
    }
    contents.emplace(key, it->value());
    last = std::move(key);
    forward ? it->Next() : it->Prev();
  }
  if (!it->status().ok()) return it->status();
  return contents;
}

}  // namespace

absl::StatusOr<Contents> ReadForward(DB& db, const ReadOptions& options) {
  return Read(db, options, Direction::kForward);
}

absl::StatusOr<Contents> ReadBackward(DB& db, const ReadOptions& options) {
  return Read(db, options, Direction::kBackward);
}

std::string Shown(std::string_view bytes) {
  constexpr size_t kShownBytes = 40;
  std::string shown =
      absl::StrCat("\"", absl::CHexEscape(bytes.substr(0, kShownBytes)), "\"");
  if (bytes.size() > kShownBytes) {
    absl::StrAppend(&shown, "... (", bytes.size(), " bytes)");
  }
  return shown;
}

testing::AssertionResult Same(const Contents& found, const Contents& expected) {
  for (const auto& [key, value] : expected) {
    const auto it = found.find(key);
    if (it == found.end()) {
      return testing::AssertionFailure()
             << Shown(key) << " is missing; expected " << Shown(value);
    }
    if (it->second != value) {
      return testing::AssertionFailure()
             << Shown(key) << " is " << Shown(it->second) << "; expected "
             << Shown(value);
    }
  }
  for (const auto& [key, value] : found) {
    if (expected.count(key) == 0) {
      return testing::AssertionFailure() << Shown(key) << " is " << Shown(value)
                                         << "; expected no such key";
    }
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult HoldsOrFails(DB& db, const Contents& expected,
                                      const ErrorCheck& check_error,
                                      const ReadOptions& options) {
  const auto check = [&](const absl::StatusOr<Contents>& found) {
    return found.ok() ? Same(*found, expected) : check_error(found.status());
  };
  testing::AssertionResult result = check(ReadForward(db, options));
  if (!result) return result << " (reading forward)";
  result = check(ReadBackward(db, options));
  if (!result) return result << " (reading backward)";
  for (const auto& [key, value] : expected) {
    const absl::StatusOr<std::string> got = db.Get(options, key);
    if (!got.ok()) {
      result = check_error(got.status());
    } else if (*got != value) {
      result = testing::AssertionFailure()
               << "gives " << Shown(*got) << "; expected " << Shown(value);
    }
    if (!result) return result << " (getting " << Shown(key) << ")";
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult Holds(DB& db, const Contents& expected,
                               const ReadOptions& options) {
  return HoldsOrFails(
      db, expected,
      [](const absl::Status& error) {
        return testing::AssertionFailure() << error.ToString();
      },
      options);
}

}  // namespace holdfast
