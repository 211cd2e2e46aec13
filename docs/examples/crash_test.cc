#include <iostream>
#include <string>

#include "holdfast/testing/crash_explorer.h"

using namespace holdfast;

// Replaces /app.conf: after a crash a reader finds the old text or the new one,
// and once this returned OK, the new one.
absl::Status Save(FileSystem& fs, std::string_view text, bool sync_directory) {
  auto file = fs.CreateFile("/app.conf.new");
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->Write(0, text);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = fs.RenameFile("/app.conf.new", "/app.conf");
  if (status.ok() && sync_directory) status = fs.SyncDirectory("/");
  return status;
}

struct SaveTest : CrashProgram {
  explicit SaveTest(bool sync) : sync_directory(sync) {}
  const bool sync_directory;

  absl::Status Prepare(SimEnv& env) override {
    return Save(env.file_system(), "old", true);
  }
  absl::Status Run(CrashRun& run) override {
    absl::Status status = Save(run.env().file_system(), "new", sync_directory);
    if (status.ok()) run.Mark("saved");
    return status;
  }
  absl::Status Recover(CrashRun& run) override {
    auto file = run.env().file_system().OpenFile("/app.conf");
    if (!file.ok()) return file.status();
    char buffer[16];
    std::string_view text;
    absl::Status status = (*file)->Read(0, sizeof(buffer), buffer, &text);
    if (!status.ok() || text == "new") return status;
    if (text == "old" && run.marks().empty()) return absl::OkStatus();
    return absl::DataLossError("/app.conf is \"" + std::string(text) + "\"");
  }
};

int main() {
  for (const bool sync_directory : {false, true}) {
    SaveTest test(sync_directory);
    std::cout << ExploreCrashes(&test, {}).Text() << "\n";
  }
}
