// Small programs that write through a FileSystem, right or wrong in one known
// way each: what the explorer is tested with.

#ifndef HOLDFAST_CHAOS_EXPLORER_TOY_PROGRAMS_H_
#define HOLDFAST_CHAOS_EXPLORER_TOY_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {

absl::StatusOr<std::string> ReadToy(FileSystem& fs, std::string_view path);
// Creates, writes and syncs a file; not its name.
absl::Status WriteToy(FileSystem& fs, std::string_view path,
                      std::string_view content, bool sync = true);

// Replaces /app.conf by new versions of it. Right when every step is taken.
class ConfigProgram : public CrashProgram {
 public:
  struct Steps {
    bool sync_file = true;
    bool rename = true;  // Otherwise removes the file and writes it again.
    bool sync_directory = true;
    bool remove_leftover = true;
    bool sync_before_showing = true;
  };
  explicit ConfigProgram(Steps steps) : steps_(steps) {}

  absl::Status Prepare(SimEnv& env) override;
  absl::Status Run(CrashRun& run) override;
  absl::Status Recover(CrashRun& run) override;

 private:
  absl::Status Save(FileSystem& fs, uint64_t version);
  const Steps steps_;
};

// Appends records to /log, each longer than a sector, and syncs each.
class LogProgram : public CrashProgram {
 public:
  explicit LogProgram(bool checksums) : checksums_(checksums) {}

  absl::Status Run(CrashRun& run) override;
  absl::Status Recover(CrashRun& run) override;

 private:
  std::string Record(uint64_t number) const;
  const bool checksums_;
};

// Its recovery cannot be crashed so often in a row: it leaves a trace of each
// attempt, and gives up when it finds too many.
class TiresProgram : public CrashProgram {
 public:
  explicit TiresProgram(size_t attempts) : attempts_(attempts) {}

  absl::Status Run(CrashRun& run) override;
  absl::Status Recover(CrashRun& run) override;

 private:
  const size_t attempts_;
};

// What a test says in place of a class.
class LambdaProgram : public CrashProgram {
 public:
  using Function = std::function<absl::Status(CrashRun&)>;
  LambdaProgram(Function run, Function recover)
      : run_(std::move(run)), recover_(std::move(recover)) {}

  absl::Status Run(CrashRun& run) override { return run_(run); }
  absl::Status Recover(CrashRun& run) override { return recover_(run); }
  uint64_t StateKey(absl::Span<const CrashMark> marks) const override {
    return key ? key(marks) : CrashProgram::StateKey(marks);
  }

  std::function<uint64_t(absl::Span<const CrashMark>)> key;

 private:
  const Function run_;
  const Function recover_;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_TOY_PROGRAMS_H_
