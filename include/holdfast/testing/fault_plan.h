// Faults that are not crashes: which calls to a file system go wrong, and how.
// A plan is one line of text that parses and prints itself; it is what a test
// that fails prints, and what `kvd --fault-plan` takes.
//
//   sync *.wal @3 fails-keeps-new; write *.sst @1+ enospc; read * @7x2 flip:12
//
// Rules, separated by ";". A rule is
//   OP PATH WHEN EFFECT
// OP      a name of FileOpName, or "*": those that the effect can be of
// PATH    a glob without spaces and ";": "*" any run of characters, "?" any
//         one; matched against the whole path, or against the last component
//         when it has no "/"; of a rename or link against either name
// WHEN    "@N" the N-th matching call, from 1; "@N+" from then on; "@NxK" that
//         and the next, K in all; "~P" each with a chance of one in P (seeded)
// EFFECT  see Fault::Effect
// or the rule
//   space BYTES          the whole disk takes no more than that ("space
//                        unlimited" ends it)
//
// The first rule that matches and is due decides.

#ifndef HOLDFAST_TESTING_FAULT_PLAN_H_
#define HOLDFAST_TESTING_FAULT_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {

struct Fault {
  enum class Effect : uint8_t {
    // Fails without effect, with what the system would say.
    kEio,     // "eio"
    kEnospc,  // "enospc"
    kEmfile,  // "emfile"
    kEintr,   // "eintr"
    kEacces,  // "eacces"
    // Takes effect and fails all the same.
    kDoneThenEio,  // "done-eio"
    // "short:N": a read gives at most N bytes, or a write (or prepare) does N
    // and fails with ENOSPC.
    kShort,
    // "torn:N": a write (or prepare) does its first N bytes and fails with EIO.
    kTorn,
    // Syncs, of files and of directories: see SyncOutcome. "lies", "lost",
    // "fails-keeps-new", "fails-reverts", "fails-late".
    kSyncLies,
    kSyncLost,
    kSyncFailsKeepsNew,
    kSyncFailsReverts,
    kSyncFailsLate,
    // What was read, or is written, differs: "flip:BIT" (of the call's bytes,
    // modulo their number), "zero:SECTOR" and "stale:SECTOR" (of the call's
    // sectors, modulo their number; stale: as the file was when first seen by
    // this layer before the sector was last written).
    kFlip,
    kZeroSector,
    kStaleSector,
    // "offset:DELTA": a read or write goes to offset + DELTA (not below 0).
    kWrongOffset,
    // "file:PATH": it goes to that file; in the same directory when it has no
    // "/".
    kWrongFile,
    // "delay:MICROS" on the clock of the layer, then as usual.
    kDelay,
    // The process ends at once (SIGKILL), before or after the call: "kill",
    // "done-kill".
    kKill,
    kDoneThenKill,
    // "torn-kill:N": it ends in the middle of a write, when N bytes are done.
    kTornThenKill,
  };

  std::optional<FileOp> op;  // nullopt: "*".
  std::string path = "*";
  uint64_t first = 1;   // "@N"
  uint64_t times = 1;   // UINT64_MAX: "+".
  uint64_t one_in = 0;  // "~P" when not 0.
  Effect effect = Effect::kEio;
  int64_t argument = 0;
  std::string file;  // Of kWrongFile.

  std::string Text() const;
  std::string EffectText() const;            // "flip:12".
  bool Matches(const FileCall& call) const;  // OP and PATH alone.

  friend bool operator==(const Fault&, const Fault&) = default;
};

struct FaultPlan {
  std::vector<Fault> faults;
  std::optional<uint64_t> space_bytes;

  // Parse(Text()) is the plan again. An error names the rule and the word.
  static absl::StatusOr<FaultPlan> Parse(std::string_view text);
  std::string Text() const;

  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

// "*" and "?" as above.
bool GlobMatches(std::string_view glob, std::string_view text);

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_FAULT_PLAN_H_
