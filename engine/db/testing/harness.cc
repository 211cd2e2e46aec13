#include "engine/db/testing/harness.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"
#include "base/status_util.h"
#include "engine/db/db_impl.h"
#include "engine/format/file_names.h"
#include "engine/version/manifest.h"

namespace holdfast {

Options TinyOptions() {
  Options options;
  options.create_if_missing = true;
  options.memtable_bytes = size_t{64} << 10;
  options.max_memtables = 2;
  options.block_bytes = 256;
  options.block_cache_bytes = 0;
  options.table_bytes = size_t{64} << 10;
  options.level0_compaction_trigger = 2;
  options.level0_slowdown_trigger = 4;
  options.level0_stop_trigger = 6;
  options.level1_bytes = size_t{64} << 10;
  options.level_size_multiplier = 2;
  options.manifest_roll_bytes = size_t{4} << 10;
  return options;
}

Options QuietOptions() {
  Options options = TinyOptions();
  options.disable_auto_compaction = true;
  return options;
}

absl::StatusOr<std::unique_ptr<DB>> OpenDb(ManualEnv* env,
                                           const Options& options) {
  return DbImpl::Open(options, env, nullptr, kDbDir);
}

absl::StatusOr<Contents> ReadAll(DB& db, const ReadOptions& options) {
  const std::unique_ptr<Iterator> it = db.NewIterator(options);
  Contents forward;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    forward.emplace(it->key(), it->value());
  }
  HF_RETURN_IF_ERROR(it->status());
  Contents backward;
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    backward.emplace(it->key(), it->value());
  }
  HF_RETURN_IF_ERROR(it->status());
  if (forward != backward) return absl::InternalError("backward differs");
  for (const auto& [key, value] : forward) {
    HF_ASSIGN_OR_RETURN(const std::string got, db.Get(options, key));
    if (got != value) return absl::InternalError(absl::StrCat("Get ", key));
  }
  return forward;
}

std::string BigValue(std::string_view tag, size_t bytes) {
  Random random(std::hash<std::string_view>()(tag));
  std::string value(tag);
  while (value.size() < bytes) {
    value.push_back(static_cast<char>(random.Next64()));
  }
  return value;
}

std::string WrongFiles(CrashFileSystem& fs, std::string_view dir) {
  const absl::StatusOr<CurrentFile> current = ReadCurrent(&fs, dir);
  if (!current.ok()) return current.status().ToString();
  const absl::StatusOr<ManifestState> state = ReadManifest(&fs, dir, *current);
  if (!state.ok()) return state.status().ToString();
  std::set<std::string> needed = {
      CurrentFileName(dir), LockFileName(dir),
      ManifestFileName(dir, current->manifest_number),
      WalFileName(dir, state->log_number)};
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : state->version->files(level)) {
      needed.insert(TableFileName(dir, file->number));
    }
  }
  std::set<std::string> found;
  for (const std::string& name : fs.Names(std::string(dir))) {
    found.insert(JoinPath(dir, name));
  }
  if (found == needed) return "";
  return absl::StrCat("found ", absl::StrJoin(found, " "), "; needed ",
                      absl::StrJoin(needed, " "));
}

absl::StatusOr<Contents> ContentsAfterCrash(const DiskImage& image,
                                            const Options& options) {
  ManualEnv env(image);
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<DB> db, OpenDb(&env, options));
  const std::string wrong = WrongFiles(env.fs);
  if (!wrong.empty()) return absl::InternalError(wrong);
  return ReadAll(*db);
}

absl::StatusOr<Contents> DurableContents(const CrashFileSystem& fs) {
  return ContentsAfterCrash(
      fs.Crash({[](const std::string&) { return Keep::kOld; },
                [](const std::string&) { return false; }}));
}

FsHook FailNth(int n, std::function<bool(const FsCall&)> matches,
               absl::Status error, bool for_ever) {
  return [n, matches = std::move(matches), error = std::move(error), for_ever,
          seen = 0](const FsCall& call) mutable -> absl::Status {
    if (!matches(call)) return absl::OkStatus();
    const int index = seen++;
    return index == n || (for_ever && index > n) ? error : absl::OkStatus();
  };
}

std::function<bool(const FsCall&)> Calls(std::string op,
                                         std::string path_part) {
  return [op = std::move(op), part = std::move(path_part)](const FsCall& call) {
    return (op.empty() || call.op == op) &&
           call.path.find(part) != std::string::npos;
  };
}

}  // namespace holdfast
