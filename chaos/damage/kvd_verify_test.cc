// `kvd verify`, the program on real files, says of damaged databases what the
// judge says of them in memory.
//
// The program is named by the environment variable KVD.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chaos/damage/golden.h"
#include "chaos/damage/judge.h"
#include "chaos/damage/mutation.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

struct Answer {
  int exit_code = -1;
  std::string text;  // Both outputs.
};

Answer RunVerify(const std::string& database) {
  const std::string command =
      absl::StrCat(std::getenv("KVD"), " verify ", database, " 2>&1");
  Answer answer;
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return answer;
  char buffer[4'096];
  size_t n;
  while ((n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    answer.text.append(buffer, n);
  }
  const int status = pclose(pipe);
  answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return answer;
}

// The files of a damaged database, on the real file system.
std::string Spill(const TempDirectory& directory, int number,
                  const Golden& golden, const ChangedFiles& changed) {
  const std::string path = directory.File(absl::StrCat("db", number));
  EXPECT_EQ(std::system(absl::StrCat("mkdir ", path).c_str()), 0);
  const auto write = [&](const std::string& name, const std::string& content) {
    std::ofstream(absl::StrCat(path, "/", name), std::ios::binary) << content;
  };
  for (const auto& [name, content] : golden.files) {
    if (changed.count(name) == 0) write(name, content);
  }
  for (const auto& [name, content] : changed) {
    if (content.has_value()) write(name, *content);
  }
  return path;
}

// What a damage is about: a few of each are tried.
std::string ClassOf(const Damage& damage) {
  const DamageStep& step = damage.steps.back();
  const std::string& file = step.file;
  const size_t dot = file.find('.');
  return absl::StrCat(
      DamageKindName(step.kind), " ",
      dot == std::string::npos ? file.substr(0, 8) : file.substr(dot));
}

class KvdVerifyTest : public testing::TestWithParam<const char*> {};

TEST_P(KvdVerifyTest, FindsEachDamage) {
  Goldens goldens;
  const Golden& golden = goldens.Get(GetParam());
  // The middle one of each class: the first ones are alike.
  std::map<std::string, std::vector<Damage>> classes;
  ForEachDamage(golden, {}, &goldens, [&](const Damage& damage) {
    classes[ClassOf(damage)].push_back(damage);
  });
  TempDirectory directory;
  int tried = 0;
  int found = 0;
  for (const auto& [name, damages] : classes) {
    const Damage& damage = damages[damages.size() / 2];
    const absl::StatusOr<ChangedFiles> changed =
        Apply(golden, damage, &goldens);
    ASSERT_TRUE(changed.ok()) << damage.Text();
    if (changed->empty()) continue;
    const DamageVerdict verdict = JudgeDamage(golden, *changed, {});
    ASSERT_EQ(verdict.failure, "") << damage.Text();
    const std::string path = Spill(directory, tried++, golden, *changed);
    const Answer answer = RunVerify(path);
    if (verdict.loss.ok()) {
      EXPECT_EQ(answer.exit_code, 0) << damage.Text() << answer.text;
      EXPECT_TRUE(absl::StrContains(answer.text, "ok:")) << answer.text;
      continue;
    }
    ++found;
    EXPECT_EQ(answer.exit_code, 1) << damage.Text() << answer.text;
    const std::optional<DamagePlace> place = PlaceOfLoss(verdict.loss);
    ASSERT_TRUE(place.has_value()) << verdict.loss;
    EXPECT_TRUE(absl::StrContains(
        answer.text,
        absl::StrCat("damage: ", path, "/", place->file, " at offset ")))
        << damage.Text() << ": " << answer.text;
  }
  EXPECT_GT(tried, 15);
  EXPECT_GT(found, 10);
}

INSTANTIATE_TEST_SUITE_P(Goldens, KvdVerifyTest,
                         testing::Values("tables", "levels", "log", "chain"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace holdfast
