#include "engine/db/write_stall.h"

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Action = WriteStallDecision::Action;

Options TestOptions() {
  Options options;
  options.memtable_bytes = 1000;
  options.max_memtables = 3;
  options.level0_slowdown_trigger = 10;
  options.level0_stop_trigger = 14;
  return options;
}

WriteStallFacts Facts(size_t active_bytes, int frozen, int level0) {
  WriteStallFacts facts;
  facts.active_bytes = active_bytes;
  facts.active_empty = active_bytes == 0;
  facts.frozen_memtables = frozen;
  facts.level0_tables = level0;
  return facts;
}

TEST(WriteStallTest, ProceedsWhileThereIsRoom) {
  EXPECT_EQ(DecideWriteStall(Facts(999, 2, 9), TestOptions()).action,
            Action::kProceed);
}

TEST(WriteStallTest, FreezesAFullMemTable) {
  EXPECT_EQ(DecideWriteStall(Facts(1000, 1, 0), TestOptions()).action,
            Action::kFreeze);
}

TEST(WriteStallTest, FreezesOnDemandUnlessEmpty) {
  WriteStallFacts facts = Facts(1, 0, 0);
  facts.freeze_wanted = true;
  EXPECT_EQ(DecideWriteStall(facts, TestOptions()).action, Action::kFreeze);
  facts = Facts(0, 0, 0);
  facts.freeze_wanted = true;
  EXPECT_EQ(DecideWriteStall(facts, TestOptions()).action, Action::kProceed);
}

TEST(WriteStallTest, StopsWhenAllMemTablesAreFullAndSaysWhy) {
  const WriteStallDecision decision =
      DecideWriteStall(Facts(1000, 2, 0), TestOptions());
  EXPECT_EQ(decision.action, Action::kStop);
  EXPECT_NE(decision.reason.find("max_memtables"), std::string::npos);
}

TEST(WriteStallTest, DelaysOnceMoreTheMoreTablesThereAre) {
  const Options options = TestOptions();
  uint64_t last = 0;
  for (int tables = 10; tables < 14; ++tables) {
    WriteStallFacts facts = Facts(1, 0, tables);
    const WriteStallDecision decision = DecideWriteStall(facts, options);
    EXPECT_EQ(decision.action, Action::kDelay);
    EXPECT_GT(decision.delay_micros, last);
    EXPECT_LE(decision.delay_micros, 1000u);
    EXPECT_NE(decision.reason.find("level0_slowdown_trigger"),
              std::string::npos);
    last = decision.delay_micros;
    facts.delayed_already = true;
    EXPECT_EQ(DecideWriteStall(facts, options).action, Action::kProceed);
  }
}

TEST(WriteStallTest, StopsForLevel0OnlyWhenTheMemTableIsFull) {
  const Options options = TestOptions();
  EXPECT_EQ(DecideWriteStall(Facts(10, 0, 14), options).action,
            Action::kProceed);
  const WriteStallDecision decision =
      DecideWriteStall(Facts(1000, 0, 14), options);
  EXPECT_EQ(decision.action, Action::kStop);
  EXPECT_NE(decision.reason.find("level0_stop_trigger"), std::string::npos);
}

TEST(WriteStallTest, NeverWaitsForCompactionsThatAreOff) {
  Options options = TestOptions();
  options.disable_auto_compaction = true;
  EXPECT_EQ(DecideWriteStall(Facts(1, 0, 500), options).action,
            Action::kProceed);
  EXPECT_EQ(DecideWriteStall(Facts(1000, 0, 500), options).action,
            Action::kFreeze);
}

}  // namespace
}  // namespace holdfast
