// A database over the crashable file system, and what the tests of this room
// ask of one.

#ifndef HOLDFAST_ENGINE_DB_TESTING_HARNESS_H_
#define HOLDFAST_ENGINE_DB_TESTING_HARNESS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/db/testing/manual_env.h"
#include "holdfast/db.h"
#include "holdfast/options.h"

namespace holdfast {

inline constexpr char kDbDir[] = "/db";

using Contents = std::map<std::string, std::string>;

// The smallest of everything: memtables and tables of 64 KiB, compactions from
// two tables on.
Options TinyOptions();

// The same without compactions.
Options QuietOptions();

absl::StatusOr<std::unique_ptr<DB>> OpenDb(
    ManualEnv* env, const Options& options = TinyOptions());

// All that an iterator shows, forward; fails when backward or Get differ.
absl::StatusOr<Contents> ReadAll(DB& db, const ReadOptions& options = {});

// The value in a test: `bytes` bytes that compression does not shrink.
std::string BigValue(std::string_view tag, size_t bytes);

// Empty, or what is wrong with the files of a database that was just opened:
// each one that the manifest needs is there, and no other.
std::string WrongFiles(CrashFileSystem& fs, std::string_view dir = kDbDir);

// What reopening a disk image gives.
absl::StatusOr<Contents> ContentsAfterCrash(
    const DiskImage& image, const Options& options = TinyOptions());

// What is left when power fails now and nothing is kept that was not durable.
absl::StatusOr<Contents> DurableContents(const CrashFileSystem& fs);

// Hooks for CrashFileSystem::before and after.
using FsHook = std::function<absl::Status(const FsCall&)>;
// Fails the n-th (from 0) call that `matches`, and with `for_ever` every later
// one.
FsHook FailNth(int n, std::function<bool(const FsCall&)> matches,
               absl::Status error = absl::InternalError("injected fault"),
               bool for_ever = false);
// Matches calls by operation and by a part of the path.
std::function<bool(const FsCall&)> Calls(std::string op,
                                         std::string path_part = "");

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_TESTING_HARNESS_H_
