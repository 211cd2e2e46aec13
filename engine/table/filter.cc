#include "engine/table/filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

constexpr size_t kLineBytes = 64;
constexpr int kMaxProbes = 16;
constexpr size_t kParameterBytes = 5;  // fixed32 lines, byte probes.

// The upper half of the hash chooses the line, by multiplication instead of a
// division.
size_t LineOf(uint64_t key_hash, size_t lines) {
  return static_cast<size_t>(((key_hash >> 32) * lines) >> 32);
}

// The lower half gives the bits in the line, nine of its upper bits for each
// probe; an odd factor (2^32 over the golden ratio) makes new ones.
class BitSequence {
 public:
  explicit BitSequence(uint64_t key_hash)
      : state_(static_cast<uint32_t>(key_hash)) {}
  uint32_t Next() {
    state_ *= 0x9e3779b9u;
    return state_ >> 23;
  }

 private:
  uint32_t state_;
};

// A little below ln 2 per bit, the best for an ideal filter: the lines of a
// blocked one are not evenly full.
int ProbesFor(int bits_per_key) {
  return std::clamp(bits_per_key * 6 / 10, 1, kMaxProbes);
}

}  // namespace

FilterBuilder::FilterBuilder(int bits_per_key) : bits_per_key_(bits_per_key) {
  HF_CHECK(bits_per_key > 0);
}

size_t FilterBuilder::lines() const {
  const size_t bits = hashes_.size() * static_cast<size_t>(bits_per_key_);
  const size_t wanted = (bits + kLineBytes * 8 - 1) / (kLineBytes * 8);
  return std::clamp<size_t>(wanted, 1, UINT32_MAX);
}

size_t FilterBuilder::bytes() const {
  return lines() * kLineBytes + kParameterBytes;
}

std::string FilterBuilder::Finish() const {
  const size_t line_count = lines();
  const int probes = ProbesFor(bits_per_key_);
  std::string payload(line_count * kLineBytes, '\0');
  for (const uint64_t hash : hashes_) {
    char* const line = payload.data() + LineOf(hash, line_count) * kLineBytes;
    BitSequence bits(hash);
    for (int i = 0; i < probes; ++i) {
      const uint32_t bit = bits.Next();
      line[bit / 8] = static_cast<char>(line[bit / 8] | (1 << (bit % 8)));
    }
  }
  PutFixed32(&payload, static_cast<uint32_t>(line_count));
  payload.push_back(static_cast<char>(probes));
  return payload;
}

absl::StatusOr<Filter> Filter::Parse(std::string_view payload,
                                     std::string_view file, uint64_t offset) {
  if (payload.size() < kParameterBytes) {
    return DataLoss(file, offset, "filter too short");
  }
  const size_t body = payload.size() - kParameterBytes;
  const uint64_t line_count = DecodeFixed32(payload.data() + body);
  const int probes = static_cast<unsigned char>(payload.back());
  if (line_count == 0 || line_count * kLineBytes != body) {
    return DataLoss(
        file, offset,
        absl::StrCat("filter of ", line_count, " lines in ", body, " bytes"));
  }
  if (probes < 1 || probes > kMaxProbes) {
    return DataLoss(file, offset,
                    absl::StrCat("filter of ", probes, " probes"));
  }
  static_assert(sizeof(Line) == kLineBytes);
  std::vector<Line> lines(line_count);
  std::memcpy(lines.data(), payload.data(), body);
  return Filter(std::move(lines), probes);
}

bool Filter::MayContain(uint64_t key_hash) const {
  const Line& line = lines_[LineOf(key_hash, lines_.size())];
  BitSequence bits(key_hash);
  for (int i = 0; i < probes_; ++i) {
    const uint32_t bit = bits.Next();
    if ((line.words[bit / 64] >> (bit % 64) & 1) == 0) return false;
  }
  return true;
}

void Filter::Prefetch(uint64_t key_hash) const {
  __builtin_prefetch(&lines_[LineOf(key_hash, lines_.size())]);
}

}  // namespace holdfast
