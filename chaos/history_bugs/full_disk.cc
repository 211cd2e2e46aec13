// A full disk, and short writes.

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {

// Goal: nothing is appended to a manifest after an edit that was written in
// part. Method: the disk is full after each number of bytes of an edit; then
// there is space again, and the flush is tried once more; then power fails.
absl::Status RocksDb6331_NothingIsAppendedAfterABrokenEdit() {
  for (int bytes = 0; bytes < 150; bytes += 7) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
    HF_RETURN_IF_ERROR(machine.Flush());
    HF_RETURN_IF_ERROR(machine.Put("b", "2", kSynced));
    const std::string manifest = machine.Newest("MANIFEST");
    machine.Plan(absl::StrCat("write MANIFEST* @1 short:", bytes));
    const absl::Status status = machine.Flush();
    HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, "an edit"));
    if (!absl::IsResourceExhausted(status)) {
      return Broken(absl::StrCat("a full disk gave ", status.ToString()));
    }
    machine.faults().Clear();
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Kept()));
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
    std::string touched;
    machine.on_call = [&](const FileCall& call) {
      if (call.op == FileOp::kWrite && call.path == manifest) {
        touched = call.Text();
      }
      return absl::OkStatus();
    };
    HF_RETURN_IF_ERROR(Annotate(machine.Flush(), "with space again"));
    HF_RETURN_IF_ERROR(machine.Put("c", "3", kSynced));
    HF_RETURN_IF_ERROR(machine.Flush());
    machine.on_call = nullptr;
    if (!touched.empty()) return Broken(touched);
    HF_RETURN_IF_ERROR(machine.CheckReads());
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Kept()));
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
  }
  return absl::OkStatus();
}

// Goal: however full the disk became, once there is space the database opens,
// with all that was acknowledged; and it need not be opened again to go on.
// Method: a workload that goes through its errors, on disks of every size in
// small steps; then power fails, or the process dies, or it just goes on.
absl::Status RocksDb7784_AFullDiskNeverBlocksReopening() {
  int full = 0;
  for (uint64_t space = 0; space < 9000; space += 149) {
    Machine machine;
    machine.Plan(absl::StrCat("space ", space));
    const absl::Status opened = machine.Open();
    if (opened.ok()) {
      for (int i = 0; i < 3; ++i) {
        machine.Put(absl::StrCat("synced", i), Filler("s", 300), kSynced)
            .IgnoreError();
        machine.Put(absl::StrCat("unsynced", i), Filler("u", 300))
            .IgnoreError();
        machine.Flush().IgnoreError();
      }
      machine.Compact().IgnoreError();
    }
    if (machine.faults().fired() > 0) ++full;
    const std::string what = absl::StrCat("space for ", space, " bytes");
    for (const Fate& fate : {Kept(), Lost(), AllBut(Sectors(), What::kZeros)}) {
      HF_RETURN_IF_ERROR(Annotate(Recovers(machine.CutNow(), fate), what));
    }
    machine.faults().Clear();
    if (!opened.ok()) HF_RETURN_IF_ERROR(Annotate(machine.Open(), what));
    HF_RETURN_IF_ERROR(Annotate(machine.CheckReads(), what));
    HF_RETURN_IF_ERROR(Annotate(machine.Put("again", "1", kSynced), what));
    HF_RETURN_IF_ERROR(Annotate(machine.Flush(), what));
    HF_RETURN_IF_ERROR(Annotate(machine.CheckReads(), what));
    HF_RETURN_IF_ERROR(Annotate(Recovers(machine.CutNow(), Lost()), what));
  }
  return Expect(full > 20, "full disks");
}

}  // namespace holdfast::history_bugs
