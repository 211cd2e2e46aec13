#include "fuzz/engine/op_values.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"
#include "holdfast/write_batch.h"

namespace holdfast {
namespace {

std::string Stem(uint8_t n) {
  using std::string_literals::operator""s;
  switch (n) {
    case 0:
      return "a";
    case 1:
      return "b";
    case 2:
      return "";
    case 3:
      return "ab";
    case 4:
      return "aa";
    case 5:
      return "a\0"s;
    case 6:
      return "a\0\0"s;
    case 7:
      return "a\xff";
    case 8:
      return "\xff";
    case 9:
      return "\xff\xff";
    case 10:
      return "\xff\xff\0"s;
    case 11:
      return "\0"s;
    case 12:
      return "\x7f";
    case 13:
      return "\x80";
    // Larger than those above when taken for signed characters.
    case 14:
      return "b\xfe";
    case 15:
      return "b\xff\xff";
    case 24:
      return std::string(100, 'a');
    case 25:
      return std::string(100, 'a') + "b";
    case 26:
      return std::string(300, '\xff');
    case 27:
      return std::string(200, 'b') + "\0"s;
    case 28:
      return std::string(1000, 'k');
    case 29:
      return std::string(5000, 'k');
    case 30:
      return std::string(5000, '\xff');
    case 31:
      return std::string(kMaxKeyBytes - 1, 'm');
    default:
      return absl::StrCat("user/", n % 2 == 0 ? "" : "data/", n);
  }
}

const std::array<std::string, kStems>& Stems() {
  static const std::array<std::string, kStems>* const kAll = [] {
    auto* const all = new std::array<std::string, kStems>;
    for (uint8_t i = 0; i < kStems; ++i) (*all)[i] = Stem(i);
    return all;
  }();
  return *kAll;
}

// A record of a put takes some 45 bytes besides; a frame has at most 256 KiB, a
// sector 512 bytes.
constexpr size_t kSizes[] = {
    8,    0,    1,    3,    20,   50,   100,   200,   255,   256,   257,
    395,  466,  467,  468,  511,  512,  513,   980,   1000,  2000,  4000,
    4070, 4095, 4096, 4097, 5000, 8192, 16384, 33000, 66000, 270000};
static_assert(std::size(kSizes) == kValueSizes);
constexpr size_t kLargestValue = 270000;

// Values are cut out of these: neither the model nor the target ever copies
// one. Every kUnit bytes there are eight that stand nowhere else.
constexpr size_t kPoolBytes = size_t{1} << 20;
constexpr size_t kUnit = 64;

std::string MakePool(ValueKind kind) {
  std::string pool(kPoolBytes, 'v');
  if (kind == ValueKind::kSame) return pool;
  Random random(7 + static_cast<uint64_t>(kind));
  for (size_t at = 0; at < pool.size(); at += 8) {
    const bool noise = at % kUnit == 0 || kind == ValueKind::kRandom ||
                       (kind == ValueKind::kHalf && at % kUnit < kUnit / 2);
    if (!noise) continue;
    const uint64_t bytes = random.Next64();
    std::memcpy(&pool[at], &bytes, sizeof(bytes));
  }
  return pool;
}

const std::string& Pool(ValueKind kind) {
  static const auto* const kPools = [] {
    auto* const pools = new std::array<std::string, kValueKinds>;
    for (size_t i = 0; i < kValueKinds; ++i) {
      (*pools)[i] = MakePool(static_cast<ValueKind>(i));
    }
    return pools;
  }();
  return (*kPools)[static_cast<size_t>(kind)];
}

constexpr uint8_t kChoices[kOptionOperands] = {3, 5, 5, 5, 4, 4, 4,
                                               3, 5, 3, 3, 2, 3, 2};

}  // namespace

std::string TakeKey(OpReader* reader, bool long_keys) {
  const uint8_t operand = reader->Operand();
  uint8_t stem = operand % kStems;
  if (stem >= kLongStems && !long_keys) stem -= kLongStems;
  std::string key = Stems()[stem];
  if (operand >= kPlainKeys) {
    // Bytes from both ends of what there is.
    const uint8_t byte = reader->Operand();
    key.push_back(static_cast<char>(byte % 2 == 0 ? byte / 2 : 255 - byte / 2));
  }
  return key;
}

size_t ValueSize(size_t index) {
  HF_CHECK(index < kValueSizes);
  return kSizes[index];
}

uint8_t ValueSizeIndex(size_t size) {
  size_t best = kValueSizes - 1;
  for (size_t i = 0; i < kValueSizes; ++i) {
    if (kSizes[i] >= size && kSizes[i] < kSizes[best]) best = i;
  }
  return static_cast<uint8_t>(best);
}

std::string_view ValueOf(uint64_t version, size_t size, ValueKind kind) {
  HF_CHECK(size <= kLargestValue);
  constexpr size_t kOffsets = (kPoolBytes - kLargestValue) / kUnit;
  const std::string_view pool = Pool(kind);
  return pool.substr(version % kOffsets * kUnit, size);
}

uint8_t OptionChoices(OptionOperand operand) { return kChoices[operand]; }

Options TakeOptions(OpReader* reader) {
  size_t choice[kOptionOperands];
  for (size_t i = 0; i < kOptionOperands; ++i) {
    choice[i] = reader->Below(kChoices[i]);
  }
  constexpr size_t kKiB = 1024;
  Options options;
  options.compression = static_cast<Compression>(choice[kOptCompression]);
  options.block_bytes =
      std::array<size_t, 5>{4096, 256, 512, 1000, 65536}[choice[kOptBlock]];
  options.block_restart_interval =
      std::array<int, 5>{16, 1, 2, 3, 1024}[choice[kOptRestart]];
  options.bloom_bits_per_key =
      std::array<int, 5>{0, 10, 1, 32, 3}[choice[kOptFilter]];
  options.block_cache_bytes =
      std::array<size_t, 4>{0, 4 * kKiB, 64 * kKiB, 1}[choice[kOptCache]];
  options.memtable_bytes = std::array<size_t, 4>{
      64 * kKiB, 64 * kKiB + 1, 128 * kKiB, 1024 * kKiB}[choice[kOptMemtable]];
  options.max_memtables =
      std::array<int, 4>{2, 3, 4, 16}[choice[kOptMemtables]];
  options.table_bytes = std::array<size_t, 3>{64 * kKiB, 100 * kKiB,
                                              1024 * kKiB}[choice[kOptTable]];
  static constexpr int kTriggers[5][3] = {
      {4, 20, 36}, {1, 4, 20}, {1, 1, 1}, {2, 2, 3}, {3, 4, 5}};
  options.level0_compaction_trigger = kTriggers[choice[kOptLevel0]][0];
  options.level0_slowdown_trigger = kTriggers[choice[kOptLevel0]][1];
  options.level0_stop_trigger = kTriggers[choice[kOptLevel0]][2];
  options.level1_bytes = std::array<uint64_t, 3>{
      64 * kKiB, 256 * kKiB, 1024 * kKiB}[choice[kOptLevel1]];
  options.level_size_multiplier =
      std::array<int, 3>{2, 10, 100}[choice[kOptMultiplier]];
  options.max_open_tables =
      std::array<int, 2>{16, 1000}[choice[kOptOpenTables]];
  options.manifest_roll_bytes =
      std::array<uint64_t, 3>{4 * kKiB, 5000, 4096 * kKiB}[choice[kOptRoll]];
  options.disable_auto_compaction = choice[kOptNoAuto] == 1;
  return options;
}

}  // namespace holdfast
