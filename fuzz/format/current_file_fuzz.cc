// The file CURRENT (engine/format/current_file.h). Property: what is accepted
// is what an encoder gives for the same values, and is refused when one bit of
// it changes or its end is missing; what an encoder gives is accepted, or
// refused by its version; an error names the file; memory is bounded.
//
// Changes are made behind the checksum, mostly: see the mutator at the end.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/format/current_file.h"
#include "engine/format/format_version.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/support/mutator.h"

namespace {

using namespace holdfast;

constexpr std::string_view kPath = "some/CURRENT";

absl::StatusOr<CurrentFile> Decode(std::string_view contents) {
  AllocationMeter meter;
  absl::StatusOr<CurrentFile> current = DecodeCurrent(kPath, contents);
  HF_CHECK(meter.peak_bytes() <= 64 * contents.size() + 4096);
  if (!current.ok()) {
    HF_CHECK(absl::StrContains(current.status().message(), kPath));
    HF_CHECK(absl::IsDataLoss(current.status()) ||
             absl::IsUnimplemented(current.status()));
  }
  return current;
}

// `contents` with one change is refused. By its checksum, so it makes no
// difference that the line may be one of another version now.
void CheckDamaged(std::string contents, uint64_t choice) {
  const size_t at = (choice >> 4) % contents.size();
  if (choice % 16 == 0) {
    contents.resize(at);
  } else {
    contents[at] = static_cast<char>(contents[at] ^ (1 << choice % 8));
  }
  HF_CHECK(absl::IsDataLoss(Decode(contents).status()));
}

void CheckBytes(std::string_view bytes) {
  const absl::StatusOr<CurrentFile> current = Decode(bytes);
  if (!current.ok()) return;
  HF_CHECK(current->version == kFormatVersion);
  HF_CHECK(EncodeCurrent(*current) == bytes);
  CheckDamaged(std::string(bytes), Checksum64(bytes, 0));
}

// As many bytes as the values take: too few for a line.
constexpr size_t kValuesBytes = 31;

void CheckValues(FuzzInput input) {
  const uint16_t damage = input.Short();
  CurrentFile current;
  current.version = input.Bool() ? kFormatVersion : input.Word();
  current.manifest_number = input.Long();
  current.db_id = input.Long();
  current.manifest_bytes = input.Long();
  const std::string contents = EncodeCurrent(current);
  CheckDamaged(contents, damage);
  const absl::StatusOr<CurrentFile> again = Decode(contents);
  if (current.version != kFormatVersion) {
    HF_CHECK(absl::IsUnimplemented(again.status()));
    return;
  }
  HF_CHECK(again.ok());
  HF_CHECK(again->version == current.version);
  HF_CHECK(again->manifest_number == current.manifest_number);
  HF_CHECK(again->db_id == current.db_id);
  HF_CHECK(again->manifest_bytes == current.manifest_bytes);
}

// Puts the right checksum in the place of the last word.
void MendChecksum(std::string* bytes) {
  bytes->resize(bytes->rfind(' ') + 1);  // All of it, when there is no space.
  bytes->append(absl::StrFormat("%016x\n", Checksum64(*bytes, 0)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckBytes(std::string_view(reinterpret_cast<const char*>(data), size));
  if (size <= kValuesBytes) CheckValues(FuzzInput(data, size));
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned int seed) {
  return MutateAndMend(data, size, max_size, seed, MendChecksum);
}
