#include "chaos/mutants/harnesses.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace holdfast {
namespace {

// "crash": of the reference workloads; "damage": of golden databases. Each a
// part of what its own test does.
constexpr std::string_view kExplorers[] = {"crash", "damage"};

// Tests of rooms and of the whole, the quick ones first. The BUILD file has the
// same list, as what must be built.
constexpr std::string_view kTests[] = {
    "//engine/version:version_builder_test",
    "//env:file_util_test",
    "//kvd:text_test",
    "//engine/db:error_state_test",
    "//engine/format:current_file_test",
    "//engine/db:close_test",
    "//engine/format:table_layout_test",
    "//engine/version:obsolete_files_test",
    "//engine/db:write_stall_test",
    "//engine/format:file_names_test",
    "//engine/db:destroy_test",
    "//engine/format:internal_key_test",
    "//engine/db:read_view_test",
    "//engine/db:reader_test",
    "//engine/compaction:leveled_policy_test",
    "//engine/db:wal_chain_test",
    "//engine/format:version_edit_test",
    "//engine/format:log_frame_test",
    "//engine/table:compression_test",
    "//engine/db:snapshot_list_test",
    "//engine/db:dead_spans_test",
    "//engine/version:version_test",
    "//engine/db:lifecycle_test",
    "//engine/db:failed_open_test",
    "//engine/db:table_identity_test",
    "//engine/db:full_disk_test",
    "//engine/compaction:merge_rules_test",
    "//engine/format:golden_page_test",
    "//engine/db:resume_test",
    "//engine/table:table_cache_test",
    "//engine/db:user_iterator_test",
    "//engine/db:background_test",
    "//engine/compaction:compaction_job_test",
    "//engine/db:verify_test",
    "//engine/table:table_builder_test",
    "//engine/table:filter_test",
    "//engine/db:sealed_log_test",
    "//engine/db:commit_pipeline_test",
    "//engine/table:block_test",
    "//engine/version:version_set_test",
    "//engine/iter:merging_iterator_test",
    "//engine/wal:log_writer_test",
    "//tests:snapshot_test",
    "//tests:iterator_test",
    "//tests:batch_test",
    "//engine/format:write_batch_test",
    "//engine/wal:log_reader_test",
    "//engine/table:table_reader_test",
    "//engine/db:recovery_test",
    "//engine/table:table_damage_test",
    "//tests:open_test",
    "//chaos/history_bugs:history_bugs_test",
    "//tests:concurrency_test",
    "//tests:options_test",
    "//engine/db:crash_loop_test",
    "//tests:model_test",
    "//tests:fault_test",
    "//chaos/faults:fault_sweep_test",
};

// Those of the whole that explore and count states.
Harness Explorer(std::string_view name) {
  Harness harness;
  harness.name = std::string(name);
  harness.path = absl::StrCat("chaos/mutants/", name, "_harness");
  return harness;
}

// One in so many failing calls of the reference workloads.
Harness FaultHarness() {
  Harness harness;
  harness.name = "faults";
  harness.path = "chaos/faults/run_faults";
  harness.words = {"--thin"};
  return harness;
}

Harness TestHarness(std::string_view label) {
  Harness harness;
  harness.name = std::string(label);
  harness.path =
      absl::StrReplaceAll(absl::StripPrefix(label, "//"), {{":", "/"}});
  harness.words = {"--gtest_fail_fast", "--gtest_brief=1"};
  harness.is_test = true;
  return harness;
}

}  // namespace

const std::vector<Harness>& AllHarnesses() {
  static const auto& harnesses = *[] {
    auto* all = new std::vector<Harness>;
    for (const std::string_view name : kExplorers) {
      all->push_back(Explorer(name));
    }
    all->push_back(FaultHarness());
    for (const std::string_view label : kTests) {
      all->push_back(TestHarness(label));
    }
    return all;
  }();
  return harnesses;
}

const Harness* FindHarness(std::string_view name) {
  for (const Harness& harness : AllHarnesses()) {
    if (harness.name == name) return &harness;
  }
  return nullptr;
}

}  // namespace holdfast
