// A log read straight from docs/formats/log.md, in the plainest way: the whole
// file in memory, one frame after the other, no windows and no short cuts. What
// the engine's reader says is compared with this. Shares the checksum function
// with the engine and nothing else.

#ifndef HOLDFAST_FUZZ_LOG_REFERENCE_LOG_H_
#define HOLDFAST_FUZZ_LOG_REFERENCE_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Which log of which database: kind 1 is a write-ahead log, 2 a manifest.
struct ReferenceIdentity {
  uint64_t db_id = 0;
  uint64_t kind = 1;
  uint64_t number = 0;
};

struct ReferenceRecord {
  uint64_t offset = 0;
  std::string bytes;
};

struct ReferenceLog {
  enum class End {
    kNoHeader,      // Torn while it was made.
    kOtherVersion,  // Of another format version.
    kDamage,        // At damage_at.
    kTorn,          // Or ended cleanly: see `torn`.
    kSealed,
  };

  End end = End::kNoHeader;
  std::vector<ReferenceRecord> records;
  uint64_t frames = 0;  // Valid ones before the end, the header included.
  // Of kDamage. Where the first wrong frame begins; of a seal that is not the
  // last thing that was durable, the seal.
  uint64_t damage_at = 0;
  // Of kTorn and kSealed: the length of whole records and the seal.
  uint64_t bytes = 0;
  bool torn = false;       // Of kTorn: not only zeros follow.
  uint64_t successor = 0;  // Of kSealed.
  // From the header, but for kNoHeader and kOtherVersion.
  uint64_t previous_number = 0;
  uint64_t previous_bytes = 0;
  uint64_t first_sequence = 0;
};

// `required_bytes`: how much of the log is known to be durable from elsewhere.
ReferenceLog ReadByTheBook(std::string_view file,
                           const ReferenceIdentity& identity,
                           uint64_t required_bytes);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_REFERENCE_LOG_H_
