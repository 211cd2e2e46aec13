// kvd compact: rewrites a range without what was deleted or overwritten.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

struct Totals {
  uint64_t tables = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

Totals Sum(const DbStats& stats) {
  Totals totals;
  for (const LevelStats& level : stats.levels) {
    totals.tables += level.tables;
    totals.bytes += level.bytes;
    totals.entries += level.entries;
  }
  return totals;
}

std::string ForPeople(const Totals& totals) {
  return absl::StrCat(FormatCount(totals.tables), " tables with ",
                      FormatCount(totals.entries), " entries, ",
                      FormatBytes(totals.bytes));
}

Json ForMachines(const Totals& totals) {
  return {{"tables", totals.tables},
          {"entries", totals.entries},
          {"bytes", totals.bytes}};
}

class CompactCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "compact",
        .summary = "Rewrites tables without what was deleted or overwritten.",
        .examples =
            "kvd compact /tmp/db\n"
            "kvd compact /tmp/db --from city/A --to city/B\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddOptionalWord(app, "--from", "The first key (default: of all)", &from_);
    AddOptionalWord(app, "--to", "The last key (default: of all)", &to_);
    AddTuning(app, &database_);
  }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    std::optional<std::string> from;
    std::optional<std::string> to;
    if (from_.has_value()) {
      HF_ASSIGN_OR_RETURN(from, DecodeArgument("--from", *from_));
    }
    if (to_.has_value()) {
      HF_ASSIGN_OR_RETURN(to, DecodeArgument("--to", *to_));
    }
    return WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          HF_RETURN_IF_ERROR(db.Flush());
          const Totals before = Sum(db.Stats());
          const uint64_t begin_micros = session.env.clock().NowMicros();
          HF_RETURN_IF_ERROR(db.CompactRange(from, to));
          const uint64_t micros =
              session.env.clock().NowMicros() - begin_micros;
          const Totals after = Sum(db.Stats());
          Note(session, absl::StrCat("compacted in ", FormatDuration(micros),
                                     "\nbefore: ", ForPeople(before),
                                     "\nafter:  ", ForPeople(after)));
          if (!json()) return ExitCode::kDone;
          HF_RETURN_IF_ERROR(session.out.Write(
              WriteJson({{"before", ForMachines(before)},
                         {"after", ForMachines(after)},
                         {"seconds", static_cast<double>(micros) / 1e6}}) +
              "\n"));
          return ExitCode::kDone;
        });
  }

 private:
  DatabaseOptions database_;
  std::optional<std::string> from_;
  std::optional<std::string> to_;
};

}  // namespace

std::unique_ptr<Command> NewCompactCommand() {
  return std::make_unique<CompactCommand>();
}

}  // namespace holdfast::kvd
