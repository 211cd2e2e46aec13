// Keys, values and options that operands stand for: few keys, used again and
// again, that are neighbours of each other; sizes at the edges of sectors,
// blocks and frames; options as small as they may be.
//
// Thread-safe.

#ifndef HOLDFAST_FUZZ_ENGINE_OP_VALUES_H_
#define HOLDFAST_FUZZ_ENGINE_OP_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/engine/op_bytes.h"
#include "holdfast/options.h"

namespace holdfast {

// The stems of keys, by number: an operand below kPlainKeys stands for one, a
// higher one for a stem with a byte behind it, which is the next operand.
inline constexpr uint8_t kStems = 32;
inline constexpr uint8_t kPlainKeys = 96;
// The first of the stems that are longer than a block, up to the longest key.
inline constexpr uint8_t kLongStems = 28;

// Takes a key: one operand, or two. Long ones become short ones unless `long`.
std::string TakeKey(OpReader* reader, bool long_keys = true);

inline constexpr size_t kValueSizes = 32;
size_t ValueSize(size_t index);  // Not rising. REQUIRES: index < kValueSizes.
// The index of the smallest of these sizes from `size` on; of the largest when
// there is none.
uint8_t ValueSizeIndex(size_t size);

enum class ValueKind : uint8_t {
  kRandom,  // Does not shrink.
  kRuns,    // Shrinks.
  kHalf,    // A part of each block shrinks.
  kSame,    // What is the same each time.
};
inline constexpr size_t kValueKinds = 4;

// The value of `size` bytes that is written as the `version`-th: from four
// bytes on no other has the same, unless it is kSame. The bytes live for ever.
// REQUIRES: size <= the largest ValueSize, and 0x3fff.
std::string_view ValueOf(uint64_t version, size_t size, ValueKind kind);

// Those of a write, by the two lowest bits of an operand.
inline WriteOptions OptionsOfWrite(uint8_t how) {
  return {.sync = (how & 1) != 0, .disable_wal = (how & 2) != 0};
}

// Takes the operands that are there as options, in the order of OptionOperand;
// those that are missing are the smallest, which is 0. The result is valid;
// its environment is null.
Options TakeOptions(OpReader* reader);

// The operands of options, and how many choices each has.
enum OptionOperand : uint8_t {
  kOptCompression,
  kOptBlock,
  kOptRestart,
  kOptFilter,
  kOptCache,
  kOptMemtable,
  kOptMemtables,
  kOptTable,
  kOptLevel0,
  kOptLevel1,
  kOptMultiplier,
  kOptOpenTables,
  kOptRoll,
  kOptNoAuto,
  kOptionOperands,
};
uint8_t OptionChoices(OptionOperand operand);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_OP_VALUES_H_
