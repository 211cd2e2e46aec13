#include "chaos/explorer/crash_path.h"

#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(CrashPathTest, TextParsesBack) {
  const CrashPath path = {{.calls = 17, .crash = "none"},
                          {.calls = 0, .crash = "kill"},
                          {.calls = 4, .crash = "kept 3=0 5=2"}};
  const std::string text = PathText(path);
  EXPECT_EQ(text, "17:none 0:kill 4:kept 3=0 5=2");
  const auto parsed = ParsePath(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, path);
}

TEST(CrashPathTest, RefusesWhatIsNoPath) {
  for (const char* text : {"", " ", "none", "17", "17:", ":none", "-1:none",
                           "kept 3=0", "1x:none"}) {
    EXPECT_FALSE(ParsePath(text).ok()) << text;
  }
}

}  // namespace
}  // namespace holdfast
