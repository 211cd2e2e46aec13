// kvd dump-manifest: the changes to the set of tables, edit by edit.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/version_edit.h"
#include "engine/version/manifest.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/exit_code.h"
#include "kvd/inspect.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class DumpManifestCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "dump-manifest",
        .summary = "Shows a manifest: every change to the set of tables.",
        .examples =
            "kvd dump-manifest /tmp/db\n"
            "kvd dump-manifest /tmp/db/MANIFEST-000005 --json\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddWord(app, "FILE", "The manifest, or a database: the one in force",
            &path_);
    AddOptionalArgument(app, "NUMBER",
                        "The number of a manifest of the database", &number_);
  }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    FileSystem& file_system = session.env.file_system();
    HF_ASSIGN_OR_RETURN(
        const std::string path,
        FindFile(file_system, FileKind::kManifest, path_, number_));
    HF_RETURN_IF_ERROR(
        session.out.Write(json() ? WriteJson({{"manifest", path}}) + "\n"
                                 : absl::StrCat("# manifest ", path, "\n")));
    HF_RETURN_IF_ERROR(ExplainLogError(
        ForEachEdit(&file_system, path,
                    [&](uint64_t offset, const VersionEdit& edit) {
                      return session.out.Write(json() ? EditJson(offset, edit)
                                                      : EditText(offset, edit));
                    }),
        path));
    return ExitCode::kDone;
  }

 private:
  std::string EditText(uint64_t offset, const VersionEdit& edit) const {
    std::string text = absl::StrCat("offset ", offset, ":");
    const auto add = [&text](const char* name, uint64_t value) {
      absl::StrAppend(&text, " ", name, " ", value);
    };
    if (edit.db_id.has_value()) {
      absl::StrAppend(&text, " db_id ", FormatIdentity(*edit.db_id));
    }
    if (edit.log_number.has_value()) add("log", *edit.log_number);
    if (edit.next_file_number.has_value()) {
      add("next_file", *edit.next_file_number);
    }
    if (edit.last_sequence.has_value()) {
      add("last_sequence", *edit.last_sequence);
    }
    if (edit.sealed_log.has_value()) {
      add("sealed_log", edit.sealed_log->number);
      add("of_bytes", edit.sealed_log->bytes);
    }
    text.push_back('\n');
    for (const auto& [level, number] : edit.removed) {
      absl::StrAppend(&text, "  - level ", level, " table ", number, "\n");
    }
    for (const TableRecord& table : edit.added) {
      absl::StrAppend(&text, "  + level ", table.level, " table ", table.number,
                      ": ", FormatCount(table.bytes), " bytes, ",
                      FormatCount(table.entries), " entries, ",
                      FormatInternalKey(notation(), table.smallest), " .. ",
                      FormatInternalKey(notation(), table.largest), "\n");
    }
    return text;
  }

  std::string EditJson(uint64_t offset, const VersionEdit& edit) const {
    Json object = {{"offset", offset}};
    if (edit.db_id.has_value()) object["db_id"] = FormatIdentity(*edit.db_id);
    if (edit.log_number.has_value()) object["log"] = *edit.log_number;
    if (edit.next_file_number.has_value()) {
      object["next_file"] = *edit.next_file_number;
    }
    if (edit.last_sequence.has_value()) {
      object["last_sequence"] = *edit.last_sequence;
    }
    if (edit.sealed_log.has_value()) {
      object["sealed_log"] = {
          {"number", edit.sealed_log->number},
          {"bytes", edit.sealed_log->bytes},
          {"last_sequence", edit.sealed_log->last_sequence}};
    }
    object["removed"] = Json::array();
    for (const auto& [level, number] : edit.removed) {
      object["removed"].push_back({{"level", level}, {"number", number}});
    }
    object["added"] = Json::array();
    for (const TableRecord& table : edit.added) {
      object["added"].push_back(
          {{"level", table.level},
           {"number", table.number},
           {"bytes", table.bytes},
           {"identity", FormatIdentity(table.identity)},
           {"entries", table.entries},
           {"tombstones", table.tombstones},
           {"smallest", InternalKeyToJson(table.smallest, hex())},
           {"largest", InternalKeyToJson(table.largest, hex())},
           {"smallest_sequence", table.smallest_sequence},
           {"largest_sequence", table.largest_sequence}});
    }
    return WriteJson(object) + "\n";
  }

  std::string path_;
  std::string number_;
};

}  // namespace

std::unique_ptr<Command> NewDumpManifestCommand() {
  return std::make_unique<DumpManifestCommand>();
}

}  // namespace holdfast::kvd
