#include "engine/table/filter.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/checksum.h"
#include "engine/format/golden_page.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

uint64_t Present(int i) { return HashKey(absl::StrCat("present", i)); }
uint64_t Absent(int i) { return HashKey(absl::StrCat("absent", i)); }

std::string BuildFilter(int bits_per_key, int keys) {
  FilterBuilder builder(bits_per_key);
  for (int i = 0; i < keys; ++i) builder.AddHash(Present(i));
  const size_t bytes = builder.bytes();
  std::string payload = builder.Finish();
  EXPECT_EQ(payload.size(), bytes);
  return payload;
}

TEST(FilterTest, WritesWhatTheFormatPageShows) {
  FilterBuilder builder(10);
  builder.AddHash(HashKey("apple"));
  builder.AddHash(HashKey("banana"));
  EXPECT_TRUE(
      MatchesGolden("docs/formats/table.md", "filter_block", builder.Finish()));
}

TEST(FilterTest, FindsEveryKeyAndFewOthers) {
  // Method: fixed keys, so the rates are fixed too. The bounds lie a little
  // above what a blocked filter gives in theory.
  constexpr int kKeys = 20'000;
  constexpr int kProbes = 100'000;
  const struct {
    int bits_per_key;
    double max_rate;
  } cases[] = {{1, 0.70}, {5, 0.105}, {10, 0.0115}, {16, 0.0016}, {32, 0.0002}};
  for (const auto& c : cases) {
    const auto filter =
        Filter::Parse(BuildFilter(c.bits_per_key, kKeys), "t.sst", 0);
    ASSERT_TRUE(filter.ok()) << filter.status();
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_TRUE(filter->MayContain(Present(i))) << c.bits_per_key;
    }
    int found = 0;
    for (int i = 0; i < kProbes; ++i) found += filter->MayContain(Absent(i));
    const double rate = static_cast<double>(found) / kProbes;
    EXPECT_LT(rate, c.max_rate) << c.bits_per_key;
    RecordProperty(absl::StrCat("rate_", c.bits_per_key), absl::StrCat(rate));
  }
}

TEST(FilterTest, OneKeyIsEnoughForAFilter) {
  const auto filter = Filter::Parse(BuildFilter(1, 1), "t.sst", 0);
  ASSERT_TRUE(filter.ok());
  EXPECT_TRUE(filter->MayContain(Present(0)));
  filter->Prefetch(Present(0));
  EXPECT_EQ(filter->memory_bytes(), 64u);
}

TEST(FilterTest, ParametersThatDoNotFitAreRefused) {
  const std::string good = BuildFilter(10, 100);
  const auto refused = [](std::string_view payload) {
    const absl::Status status = Filter::Parse(payload, "t.sst", 4096).status();
    return absl::IsDataLoss(status) &&
           absl::StrContains(status.message(), "t.sst") &&
           absl::StrContains(status.message(), "4096");
  };
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_TRUE(refused(good.substr(0, n)) ||
                Filter::Parse(good.substr(0, n), "t.sst", 0).ok());
  }
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(std::string(5, '\0')));
  EXPECT_TRUE(refused(std::string("\0\0\0\0\6", 5)));
  std::string more_lines = good;
  ++more_lines[good.size() - 5];
  EXPECT_TRUE(refused(more_lines));
  std::string no_probes = good;
  no_probes.back() = 0;
  EXPECT_TRUE(refused(no_probes));
  std::string many_probes = good;
  many_probes.back() = 17;
  EXPECT_TRUE(refused(many_probes));
}

RC_GTEST_PROP(FilterTest, AnyBytesAreRefusedOrCanBeAsked,
              (const std::string& bytes, uint64_t hash)) {
  const auto filter = Filter::Parse(bytes, "t.sst", 0);
  if (filter.ok()) static_cast<void>(filter->MayContain(hash));
}

}  // namespace
}  // namespace holdfast
