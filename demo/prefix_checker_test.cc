#include "demo/prefix_checker.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvd/record_reader.h"

namespace holdfast::demo {
namespace {

using testing::HasSubstr;

class PrefixCheckerTest : public testing::Test {
 protected:
  void See(const std::vector<int>& records) {
    checker_.Begin();
    for (int i : records) {
      EXPECT_TRUE(
          checker_.See(records_[i - 1].key, records_[i - 1].value).ok());
    }
  }

  std::string Finish(size_t acknowledged) {
    const auto found = checker_.Finish(acknowledged);
    return found.ok() ? std::to_string(*found)
                      : std::string(found.status().message());
  }

  const std::vector<kvd::Record> records_ = {
      {"d", "1"}, {"b", "2"}, {"c", "3"}, {"a", "4"}};
  PrefixChecker checker_{records_};
};

TEST_F(PrefixCheckerTest, AcceptsAPrefixInAnyOrder) {
  See({});
  EXPECT_EQ(Finish(0), "0");
  See({2, 3, 1});
  EXPECT_EQ(Finish(0), "3");
  EXPECT_EQ(Finish(3), "3");
  See({4, 2, 3, 1});
  EXPECT_EQ(Finish(4), "4");
}

TEST_F(PrefixCheckerTest, CatchesALostRecord) {
  See({1, 2, 3});
  EXPECT_THAT(Finish(4), HasSubstr("lost: record 4, key a"));
  See({1, 3, 4});
  EXPECT_THAT(Finish(4), HasSubstr("lost: record 2, key b"));
  See({});
  EXPECT_THAT(Finish(1), HasSubstr("lost: record 1, key d"));
}

TEST_F(PrefixCheckerTest, CatchesAHoleBehindTheAcknowledged) {
  See({1, 3, 4});
  EXPECT_THAT(Finish(1), HasSubstr("hole: record 2, key b"));
}

TEST_F(PrefixCheckerTest, CatchesAWrongValue) {
  EXPECT_THAT(std::string(checker_.See("d", "2").message()),
              HasSubstr("wrong: record 1"));
}

TEST_F(PrefixCheckerTest, CatchesAnInventedKey) {
  EXPECT_THAT(std::string(checker_.See("e", "1").message()),
              HasSubstr("invented"));
}

TEST_F(PrefixCheckerTest, CatchesAKeyThatComesTwice) {
  See({1});
  EXPECT_THAT(std::string(checker_.See("d", "1").message()),
              HasSubstr("twice: record 1"));
}

}  // namespace
}  // namespace holdfast::demo
