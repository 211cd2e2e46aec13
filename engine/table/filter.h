// A blocked Bloom filter over the user keys of a table: all bits of a key lie
// in one line of 64 bytes, so that a probe touches one cache line.
//
//   filter = line... (64 bytes each) fixed32(lines) byte(probes)
//
// The filter says its own parameters, so the number of bits per key can change
// from table to table. Which bits a hash has is part of the format:
// docs/formats/table.md.

#ifndef HOLDFAST_ENGINE_TABLE_FILTER_H_
#define HOLDFAST_ENGINE_TABLE_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace holdfast {

// Collects the keys of a table. Thread-compatible.
class FilterBuilder {
 public:
  // REQUIRES: bits_per_key > 0.
  explicit FilterBuilder(int bits_per_key);

  // Adds HashKey of a user key; once per key is enough.
  void AddHash(uint64_t key_hash) { hashes_.push_back(key_hash); }

  // The size that Finish would give now.
  size_t bytes() const;

  // RETURNS the payload of the filter block.
  std::string Finish() const;

 private:
  size_t lines() const;

  const int bits_per_key_;
  std::vector<uint64_t> hashes_;
};

// A filter in memory. Immutable; thread-safe.
class Filter {
 public:
  // Any bytes: kDataLoss naming `file` and `offset` when they are no filter.
  static absl::StatusOr<Filter> Parse(std::string_view payload,
                                      std::string_view file, uint64_t offset);

  // False: no key of that hash was added. True: perhaps.
  bool MayContain(uint64_t key_hash) const;

  // Asks for the line of a key ahead of MayContain.
  void Prefetch(uint64_t key_hash) const;

  size_t memory_bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    uint64_t words[8];
  };

  Filter(std::vector<Line> lines, int probes)
      : lines_(std::move(lines)), probes_(probes) {}

  std::vector<Line> lines_;
  int probes_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_FILTER_H_
