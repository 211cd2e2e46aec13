#include "engine/format/current_file.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "engine/format/format_version.h"
#include "engine/format/golden_page.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr std::string_view kPath = "/db/CURRENT";
constexpr CurrentFile kCurrent = {.version = kFormatVersion,
                                  .manifest_number = 5,
                                  .db_id = 0x1122334455667788,
                                  .manifest_bytes = 1234};

absl::StatusCode CodeOf(std::string_view contents) {
  return DecodeCurrent(kPath, contents).status().code();
}

// `line` with the right checksum.
std::string Sealed(std::string_view line) {
  return absl::StrFormat("%s%016x\n", line, Checksum64(line, 0));
}

TEST(CurrentFileTest, MatchesTheFormatPage) {
  EXPECT_TRUE(MatchesGolden("docs/formats/current.md", "current",
                            EncodeCurrent(kCurrent)));
}

TEST(CurrentFileTest, IsThisLine) {
  const std::string contents = EncodeCurrent(kCurrent);
  EXPECT_EQ(
      contents,
      Sealed("holdfast-current 1 MANIFEST-000005 1122334455667788 1234 "));
}

RC_GTEST_PROP(CurrentFileProperty, RoundTrips,
              (uint64_t number, uint64_t db_id, uint64_t bytes)) {
  const std::string contents = EncodeCurrent({.version = kFormatVersion,
                                              .manifest_number = number,
                                              .db_id = db_id,
                                              .manifest_bytes = bytes});
  const absl::StatusOr<CurrentFile> current = DecodeCurrent(kPath, contents);
  RC_ASSERT(current.ok());
  RC_ASSERT(current->version == kFormatVersion);
  RC_ASSERT(current->manifest_number == number);
  RC_ASSERT(current->db_id == db_id);
  RC_ASSERT(current->manifest_bytes == bytes);
}

TEST(CurrentFileTest, RefusesEveryChangedBitAndEveryLength) {
  const std::string contents = EncodeCurrent(kCurrent);
  for (size_t bit = 0; bit < 8 * contents.size(); ++bit) {
    std::string changed = contents;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(CodeOf(changed), absl::StatusCode::kDataLoss) << bit;
  }
  for (size_t size = 0; size < contents.size(); ++size) {
    EXPECT_EQ(CodeOf(contents.substr(0, size)), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(CodeOf(contents + "\n"), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(contents + contents), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(std::string(16, '\0')), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf(std::string(100'000, 'x')), absl::StatusCode::kDataLoss);
}

TEST(CurrentFileTest, RefusesOtherSpellingsWithARightChecksum) {
  for (const std::string_view line : {
           "",
           " ",
           "holdfast-current",
           "holdfast-current ",
           "holdfast-current x ",
           "holdfast-current 1 ",
           "other-current 1 MANIFEST-000005 1122334455667788 1234 ",
           "holdfast-current 01 MANIFEST-000005 1122334455667788 1234 ",
           "holdfast-current +1 MANIFEST-000005 1122334455667788 1234 ",
           "holdfast-current 1 MANIFEST-5 1122334455667788 1234 ",
           "holdfast-current 1 000005.wal 1122334455667788 1234 ",
           "holdfast-current 1 CURRENT 1122334455667788 1234 ",
           "holdfast-current 1 MANIFEST-000005 122334455667788 1234 ",
           "holdfast-current 1 MANIFEST-000005 112233445566778A 1234 ",
           "holdfast-current 1 MANIFEST-000005 1122334455667788 01234 ",
           "holdfast-current 1 MANIFEST-000005 1122334455667788 -1 ",
           "holdfast-current 1 MANIFEST-000005 1122334455667788 1234",
           "holdfast-current 1 MANIFEST-000005 1122334455667788 1234 5 ",
           "holdfast-current  1 MANIFEST-000005 1122334455667788 1234 ",
       }) {
    EXPECT_EQ(CodeOf(Sealed(line)), absl::StatusCode::kDataLoss) << line;
  }
}

TEST(CurrentFileTest, RefusesAnotherVersionByName) {
  for (const std::string_view line :
       {"holdfast-current 77 whatever comes then ", "holdfast-current 77 "}) {
    const absl::Status status = DecodeCurrent(kPath, Sealed(line)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_TRUE(absl::StrContains(status.message(), kPath));
    EXPECT_TRUE(absl::StrContains(status.message(), "77"));
    EXPECT_TRUE(absl::StrContains(status.message(), "version 1"));
  }
}

}  // namespace
}  // namespace holdfast
