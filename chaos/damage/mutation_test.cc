#include "chaos/damage/mutation.h"

#include <map>
#include <set>
#include <string>

#include "chaos/damage/golden.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// What a damage makes of one file.
std::string After(const std::string& text, const std::string& file,
                  std::string_view golden_name = "tables") {
  Goldens goldens;
  const absl::StatusOr<Damage> damage = Damage::Parse(text);
  EXPECT_TRUE(damage.ok()) << damage.status();
  const absl::StatusOr<ChangedFiles> changed =
      Apply(goldens.Get(std::string(golden_name)), *damage, &goldens);
  EXPECT_TRUE(changed.ok()) << changed.status();
  const auto it = changed->find(file);
  if (it == changed->end()) return "unchanged";
  return it->second.value_or("removed");
}

class MutationTest : public testing::Test {
 protected:
  MutationTest() : golden_(MakeGolden("tables")) {
    current_ = golden_.files.at("CURRENT");
  }
  Golden golden_;
  std::string current_;
};

TEST_F(MutationTest, DoesWhatItSays) {
  std::string flipped = current_;
  flipped[3] = static_cast<char>(flipped[3] ^ 32);
  EXPECT_EQ(After("flip:CURRENT:3.5", "CURRENT"), flipped);
  EXPECT_EQ(After("fill:CURRENT:2+3:00", "CURRENT"),
            current_.substr(0, 2) + std::string(3, '\0') + current_.substr(5));
  EXPECT_EQ(After("fill:CURRENT:2+9999:41", "CURRENT"),
            current_.substr(0, 2) + std::string(current_.size() - 2, 'A'));
  EXPECT_EQ(After("cut:CURRENT:7", "CURRENT"), current_.substr(0, 7));
  EXPECT_EQ(After("grow:CURRENT:2:00", "CURRENT"),
            current_ + std::string(2, '\0'));
  EXPECT_EQ(After("grow:CURRENT:2:tail", "CURRENT"),
            current_ + current_.substr(current_.size() - 2));
  EXPECT_EQ(After("swap:CURRENT:0+2:4", "CURRENT"),
            current_.substr(4, 2) + current_.substr(2, 2) +
                current_.substr(0, 2) + current_.substr(6));
  EXPECT_EQ(After("copy:CURRENT:1+3:CURRENT:5", "CURRENT"),
            current_.substr(0, 1) + current_.substr(5, 3) + current_.substr(4));
  EXPECT_EQ(After("remove:CURRENT", "CURRENT"), "removed");
  const std::string noise = After("noise:CURRENT:4+8", "CURRENT");
  EXPECT_EQ(noise.size(), current_.size());
  EXPECT_NE(noise.substr(4, 8), current_.substr(4, 8));
  EXPECT_EQ(noise.substr(12), current_.substr(12));
}

TEST_F(MutationTest, TakesBytesFromOtherPlaces) {
  const std::string& log = golden_.logs[0].name;
  EXPECT_EQ(After("replace:CURRENT:" + log, "CURRENT"), golden_.files.at(log));
  EXPECT_EQ(After("replace:CURRENT:" + log + "@0", "CURRENT"),
            golden_.versions.at(log)[0]);
  Goldens goldens;
  EXPECT_EQ(After("replace:" + log + ":twin/" + log, log),
            goldens.Twin("tables").files.at(log));
  EXPECT_EQ(After("replace:CURRENT:empty/CURRENT", "CURRENT"),
            goldens.Get("empty").files.at("CURRENT"));
  EXPECT_EQ(After("exchange:CURRENT:" + log, "CURRENT"), golden_.files.at(log));
  EXPECT_EQ(After("exchange:CURRENT:" + log, log), current_);
}

TEST_F(MutationTest, DoesOneStepAfterTheOther) {
  EXPECT_EQ(After("cut:CURRENT:7 + grow:CURRENT:1:41", "CURRENT"),
            current_.substr(0, 7) + "A");
  EXPECT_EQ(After("flip:CURRENT:1.1 + flip:CURRENT:1.1", "CURRENT"),
            "unchanged");
}

TEST_F(MutationTest, RefusesWhatIsNoDamage) {
  for (const char* text :
       {"", "flip", "flip:", "flip:X", "flip:X:1", "flip:X:1.2:3", "burn:X",
        "fill:X:1+2", "fill:X:1+2:0", "copy:X:1+2:Y", "cut:X:", "cut:X:one",
        "remove:X:1", "flip:X:1.2 + "}) {
    EXPECT_FALSE(Damage::Parse(text).ok()) << text;
  }
  Goldens goldens;
  EXPECT_FALSE(
      Apply(golden_, *Damage::Parse("remove:000099.sst"), &goldens).ok());
  EXPECT_FALSE(
      Apply(golden_, *Damage::Parse("replace:CURRENT:CURRENT@99"), &goldens)
          .ok());
}

TEST(EnumerationTest, EveryDamageParsesAndIsThereOnce) {
  Goldens goldens;
  for (const char* name : {"tables", "log-tail", "chain"}) {
    std::set<std::string> seen;
    std::map<DamageStep::Kind, int> kinds;
    size_t repeated = 0;
    ForEachDamage(goldens.Get(name), {}, &goldens, [&](const Damage& damage) {
      const std::string text = damage.Text();
      const absl::StatusOr<Damage> parsed = Damage::Parse(text);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      ASSERT_EQ(parsed->steps, damage.steps) << text;
      if (!seen.insert(text).second) ++repeated;
      ++kinds[damage.steps.back().kind];
    });
    EXPECT_GE(kinds.size(), 9U) << name;
    EXPECT_LT(repeated, seen.size() / 50) << name;
  }
}

TEST(EnumerationTest, FlipsEveryBitOfASmallFile) {
  Goldens goldens;
  const Golden& golden = goldens.Get("tables");
  std::map<std::string, std::set<uint64_t>> bits;
  ForEachDamage(golden, {}, &goldens, [&](const Damage& damage) {
    const DamageStep& step = damage.steps[0];
    if (step.kind == DamageStep::Kind::kFlip) {
      bits[step.file].insert(8 * step.offset + step.bytes);
    }
  });
  for (const auto& [name, content] : golden.files) {
    EXPECT_EQ(bits[name].size(), 8 * content.size()) << name;
  }
}

}  // namespace
}  // namespace holdfast
