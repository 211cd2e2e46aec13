// The death of the process costs nothing that was acknowledged: a child writes,
// tells over a pipe what was acknowledged, and is killed.

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "base/random.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/directory.h"
#include "tests/util/numbered_writes.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

Options KillOptions(Random& random) {
  Options options = TinyOptions();
  options.block_bytes = size_t{256} << random.Uniform(5);
  options.max_memtables = 2 + static_cast<int>(random.Uniform(3));
  options.level0_compaction_trigger = 1 + static_cast<int>(random.Uniform(4));
  options.manifest_roll_bytes = uint64_t{4096} << random.Uniform(11);
  return options;
}

// What the child does, until it is killed: writes from number `next` on, each
// one acknowledged by its number.
[[noreturn]] void WriteForEver(const Options& options, const std::string& path,
                               const NumberedWrites& writes, int next,
                               uint64_t seed, int acknowledgements) {
  const auto opened = DB::Open(options, path);
  if (!opened.ok()) {
    std::fprintf(stderr, "child: %s\n", opened.status().ToString().c_str());
    _exit(1);
  }
  DB& db = **opened;
  Random random(seed);
  for (int i = next;; ++i) {
    WriteOptions write_options;
    write_options.sync = random.OneIn(10);
    absl::Status status = db.Write(write_options, writes.Batch(i));
    if (status.ok() && random.OneIn(100)) status = db.Flush();
    if (status.ok() && random.OneIn(200)) status = db.CompactRange({}, {});
    if (!status.ok()) {
      std::fprintf(stderr, "child: %s\n", status.ToString().c_str());
      _exit(1);
    }
    if (write(acknowledgements, &i, sizeof i) != sizeof i) _exit(1);
  }
}

TEST(KillTest, LosesNothingThatWasAcknowledged) {
  constexpr int kRounds = 40;
  const char* from_outside = std::getenv("HOLDFAST_SEED");
  const uint64_t seed =
      from_outside != nullptr ? std::strtoull(from_outside, nullptr, 10) : 1;
  SCOPED_TRACE(testing::Message() << "replay with HOLDFAST_SEED=" << seed);
  Random random(seed);
  TempDirectory directory;
  const std::string path = directory.File("db");
  const NumberedWrites writes(seed);
  int written = 0;  // In the database for sure.
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const Options options = KillOptions(random);
    int acknowledgements[2];
    ASSERT_EQ(pipe(acknowledgements), 0);
    const uint64_t child_seed = random.Next64();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(acknowledgements[0]);
      WriteForEver(options, path, writes, written + 1, child_seed,
                   acknowledgements[1]);
    }
    close(acknowledgements[1]);
    // Let it live for so many writes, and a moment that differs.
    const auto lives = static_cast<int>(random.Uniform(400));
    int acknowledged = written;
    int number = 0;
    for (int i = 0; i < lives; ++i) {
      if (read(acknowledgements[0], &number, sizeof number) != sizeof number) {
        break;
      }
      acknowledged = number;
    }
    for (uint64_t i = random.Uniform(2000); i > 0; --i) sched_yield();
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    // What it could still say.
    while (read(acknowledgements[0], &number, sizeof number) == sizeof number) {
      acknowledged = number;
    }
    close(acknowledgements[0]);

    const auto db = DB::Open(options, path);
    ASSERT_OK(db);
    const auto found = writes.Recovered(**db);
    ASSERT_OK(found);
    // The write under way when it died may be there, too.
    ASSERT_GE(*found, acknowledged);
    ASSERT_LE(*found, acknowledged + 1);
    written = *found;
    ASSERT_OK((*db)->VerifyChecksums());
    for (const std::string& name : FileNames(path)) {
      EXPECT_FALSE(absl::EndsWith(name, ".tmp")) << name;
    }
  }
  EXPECT_GT(written, kRounds * 50);  // They did live.
}

}  // namespace
}  // namespace holdfast
