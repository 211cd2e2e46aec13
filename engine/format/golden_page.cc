#include "engine/format/golden_page.h"

#include <fstream>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr size_t kBytesPerLine = 16;

// Appends the bytes of one line of a block. RETURNS false when it is malformed.
bool AppendLine(std::string_view line, std::string* bytes) {
  line = line.substr(0, line.find('#'));
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    uint64_t offset = 0;
    if (!absl::SimpleHexAtoi(line.substr(0, colon), &offset)) return false;
    if (offset != bytes->size()) return false;
    line.remove_prefix(colon + 1);
  }
  for (std::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
    uint32_t byte = 0;
    if (word.size() != 2 || !absl::SimpleHexAtoi(word, &byte)) return false;
    bytes->push_back(static_cast<char>(byte));
  }
  return true;
}

std::string AsBlock(std::string_view name, std::string_view bytes) {
  std::string block = absl::StrCat("```golden ", name, "\n");
  for (size_t i = 0; i < bytes.size(); i += kBytesPerLine) {
    absl::StrAppendFormat(&block, "%04x:", i);
    for (const char c : bytes.substr(i, kBytesPerLine)) {
      absl::StrAppendFormat(&block, " %02x", static_cast<unsigned char>(c));
    }
    block += '\n';
  }
  return block + "```\n";
}

}  // namespace

std::string GoldenBytes(std::string_view page, std::string_view name) {
  std::ifstream file{std::string(page)};
  EXPECT_TRUE(file.is_open()) << page << ": not among the data of this test";
  const std::string fence = absl::StrCat("```golden ", name);
  std::optional<std::string> found;
  bool inside = false;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = absl::StripAsciiWhitespace(line);
    if (inside && text == "```") {
      inside = false;
    } else if (inside) {
      EXPECT_TRUE(AppendLine(text, &*found))
          << page << ":" << number << ": not a line of golden bytes: " << text;
    } else if (text == fence) {
      EXPECT_FALSE(found.has_value())
          << page << ":" << number << ": a second block " << name;
      found.emplace();
      inside = true;
    }
  }
  EXPECT_TRUE(found.has_value()) << page << ": no block " << name;
  EXPECT_FALSE(inside) << page << ": block " << name << " has no end";
  return found.value_or("");
}

testing::AssertionResult MatchesGolden(std::string_view page,
                                       std::string_view name,
                                       std::string_view bytes) {
  if (GoldenBytes(page, name) == bytes) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << page << " is not what the code writes now:\n"
         << AsBlock(name, bytes);
}

}  // namespace holdfast
