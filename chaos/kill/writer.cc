// The process that is killed: opens a database on the real file system, writes
// numbered batches, and says on standard output what was acknowledged.
//
//   writer DIRECTORY SEED NEXT WRITES ARM PLAN
//
// NEXT is the number of the first write, WRITES how many at most. PLAN is a
// fault plan; it is in force from before the opening (ARM "open") or from after
// it (ARM "write"), and usually kills this process. With WRITES 0 the database
// is opened, background work awaited, and closed.
//
// Says "open", "ack N" after write N was acknowledged, and "end".

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status_util.h"
#include "chaos/kill/kill_options.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"

namespace holdfast::chaos {
namespace {

struct Task {
  std::string directory;
  uint64_t seed = 0;
  int next = 1;
  int writes = 0;
  bool arm_before_open = false;
  FaultPlan plan;
};

// One call, so that a line is there whole or not at all.
absl::Status Say(const std::string& line) {
  const std::string bytes = line + "\n";
  const ssize_t written = write(STDOUT_FILENO, bytes.data(), bytes.size());
  if (written == static_cast<ssize_t>(bytes.size())) return absl::OkStatus();
  return absl::InternalError("cannot write to standard output");
}

absl::StatusOr<Task> ParseTask(int argc, char** argv) {
  Task task;
  if (argc != 7 || !absl::SimpleAtoi(argv[2], &task.seed) ||
      !absl::SimpleAtoi(argv[3], &task.next) ||
      !absl::SimpleAtoi(argv[4], &task.writes)) {
    return absl::InvalidArgumentError(
        "usage: writer DIRECTORY SEED NEXT WRITES open|write PLAN");
  }
  task.directory = argv[1];
  task.arm_before_open = std::string_view(argv[5]) == "open";
  HF_ASSIGN_OR_RETURN(task.plan, FaultPlan::Parse(argv[6]));
  return task;
}

// The real environment with a file system that kills on plan.
class KillingEnv final : public Env {
 public:
  KillingEnv(const Options& options)
      : base_(NewPosixEnv({.background_threads = options.background_threads})),
        faults_(&base_->file_system()) {}

  FileSystem& file_system() override { return faults_; }
  Clock& clock() override { return base_->clock(); }
  Executor& executor() override { return base_->executor(); }
  FaultFileSystem& faults() { return faults_; }

 private:
  const std::unique_ptr<Env> base_;
  FaultFileSystem faults_;
};

absl::Status WriteAll(DB& db, const Task& task) {
  const NumberedWrites writes = DrawKillWrites(task.seed);
  const uint64_t sync_one_in = DrawSyncOneIn(task.seed);
  Random random(task.seed + static_cast<uint64_t>(task.next));
  for (int i = task.next; i < task.next + task.writes; ++i) {
    WriteOptions options;
    options.sync = sync_one_in != 0 && random.OneIn(sync_one_in);
    HF_RETURN_IF_ERROR(db.Write(options, writes.Batch(i)));
    HF_RETURN_IF_ERROR(Say(absl::StrCat("ack ", i)));
    if (random.OneIn(60)) HF_RETURN_IF_ERROR(db.Flush());
    if (random.OneIn(150)) HF_RETURN_IF_ERROR(db.CompactRange({}, {}));
    if (sync_one_in != 0 && random.OneIn(80)) HF_RETURN_IF_ERROR(db.SyncWal());
  }
  return absl::OkStatus();
}

absl::Status Run(const Task& task) {
  Options options = DrawKillOptions(task.seed);
  KillingEnv env(options);
  options.env = &env;
  if (task.arm_before_open) env.faults().SetPlan(task.plan);
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<DB> db,
                      DB::Open(options, task.directory));
  HF_RETURN_IF_ERROR(Say("open"));
  if (!task.arm_before_open) env.faults().SetPlan(task.plan);
  HF_RETURN_IF_ERROR(WriteAll(*db, task));
  HF_RETURN_IF_ERROR(db->WaitForBackgroundWork());
  HF_RETURN_IF_ERROR(db->Close());
  return Say("end");
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Task> task = ParseTask(argc, argv);
  const absl::Status status = task.ok() ? Run(*task) : task.status();
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "writer: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace holdfast::chaos

int main(int argc, char** argv) { return holdfast::chaos::Main(argc, argv); }
