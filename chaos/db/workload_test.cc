#include "chaos/db/workload.h"

#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chaos/db/generate.h"
#include "chaos/db/workloads.h"
#include "gtest/gtest.h"
#include "holdfast/options.h"

namespace holdfast {
namespace {

TEST(WorkloadTest, TextParsesBack) {
  const std::string text =
      "open create compression=none; ?put a *10 sync; !del b; batch a=1 b=-; "
      "fault sync *.wal @1 eio | write * @2 enospc; close";
  const absl::StatusOr<Workload> workload = Workload::Parse(text);
  ASSERT_TRUE(workload.ok()) << workload.status();
  EXPECT_EQ(workload->Text(), text);
  EXPECT_EQ(workload->steps[1].expect, WorkloadStep::Expect::kEither);
  EXPECT_EQ(workload->steps[2].expect, WorkloadStep::Expect::kFailure);
}

TEST(WorkloadTest, RefusesWhatIsNoStep) {
  for (const char* text : {"pt a 1", "put a", "put a 1 sync 2", "close now",
                           "check", "!", "?nothing"}) {
    const absl::StatusOr<Workload> workload = Workload::Parse(text);
    EXPECT_FALSE(workload.ok()) << text;
  }
  EXPECT_TRUE(Workload::Parse(" ; ;; ").ok());
}

TEST(WorkloadTest, SetsOptions) {
  Options options = SmallOptions();
  EXPECT_TRUE(ApplyOption("memtable=128k", &options).ok());
  EXPECT_EQ(options.memtable_bytes, size_t{128} << 10);
  EXPECT_TRUE(ApplyOption("compression=zstd", &options).ok());
  EXPECT_EQ(options.compression, Compression::kZstd);
  EXPECT_TRUE(ApplyOption("noauto=1", &options).ok());
  EXPECT_TRUE(options.disable_auto_compaction);
  EXPECT_FALSE(ApplyOption("memtable=x", &options).ok());
  EXPECT_FALSE(ApplyOption("compression=7", &options).ok());
  EXPECT_FALSE(ApplyOption("colour=red", &options).ok());
}

TEST(WorkloadTest, RefusesNumbersThatDoNotFitTheirOption) {
  Options options = SmallOptions();
  options.level0_compaction_trigger = 3;
  for (const char* word :
       {"l0=4294967297", "l0=2147483648", "l0=2097152k", "l0=+1", "noauto=2",
        "memtable=18446744073709551616", "memtable=18014398509481984k"}) {
    EXPECT_FALSE(ApplyOption(word, &options).ok()) << word;
  }
  EXPECT_EQ(options.level0_compaction_trigger, 3);
  EXPECT_EQ(options.memtable_bytes, SmallOptions().memtable_bytes);
  EXPECT_FALSE(options.disable_auto_compaction);
  EXPECT_TRUE(ApplyOption("l0=2147483647", &options).ok());
  EXPECT_EQ(options.level0_compaction_trigger, 2147483647);
}

TEST(WorkloadTest, PadsKeys) {
  EXPECT_EQ(KeyOf("a"), "a");
  EXPECT_EQ(KeyOf("a^4"), "a...");
  EXPECT_EQ(KeyOf("a^b"), "a^b");
}

TEST(WorkloadsTest, HaveNamesOfTheirOwnAndParse) {
  std::set<std::string_view> names;
  for (const ReferenceWorkload& reference : ReferenceWorkloads()) {
    EXPECT_TRUE(names.insert(reference.name).second) << reference.name;
    const absl::StatusOr<Workload> workload = Workload::Parse(reference.text);
    ASSERT_TRUE(workload.ok()) << reference.name << ": " << workload.status();
    EXPECT_EQ(workload->Text(), reference.text) << reference.name;
    EXPECT_EQ(FindReferenceWorkload(reference.name), &reference);
  }
  EXPECT_GE(names.size(), 50u);
  EXPECT_EQ(FindReferenceWorkload("none"), nullptr);
}

TEST(GenerateTest, TheSameSeedGivesTheSameWorkload) {
  std::set<std::string> texts;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string text = GenerateWorkload(seed).Text();
    EXPECT_EQ(GenerateWorkload(seed).Text(), text);
    EXPECT_TRUE(texts.insert(text).second);
    const absl::StatusOr<Workload> parsed = Workload::Parse(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->Text(), text);
  }
}

// Goal: what does not matter for the failure goes.
TEST(GenerateTest, ShrinksToWhatFails) {
  const auto fails = [](const Workload& workload) {
    const std::string text = workload.Text();
    return absl::StrContains(text, "flush") &&
           absl::StrContains(text, "put b *");
  };
  const Workload shrunk = ShrinkWorkload(
      *Workload::Parse("open create; put a 1 sync; put b *4000 sync; del c; "
                       "flush; batch a=1 b=*900 c=-; compact; close"),
      fails, 1000);
  EXPECT_EQ(shrunk.Text(), "put b *0; flush");
}

}  // namespace
}  // namespace holdfast
