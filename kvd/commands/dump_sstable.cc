// kvd dump-sstable: what is in a sorted table.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/iter/internal_iterator.h"
#include "engine/table/table_reader.h"
#include "holdfast/options.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/exit_code.h"
#include "kvd/inspect.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class DumpSstableCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "dump-sstable",
        .summary = "Shows a sorted table: properties and every entry.",
        .examples =
            "kvd dump-sstable /tmp/db/000012.sst\n"
            "kvd dump-sstable /tmp/db 12 --limit 0\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddWord(app, "FILE", "The table, or a database if NUMBER is given", &path_);
    AddOptionalArgument(app, "NUMBER", "The number of a table of the database",
                        &number_);
    AddCount(app, "--limit", "Show so many entries (default: all)", &limit_);
  }

  bool PollsInterrupts() const override { return true; }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    FileSystem& file_system = session.env.file_system();
    HF_ASSIGN_OR_RETURN(
        const std::string path,
        FindFile(file_system, FileKind::kTable, path_, number_));
    TableFooter footer;
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<const TableReader> table,
                        OpenClaimedTable(file_system, path, &footer));
    HF_RETURN_IF_ERROR(
        session.out.Write(Head(path, footer, table->properties())));
    const std::unique_ptr<InternalIterator> it = table->NewIterator({});
    it->SeekToFirst();
    for (uint64_t n = 0; it->Valid() && n < limit_; ++n) {
      if (session.interrupts->Requested()) return ExitCode::kInterrupted;
      HF_ASSIGN_OR_RETURN(const std::string line, Entry(path, *it));
      HF_RETURN_IF_ERROR(session.out.Write(line));
      it->Next();
    }
    HF_RETURN_IF_ERROR(it->status());
    return ExitCode::kDone;
  }

 private:
  std::string Head(const std::string& path, const TableFooter& footer,
                   const TableProperties& table) const {
    if (json()) {
      Json object = {{"table", path},
                     {"version", footer.version},
                     {"number", footer.number},
                     {"identity", FormatIdentity(footer.identity)},
                     {"entries", table.entries},
                     {"tombstones", table.tombstones},
                     {"smallest", InternalKeyToJson(table.smallest, hex())},
                     {"largest", InternalKeyToJson(table.largest, hex())},
                     {"smallest_sequence", table.smallest_sequence},
                     {"largest_sequence", table.largest_sequence},
                     {"data_blocks", table.data_blocks},
                     {"raw_key_bytes", table.raw_key_bytes},
                     {"raw_value_bytes", table.raw_value_bytes},
                     {"compression", CompressionName(table.compression)},
                     {"bloom_bits_per_key", table.bloom_bits_per_key}};
      return WriteJson(object) + "\n";
    }
    return absl::StrCat(
        "# table ", path, "\n# number ", footer.number, ", format version ",
        footer.version, ", identity ", FormatIdentity(footer.identity), "\n# ",
        FormatCount(table.entries), " entries, of these ",
        FormatCount(table.tombstones), " tombstones, in ",
        FormatCount(table.data_blocks), " blocks; compression ",
        CompressionName(table.compression), ", ", table.bloom_bits_per_key,
        " filter bits a key\n# sequence numbers ", table.smallest_sequence,
        " to ", table.largest_sequence, "\n# smallest ",
        FormatInternalKey(notation(), table.smallest), "\n# largest  ",
        FormatInternalKey(notation(), table.largest),
        "\n# sequence, change, key, value:\n");
  }

  absl::StatusOr<std::string> Entry(const std::string& path,
                                    const InternalIterator& it) const {
    ParsedInternalKey key;
    if (!ParseInternalKey(it.key(), &key)) {
      return DataLoss(path, 0, "an entry without an internal key");
    }
    return FormatChange({.sequence = key.sequence,
                         .type = key.type,
                         .key = key.user_key,
                         .value = it.value()},
                        json(), hex());
  }

  std::string path_;
  std::string number_;
  uint64_t limit_ = UINT64_MAX;
};

}  // namespace

std::unique_ptr<Command> NewDumpSstableCommand() {
  return std::make_unique<DumpSstableCommand>();
}

}  // namespace holdfast::kvd
