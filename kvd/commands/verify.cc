// kvd verify: is every byte what was written?

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/inspect.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class VerifyCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "verify",
        .summary = "Reads and checks every file; exit code 1 for damage.",
        .examples =
            "kvd verify /tmp/db\n"
            "kvd verify /tmp/db --json\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override { AddDatabase(app, &database_); }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    // Recovers first, as any opening does; then all is in tables or logs that
    // are checked. A compaction could trip over the damage that we look for.
    database_.options.disable_auto_compaction = true;
    uint64_t tables = 0;
    uint64_t entries = 0;
    const absl::StatusOr<ExitCode> code = WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          for (const LevelStats& level : db.Stats().levels) {
            tables += level.tables;
            entries += level.entries;
          }
          HF_RETURN_IF_ERROR(db.VerifyChecksums());
          return ExitCode::kDone;
        });
    if (!code.ok() && !absl::IsDataLoss(code.status())) return code.status();
    std::vector<std::string> damage;
    if (!code.ok()) {
      // The engine stops at the first; look at the other tables as well.
      damage = FindDamage(session.env.file_system(), database_.path);
      const std::string first(code.status().message());
      if (std::find(damage.begin(), damage.end(), first) == damage.end()) {
        damage.insert(damage.begin(), first);
      }
    }
    HF_RETURN_IF_ERROR(session.out.Write(Answer(tables, entries, damage)));
    return damage.empty() ? ExitCode::kDone : ExitCode::kNegative;
  }

 private:
  std::string Answer(uint64_t tables, uint64_t entries,
                     const std::vector<std::string>& damage) const {
    if (json()) {
      return WriteJson({{"ok", damage.empty()},
                        {"tables", tables},
                        {"entries", entries},
                        {"damage", damage}}) +
             "\n";
    }
    if (damage.empty()) {
      return absl::StrCat("ok: ", FormatCount(tables), " tables, ",
                          FormatCount(entries), " entries\n");
    }
    std::string answer;
    for (const std::string& line : damage) {
      absl::StrAppend(&answer, "damage: ", line, "\n");
    }
    return answer;
  }

  DatabaseOptions database_;
};

}  // namespace

std::unique_ptr<Command> NewVerifyCommand() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace holdfast::kvd
