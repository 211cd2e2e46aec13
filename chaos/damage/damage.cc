#include "chaos/damage/damage.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace holdfast {
namespace {

using Outcome = DamageVerdict::Outcome;
using Kind = DamageStep::Kind;

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string KindOf(const Damage& damage) {
  const std::string name(DamageKindName(damage.steps.back().kind));
  return damage.steps.size() == 1 ? name : absl::StrCat("torn tail + ", name);
}

class Run {
 public:
  explicit Run(const DamageOptions& options)
      : options_(options), begin_(Seconds()) {}

  DamageReport All() {
    const std::vector<std::string>& names =
        options_.goldens.empty() ? GoldenNames() : options_.goldens;
    for (const std::string& name : names) {
      if (Enough()) break;
      const Golden& golden = goldens_.Get(name);
      Prepare(golden);
      ForEachDamage(
          golden, options_.tier, &goldens_, [&](const Damage& damage) {
            if (number_++ % options_.shards == options_.shard && !Enough()) {
              TryOne(golden, damage);
            }
          });
    }
    return Finish();
  }

  DamageReport Replay() {
    const size_t space = options_.replay.find(' ');
    HF_CHECK(space != std::string::npos);
    const Golden& golden = goldens_.Get(options_.replay.substr(0, space));
    const absl::StatusOr<Damage> damage =
        Damage::Parse(options_.replay.substr(space + 1));
    Prepare(golden);
    if (damage.ok()) {
      everything_ = true;
      TryOne(golden, *damage);
    } else {
      report_.failures.push_back(
          {std::string(damage.status().message()), options_.replay});
    }
    return Finish();
  }

 private:
  bool Enough() {
    if (report_.failures.size() >= options_.max_failures ||
        (options_.max_seconds > 0 &&
         Seconds() - begin_ > options_.max_seconds)) {
      report_.complete = false;
    }
    return !report_.complete;
  }

  // How much work an undamaged database is. Damage may cost some more, such as
  // a second look at a file, but no multiple of it.
  void Prepare(const Golden& golden) {
    JudgeDamageOptions all;
    all.reopen = true;
    all.compact = true;
    most_calls_ = 4 * CallsOf(golden, all) + 100;
  }

  void TryOne(const Golden& golden, const Damage& damage) {
    const std::string replay = absl::StrCat(golden.name, " ", damage.Text());
    const absl::StatusOr<ChangedFiles> changed =
        Apply(golden, damage, &goldens_);
    if (!changed.ok()) {
      report_.failures.push_back(
          {std::string(changed.status().message()), replay});
      return;
    }
    if (changed->empty()) return;
    if (options_.announce) options_.announce(replay);
    JudgeDamageOptions judging;
    judging.open = options_.open;
    judging.most_calls = most_calls_;
    judging.reopen = everything_ || tried_ % options_.reopen_one_in == 0;
    judging.compact = everything_ || tried_ % options_.compact_one_in == 1;
    judging.create_if_missing = damage.steps.back().kind == Kind::kRemove;
    ++tried_;
    Count(golden, damage, JudgeDamage(golden, *changed, judging), replay);
  }

  void Count(const Golden& golden, const Damage& damage, DamageVerdict verdict,
             const std::string& replay) {
    ++report_.damages;
    ++report_.by_kind[KindOf(damage)];
    ++report_.by_golden[golden.name];
    if (!verdict.failure.empty()) {
      report_.failures.push_back({std::move(verdict.failure), replay});
      return;
    }
    ++report_.by_outcome[std::string(OutcomeName(verdict.outcome))];
    if (verdict.outcome == Outcome::kUnproven) {
      ++report_.unproven_by_kind[KindOf(damage)];
    }
  }

  DamageReport Finish() {
    report_.seconds = Seconds() - begin_;
    return std::move(report_);
  }

  const DamageOptions& options_;
  const double begin_;
  Goldens goldens_;
  DamageReport report_;
  uint64_t most_calls_ = 0;
  uint64_t number_ = 0;
  uint64_t tried_ = 0;
  bool everything_ = false;
};

void AppendCounts(std::string* out, std::string_view title,
                  const std::map<std::string, uint64_t>& counts) {
  absl::StrAppend(out, title, "\n");
  for (const auto& [name, count] : counts) {
    absl::StrAppend(out, absl::StrFormat("  %9d  %s\n", count, name));
  }
}

}  // namespace

DamageOptions ThoroughDamage() {
  DamageOptions options;
  options.tier.every_bit_up_to = uint64_t{16} << 10;
  options.tier.byte_step = 7;
  options.tier.pairs_up_to = 64;
  options.reopen_one_in = 2;
  options.compact_one_in = 2;
  return options;
}

std::string DamageReport::Text() const {
  std::string text;
  for (const DamageFailure& failure : failures) {
    absl::StrAppend(&text, "FAILED: ", failure.why,
                    "\n  replay: bazel run //chaos/damage -- '", failure.replay,
                    "'\n");
  }
  absl::StrAppend(&text, damages, " damages in ",
                  absl::StrFormat("%.1f", seconds), " s",
                  complete ? "" : " (ended early)", "\n");
  AppendCounts(&text, "by kind:", by_kind);
  AppendCounts(&text, "by golden database:", by_golden);
  AppendCounts(&text, "by outcome:", by_outcome);
  AppendCounts(
      &text, "durable writes lost without a proof, by kind:", unproven_by_kind);
  return text;
}

DamageReport RunDamage(const DamageOptions& options) {
  Run run(options);
  return options.replay.empty() ? run.All() : run.Replay();
}

}  // namespace holdfast
