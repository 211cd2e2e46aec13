#include "fuzz/table/table_input.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "holdfast/options.h"

namespace holdfast {
namespace {

constexpr size_t kMaxRunBytes = 2048;

// Bytes that do not compress. Eight at a time: under a fuzzer each step of a
// loop is watched.
std::string Noise(uint8_t seed, size_t n) {
  std::string bytes;
  bytes.reserve(n + 8);
  uint64_t state = seed;
  while (bytes.size() < n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    PutFixed64(&bytes, state ^ (state >> 29));
  }
  bytes.resize(n);
  return bytes;
}

std::string ReadUserKey(FuzzInput* input, uint8_t tag,
                        const std::string& previous) {
  switch (tag & 3) {
    case 0:
      return previous;
    case 1:
      return std::string(input->Bytes(input->Byte() % 64));
    case 2: {
      std::string key = previous.substr(0, input->Byte());
      key += input->Bytes(input->Byte() % 16);
      return key;
    }
    default: {
      const char byte = static_cast<char>(input->Byte());
      return std::string(size_t{2} * input->Byte(), byte);
    }
  }
}

std::string ReadValue(FuzzInput* input, uint8_t tag) {
  switch (tag >> 4 & 3) {
    case 0:
      return std::string();
    case 1:
      return std::string(input->Bytes(input->Byte()));
    case 2: {
      const char byte = static_cast<char>(input->Byte());
      return std::string(input->Short() % kMaxRunBytes, byte);
    }
    default: {
      const uint8_t seed = input->Byte();
      return Noise(seed, input->Short() % kMaxRunBytes);
    }
  }
}

}  // namespace

TableChoices ReadTableChoices(FuzzInput* input) {
  constexpr size_t kBlockBytes[] = {4096, 64, 256, 1024, 1, 65536};
  constexpr int kRestartIntervals[] = {16, 1, 2, 3, 7, 1024};
  constexpr int kBloomBits[] = {10, 0, 1, 32};
  constexpr size_t kTailBytes[] = {size_t{64} << 10, 0, 100, 300};
  const uint8_t a = input->Byte();
  const uint8_t b = input->Byte();
  TableChoices choices;
  choices.options.block_bytes = kBlockBytes[a % 6];
  choices.options.block_restart_interval = kRestartIntervals[a / 6 % 6];
  choices.options.compression = static_cast<Compression>(b % 3);
  choices.options.bloom_bits_per_key = kBloomBits[b / 3 % 4];
  choices.tail_bytes = kTailBytes[b / 12 % 4];
  choices.cached = b / 48 % 2 == 1;
  return choices;
}

TableEntries ReadTableEntries(FuzzInput* input, size_t max_entries,
                              size_t max_bytes) {
  TableEntries entries;
  size_t bytes = 0;
  std::string user;
  while (!input->empty() && entries.size() < max_entries && bytes < max_bytes) {
    const uint8_t tag = input->Byte();
    user = ReadUserKey(input, tag, user);
    uint64_t sequence = (tag & 4) != 0 ? input->Long() : input->Byte();
    const ValueType type =
        (tag & 8) != 0 ? ValueType::kDeletion : ValueType::kValue;
    const std::string value = ReadValue(input, tag);
    const int more = (tag >> 6) == 2 ? 3 : (tag >> 6) == 3 ? 15 : 0;
    for (int i = 0; i <= more; ++i) {
      if (i > 0 && more == 3) ++sequence;
      if (i > 0 && more == 15) {
        user.resize(user.size() - (i > 1 ? 1 : 0));
        user.push_back(static_cast<char>('a' + i));
      }
      entries.push_back(
          {MakeInternalKey(user, sequence & kMaxSequenceNumber, type), value});
      bytes += user.size() + value.size() + kTrailerBytes;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const TableEntry& x, const TableEntry& y) {
              return CompareInternalKeys(x.key, y.key) < 0;
            });
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [](const TableEntry& x, const TableEntry& y) {
                              return x.key == y.key;
                            }),
                entries.end());
  return entries;
}

}  // namespace holdfast
