#include "chaos/explorer/toy_programs.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_util.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

constexpr std::string_view kConfig = "/app.conf";
constexpr std::string_view kNewConfig = "/app.conf.new";
constexpr uint64_t kVersions = 2;  // Saved by Run.

// Longer than a sector, so that it can be torn.
std::string ConfigText(uint64_t version) {
  return absl::StrCat("version ", version, "\n", std::string(520, '#'),
                      "\nend of ", version, "\n");
}

uint64_t LastMark(const CrashRun& run) {
  return run.marks().empty() ? 0 : run.marks().back().value;
}

absl::Status RemoveIfThere(FileSystem& fs, std::string_view path) {
  HF_ASSIGN_OR_RETURN(const bool there, fs.FileExists(path));
  return there ? fs.RemoveFile(path) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadToy(FileSystem& fs, std::string_view path) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      fs.OpenFile(path));
  HF_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string content(size, '\0');
  std::string_view got;
  HF_RETURN_IF_ERROR(file->Read(0, size, content.data(), &got));
  return std::string(got);
}

absl::Status WriteToy(FileSystem& fs, std::string_view path,
                      std::string_view content, bool sync) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.CreateFile(path));
  HF_RETURN_IF_ERROR(file->Write(0, content));
  if (sync) HF_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status ConfigProgram::Save(FileSystem& fs, uint64_t version) {
  const std::string text = ConfigText(version);
  if (!steps_.rename) {
    HF_RETURN_IF_ERROR(fs.RemoveFile(kConfig));
    HF_RETURN_IF_ERROR(WriteToy(fs, kConfig, text, steps_.sync_file));
  } else {
    if (steps_.remove_leftover) {
      HF_RETURN_IF_ERROR(RemoveIfThere(fs, kNewConfig));
    }
    HF_RETURN_IF_ERROR(WriteToy(fs, kNewConfig, text, steps_.sync_file));
    HF_RETURN_IF_ERROR(fs.RenameFile(kNewConfig, kConfig));
  }
  return steps_.sync_directory ? fs.SyncDirectory("/") : absl::OkStatus();
}

absl::Status ConfigProgram::Prepare(SimEnv& env) {
  return WriteToy(env.file_system(), kConfig, ConfigText(0));
}

absl::Status ConfigProgram::Run(CrashRun& run) {
  for (uint64_t version = 1; version <= kVersions; ++version) {
    HF_RETURN_IF_ERROR(Save(run.env().file_system(), version));
    run.Mark(absl::StrCat("saved version ", version), version);
  }
  return absl::OkStatus();
}

absl::Status ConfigProgram::Recover(CrashRun& run) {
  FileSystem& fs = run.env().file_system();
  if (steps_.sync_before_showing) {
    HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
  }
  HF_ASSIGN_OR_RETURN(const std::string text, ReadToy(fs, kConfig));
  uint64_t version = LastMark(run);
  while (version <= kVersions + 1 && text != ConfigText(version)) ++version;
  if (version > kVersions + 1) {
    return absl::InternalError(
        absl::StrCat("/app.conf is not version ", LastMark(run), " or later"));
  }
  run.Mark(absl::StrCat("showed version ", version), version);
  HF_RETURN_IF_ERROR(Save(fs, kVersions + 1));
  run.Mark("saved the last version", kVersions + 1);
  return absl::OkStatus();
}

// A record: length, checksum or nothing, payload.
std::string LogProgram::Record(uint64_t number) const {
  const std::string payload(600 + number, static_cast<char>('a' + number));
  std::string record;
  PutFixed32(&record, static_cast<uint32_t>(payload.size()));
  if (checksums_) PutFixed32(&record, Checksum32(payload, number));
  return record + payload;
}

absl::Status LogProgram::Run(CrashRun& run) {
  FileSystem& fs = run.env().file_system();
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> log, fs.CreateFile("/log"));
  HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
  uint64_t offset = 0;
  for (uint64_t number = 0; number < 3; ++number) {
    const std::string record = Record(number);
    HF_RETURN_IF_ERROR(log->Write(offset, record));
    HF_RETURN_IF_ERROR(log->Sync());
    offset += record.size();
    run.Mark(absl::StrCat("appended record ", number), number + 1);
  }
  return log->Close();
}

absl::Status LogProgram::Recover(CrashRun& run) {
  absl::StatusOr<std::string> log = ReadToy(run.env().file_system(), "/log");
  if (!log.ok() && !absl::IsNotFound(log.status())) return log.status();
  const std::string bytes = log.ok() ? *log : "";
  const size_t header = checksums_ ? 8 : 4;
  size_t at = 0;
  uint64_t number = 0;
  for (;; ++number) {
    if (bytes.size() - at < header) break;
    const size_t length = DecodeFixed32(bytes.data() + at);
    if (length == 0 || length > bytes.size() - at - header) break;
    const std::string_view payload(bytes.data() + at + header, length);
    if (checksums_ &&
        DecodeFixed32(bytes.data() + at + 4) != Checksum32(payload, number)) {
      break;
    }
    if (bytes.substr(at, header + length) != Record(number)) {
      return absl::InternalError(
          absl::StrCat("record ", number, " was never written"));
    }
    at += header + length;
  }
  if (number < LastMark(run)) {
    return absl::InternalError(absl::StrCat("record ", number, " is lost"));
  }
  return absl::OkStatus();
}

absl::Status TiresProgram::Run(CrashRun& run) {
  return WriteToy(run.env().file_system(), "/data", "x");
}

absl::Status TiresProgram::Recover(CrashRun& run) {
  FileSystem& fs = run.env().file_system();
  HF_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.ListDirectory("/"));
  std::erase_if(names, [](const std::string& name) {
    return name.compare(0, 3, "try") != 0;
  });
  if (names.size() >= attempts_) return absl::InternalError("too tired");
  const std::string name = absl::StrCat("/try", names.size());
  HF_RETURN_IF_ERROR(WriteToy(fs, name, ""));
  HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
  for (const std::string& old : names) {
    HF_RETURN_IF_ERROR(fs.RemoveFile(absl::StrCat("/", old)));
  }
  HF_RETURN_IF_ERROR(fs.RemoveFile(name));
  return fs.SyncDirectory("/");
}

}  // namespace holdfast
