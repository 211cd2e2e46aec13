// kvd stats: the shape of a database and its counters.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "kvd/columns.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

using Numbers = std::vector<std::pair<const char*, uint64_t>>;

Numbers SizesOf(const DbStats& stats) {
  return {{"last_sequence", stats.last_sequence},
          {"memtables", stats.memtables},
          {"memtable_bytes", stats.memtable_bytes},
          {"wal_files", stats.wal_files},
          {"wal_bytes", stats.wal_bytes},
          {"snapshots", stats.snapshots},
          {"block_cache_bytes", stats.block_cache_bytes},
          {"open_tables", stats.open_tables}};
}

Numbers CountersOf(const DbStats& stats) {
  return {
      {"writes_total", stats.writes_total},
      {"write_keys_total", stats.write_keys_total},
      {"write_bytes_total", stats.write_bytes_total},
      {"wal_bytes_total", stats.wal_bytes_total},
      {"wal_syncs_total", stats.wal_syncs_total},
      {"reads_total", stats.reads_total},
      {"block_cache_hits_total", stats.block_cache_hits_total},
      {"block_cache_misses_total", stats.block_cache_misses_total},
      {"filter_skips_total", stats.filter_skips_total},
      {"flushes_total", stats.flushes_total},
      {"flush_bytes_total", stats.flush_bytes_total},
      {"compactions_total", stats.compactions_total},
      {"moves_total", stats.moves_total},
      {"compaction_read_bytes_total", stats.compaction_read_bytes_total},
      {"compaction_write_bytes_total", stats.compaction_write_bytes_total},
      {"stall_delays_total", stats.stall_delays_total},
      {"stall_stops_total", stats.stall_stops_total},
      {"stall_micros_total", stats.stall_micros_total},
  };
}

std::string LevelTable(const DbStats& stats) {
  std::vector<std::vector<std::string>> rows = {
      {"level", "tables", "entries", "tombstones", "bytes"}};
  LevelStats all;
  const auto add = [&rows](std::string name, const LevelStats& level) {
    rows.push_back({std::move(name), FormatCount(level.tables),
                    FormatCount(level.entries), FormatCount(level.tombstones),
                    FormatCount(level.bytes)});
  };
  uint64_t empty_levels = 0;  // Below the deepest that holds something.
  for (const LevelStats& level : stats.levels) {
    empty_levels = level.tables == 0 ? empty_levels + 1 : 0;
  }
  for (const LevelStats& level : stats.levels) {
    const bool is_above = rows.size() + empty_levels <= stats.levels.size();
    if (is_above) add(absl::StrCat(level.level), level);
    all.tables += level.tables;
    all.entries += level.entries;
    all.tombstones += level.tombstones;
    all.bytes += level.bytes;
  }
  add("all", all);
  return FormatColumns({Align::kRight, Align::kRight, Align::kRight,
                        Align::kRight, Align::kRight},
                       rows);
}

std::string NumberTable(std::string_view head, const Numbers& numbers,
                        bool with_zeros) {
  std::vector<std::vector<std::string>> rows = {{std::string(head), ""}};
  for (const auto& [name, number] : numbers) {
    if (number != 0 || with_zeros) rows.push_back({name, FormatCount(number)});
  }
  if (rows.size() == 1) return "";
  return FormatColumns({Align::kLeft, Align::kRight}, rows);
}

std::string ForPeople(const DbStats& stats, const DbHealth& health) {
  const std::string counters = NumberTable(
      "since it was opened", CountersOf(stats), /*with_zeros=*/false);
  return absl::StrCat(
      "health: ", HealthStateName(health.state),
      health.cause.ok() ? "" : absl::StrCat(" (", health.cause.message(), ")"),
      "\n\n", LevelTable(stats), "\n",
      NumberTable("now", SizesOf(stats), /*with_zeros=*/true),
      counters.empty() ? "" : absl::StrCat("\n", counters),
      stats.stall_reason.empty()
          ? ""
          : absl::StrCat("\nwrites are slowed: ", stats.stall_reason, "\n"));
}

Json ForMachines(const DbStats& stats, const DbHealth& health) {
  Json object = {{"health", HealthStateName(health.state)},
                 {"cause", std::string(health.cause.message())},
                 {"levels", Json::array()}};
  for (const LevelStats& level : stats.levels) {
    object["levels"].push_back({{"level", level.level},
                                {"tables", level.tables},
                                {"entries", level.entries},
                                {"tombstones", level.tombstones},
                                {"bytes", level.bytes}});
  }
  for (const Numbers& numbers : {SizesOf(stats), CountersOf(stats)}) {
    for (const auto& [name, number] : numbers) object[name] = number;
  }
  object["stall_reason"] = stats.stall_reason;
  return object;
}

class StatsCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "stats",
        .summary = "Shows the levels of a database and its counters.",
        .examples =
            "kvd stats /tmp/db\n"
            "kvd stats /tmp/db --json\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override { AddDatabase(app, &database_); }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    // Compactions would change the picture while it is taken.
    database_.options.disable_auto_compaction = true;
    return WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          const DbStats stats = db.Stats();
          const DbHealth health = db.Health();
          HF_RETURN_IF_ERROR(session.out.Write(
              json() ? WriteJson(ForMachines(stats, health)) + "\n"
                     : ForPeople(stats, health)));
          return ExitCode::kDone;
        });
  }

 private:
  DatabaseOptions database_;
};

}  // namespace

std::unique_ptr<Command> NewStatsCommand() {
  return std::make_unique<StatsCommand>();
}

}  // namespace holdfast::kvd
