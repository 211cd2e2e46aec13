// Damages: what may happen to the files of a database that nobody wrote to. A
// damage is one line of text that parses and prints itself, and so is how a
// failure is replayed.
//
//   flip:000005.wal:120.3            a bit of a byte
//   fill:000005.wal:512+512:00       bytes set to one value (hexadecimal)
//   noise:000005.wal:512+88          bytes set to noise
//   copy:000007.sst:0+512:000009.sst:1024
//                                    bytes of some file written here
//   swap:000007.sst:0+512:1024       two ranges of one file
//   cut:000005.wal:300
//   grow:000005.wal:8:00             appended bytes; "noise", or "tail" for a
//                                    copy of the end of the file
//   replace:000005.wal:twin/000005.wal
//   exchange:000005.wal:000007.wal   two files
//   remove:000005.wal
//
// Several, made one after the other, are joined by " + ". Where bytes come from
// is a file of the same database, or `NAME@N`, the N-th of its versions, or
// `twin/NAME` or `GOLDEN/NAME`, a file of another database.

#ifndef HOLDFAST_CHAOS_DAMAGE_MUTATION_H_
#define HOLDFAST_CHAOS_DAMAGE_MUTATION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "chaos/damage/golden.h"

namespace holdfast {

struct DamageStep {
  enum class Kind : uint8_t {
    kFlip,
    kFill,
    kNoise,
    kCopy,
    kSwap,
    kCut,
    kGrow,
    kReplace,
    kExchange,
    kRemove,
  };

  Kind kind = Kind::kFlip;
  std::string file;
  uint64_t offset = 0;  // Or size, of a cut.
  uint64_t bytes = 0;   // Or bit, of a flip.
  uint64_t other = 0;   // The other offset.
  // Or the other file, or what to fill with.
  std::string source = {};

  std::string Text() const;
  static absl::StatusOr<DamageStep> Parse(std::string_view text);

  friend bool operator==(const DamageStep&, const DamageStep&) = default;
};
std::string_view DamageKindName(DamageStep::Kind kind);

struct Damage {
  std::vector<DamageStep> steps;

  std::string Text() const;
  static absl::StatusOr<Damage> Parse(std::string_view text);
};

// What became of files; nullopt: removed. Only files that differ from the
// golden ones are in it.
using ChangedFiles = std::map<std::string, std::optional<std::string>>;

// kNotFound when a file that the damage names is not there.
absl::StatusOr<ChangedFiles> Apply(const Golden& golden, const Damage& damage,
                                   Goldens* goldens);

// How many damages of a kind are tried. Everything is deterministic.
struct DamageTier {
  // Files up to that size have every bit flipped and are cut at every byte.
  uint64_t every_bit_up_to = uint64_t{4} << 10;
  // Of larger files, one bit of each so manieth byte; and cuts there.
  uint64_t byte_step = 97;
  // Of files with at most so many sectors or pieces each pair is tried; of
  // larger ones each with a few others.
  uint64_t pairs_up_to = 16;
  // Of small files: one in so many bits, and one in so many places of a cut.
  uint64_t thin = 1;
};

// Calls `body` with each damage of a golden database.
void ForEachDamage(const Golden& golden, const DamageTier& tier,
                   Goldens* goldens,
                   absl::FunctionRef<void(const Damage&)> body);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DAMAGE_MUTATION_H_
