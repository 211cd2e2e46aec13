#include "fuzz/engine/misuse_faults.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {
namespace {

// "#" stands for the argument. Nothing that would give wrong bytes and pass
// for right: of logs a reader cannot tell a flipped bit from a torn tail.
constexpr std::string_view kWhats[][2] = {
    {"write", "eio"},       {"write", "enospc"},
    {"sync", "eio"},        {"sync", "fails-keeps-new"},
    {"write", "short:#"},   {"write", "torn:#"},
    {"write", "done-eio"},  {"sync", "fails-reverts"},
    {"sync", "fails-late"}, {"sync", "enospc"},
    {"sync", "done-eio"},   {"create", "eio"},
    {"create", "enospc"},   {"create", "emfile"},
    {"create", "eacces"},   {"create", "done-eio"},
    {"open", "eio"},        {"open", "emfile"},
    {"open", "eacces"},     {"read", "eio"},
    {"read", "eintr"},      {"rename", "eio"},
    {"rename", "enospc"},   {"rename", "done-eio"},
    {"remove", "eio"},      {"remove", "done-eio"},
    {"syncdir", "eio"},     {"syncdir", "fails-keeps-new"},
    {"syncdir", "enospc"},  {"syncdir", "fails-late"},
    {"list", "eio"},        {"stat", "eio"},
    {"mkdir", "eio"},       {"mkdir", "enospc"},
    {"rmdir", "eio"},       {"lock", "eio"},
    {"lock", "emfile"},     {"id", "eio"},
    {"close", "eio"},       {"prepare", "enospc"},
    {"*", "eio"},           {"*", "enospc"},
    {"*", "done-eio"},      {"read", "flip:#"},
};
static_assert(std::size(kWhats) == kFaultKinds);
constexpr std::string_view kPaths[] = {"*",         "*.wal", "*.sst",
                                       "MANIFEST*", "*.tmp", "CURRENT",
                                       "LOCK",      "/a*",   "/b*"};

std::string TakeRule(OpReader* reader) {
  const auto& [op, effect] = kWhats[reader->Below(kFaultKinds)];
  std::string_view path = kPaths[reader->Below(std::size(kPaths))];
  const int first = reader->Below(24) + 1;
  const int times = reader->Below(8);
  const uint32_t argument = reader->Wide();
  std::string text(effect);
  if (text.back() == '#') {
    text.pop_back();
    absl::StrAppend(&text, argument);
  }
  // Tables alone are under a checksum at every byte.
  if (effect == "flip:#") path = "*.sst";
  return absl::StrCat(op, " ", path, " @", first,
                      times == 7   ? "+"
                      : times == 0 ? ""
                                   : absl::StrCat("x", times),
                      " ", text);
}

bool HasEffect(const FaultPlan& plan, Fault::Effect effect) {
  return std::any_of(
      plan.faults.begin(), plan.faults.end(),
      [&](const Fault& fault) { return fault.effect == effect; });
}

// A value out of [smallest, largest].
template <typename T>
void Leave(T smallest, T largest, bool above, T* value) {
  *value = above ? largest + 1 : smallest - 1;
}

}  // namespace

FaultPlan TakeFaultPlan(OpReader* reader) {
  std::string text = TakeRule(reader);
  if (reader->HasOperand()) absl::StrAppend(&text, "; ", TakeRule(reader));
  absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
  HF_CHECK(plan.ok());
  return *std::move(plan);
}

bool FlipsReads(const FaultPlan& plan) {
  return HasEffect(plan, Fault::Effect::kFlip);
}

bool FailsLate(const FaultPlan& plan) {
  return HasEffect(plan, Fault::Effect::kSyncFailsLate);
}

bool LosesCache(const FaultPlan& plan) {
  return FailsLate(plan) || HasEffect(plan, Fault::Effect::kSyncFailsReverts);
}

std::string_view Spoil(uint8_t field, bool above, Options* options) {
  constexpr size_t kKiB = 1024;
  constexpr size_t kGiB = size_t{1} << 30;
  constexpr size_t kTiB = size_t{1} << 40;
  Options& o = *options;
  switch (field) {
    case 0:
      Leave(64 * kKiB, 4 * kGiB, above, &o.memtable_bytes);
      return "memtable_bytes";
    case 1:
      Leave(2, 16, above, &o.max_memtables);
      return "max_memtables";
    case 2:
      Leave(size_t{256}, size_t{4} << 20, above, &o.block_bytes);
      return "block_bytes";
    case 3:
      Leave(1, 1024, above, &o.block_restart_interval);
      return "block_restart_interval";
    case 4:
      o.block_cache_bytes =
          above ? kTiB + 1 : std::numeric_limits<size_t>::max();
      return "block_cache_bytes";
    case 5:
      o.compression = static_cast<Compression>(above ? 3 : 255);
      return "compression";
    case 6:
      Leave(0, 32, above, &o.bloom_bits_per_key);
      return "bloom_bits_per_key";
    case 7:
      Leave(1, 64, above, &o.background_threads);
      return "background_threads";
    case 8:
      Leave(16, 1'000'000, above, &o.max_open_tables);
      return "max_open_tables";
    case 9:
      Leave(64 * kKiB, 4 * kGiB, above, &o.table_bytes);
      return "table_bytes";
    case 10:
      Leave(1, 1000, above, &o.level0_compaction_trigger);
      return "level0_compaction_trigger";
    case 11:
      Leave(o.level0_compaction_trigger, 1000, above,
            &o.level0_slowdown_trigger);
      return "level0_slowdown_trigger";
    case 12:
      Leave(o.level0_slowdown_trigger, 1000, above, &o.level0_stop_trigger);
      return "level0_stop_trigger";
    case 13:
      Leave(uint64_t{64} * kKiB, uint64_t{kTiB}, above, &o.level1_bytes);
      return "level1_bytes";
    case 14:
      Leave(2, 100, above, &o.level_size_multiplier);
      return "level_size_multiplier";
    case 15:
      Leave(uint64_t{4} * kKiB, uint64_t{kGiB}, above, &o.manifest_roll_bytes);
      return "manifest_roll_bytes";
    default:
      HF_CHECK(false);
      return "";
  }
}

}  // namespace holdfast
