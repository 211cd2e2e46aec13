// What the bytes of a CrashCase stand for: tables that its decoder and its
// encoder share. New entries go to the end, as findings are kept as bytes.

#ifndef HOLDFAST_FUZZ_ENGINE_CRASH_CODES_H_
#define HOLDFAST_FUZZ_ENGINE_CRASH_CODES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

enum class CrashOp : uint8_t {
  kWrite,  // Argument: how. Operand: key and value. Value 27 deletes.
  kBatch,  // Argument: how. Operands: how many, then so many keys and values.
  kFlush,
  kSyncWal,
  kCompact,  // Argument: which keys.
  kWork,
  kIdle,
  kKill,
  kClose,
  kOpen,    // Again, when it is open.
  kReader,  // Argument: what, and which.
  kRead,
  kFill,   // Argument: how. Operand: how often, and value.
  kFault,  // Argument: when. Operands: calls, effect, which.
  kHeal,
  kResume,
  kVerify,
  kDestroy,
  kUse,      // Argument: which database.
  kOption,   // For the next opening. Operand: which.
  kProfile,  // Of the disk. Operand: which.
  kSeed,     // Of the executor. Operand: the seed.
  kCrash,    // Argument: exceptions. Operands: when, what, then two each.
};
inline constexpr int kCrashOpBits = 5;

// By the five bits. Those that are left make common things more common.
inline constexpr CrashOp kCrashOps[1 << kCrashOpBits] = {
    CrashOp::kWrite,   CrashOp::kBatch,   CrashOp::kFlush,  CrashOp::kSyncWal,
    CrashOp::kCompact, CrashOp::kWork,    CrashOp::kIdle,   CrashOp::kKill,
    CrashOp::kClose,   CrashOp::kOpen,    CrashOp::kReader, CrashOp::kRead,
    CrashOp::kFill,    CrashOp::kFault,   CrashOp::kHeal,   CrashOp::kResume,
    CrashOp::kVerify,  CrashOp::kDestroy, CrashOp::kUse,    CrashOp::kOption,
    CrashOp::kProfile, CrashOp::kSeed,    CrashOp::kCrash,  CrashOp::kCrash,
    CrashOp::kWrite,   CrashOp::kWrite,   CrashOp::kWrite,  CrashOp::kWrite,
    CrashOp::kFlush,   CrashOp::kFlush,   CrashOp::kKill,   CrashOp::kClose,
};

// How a write is made, by the low two bits of an argument.
inline constexpr std::string_view kHows[4] = {"", "sync", "nolog", "sync"};

// By three bits.
inline constexpr std::string_view kKeys[8] = {"a", "b", "c", "d",
                                              "e", "m", "z", "a^900"};

// By five bits: a value as a workload says it. Around the edges of sectors,
// blocks and frames, as in chaos/db/workloads.cc.
inline constexpr size_t kNumberValue = 0;     // A small number, each time new.
inline constexpr size_t kDeletion = 27;       // None: the key is deleted.
inline constexpr size_t kByteSized = 28;      // "*N", N in a byte more.
inline constexpr size_t kShortSized = 29;     // In two bytes more.
inline constexpr size_t kShortSqueezed = 30;  // "~N", the same.
inline constexpr std::string_view kValues[32] = {
    "",      "*0",    "*10",   "*100",  "*200",  "*256",  "*300",  "*364",
    "*395",  "*396",  "*466",  "*467",  "*468",  "*469",  "*511",  "*512",
    "*600",  "*980",  "*2000", "*3000", "~3000", "*3900", "~4000", "*5000",
    "~9000", "*9000", "*90",   "",      "",      "",      "",      "*20000",
};

// How often a fill puts, by three bits.
inline constexpr int kFills[8] = {1, 2, 3, 5, 8, 14, 20, 30};

// Keys from and to, by three bits; all when empty.
struct KeyRangeCode {
  std::string_view from;
  std::string_view to;
};
inline constexpr KeyRangeCode kKeyRanges[8] = {
    {"", ""},   {"", ""},  {"", ""},   {"a", "c"},
    {"b", "c"}, {"b", ""}, {"x", "z"}, {"a", "b"}};

// Which calls go wrong, and of what kind the effects are.
enum class EffectsOf : uint8_t { kSyncs, kWrites, kReads, kOthers, kSpace };
struct FaultTarget {
  std::string_view op;
  std::string_view path;
  EffectsOf effects;
};
inline constexpr FaultTarget kFaultTargets[] = {
    {"sync", "*.wal", EffectsOf::kSyncs},
    {"sync", "*.sst", EffectsOf::kSyncs},
    {"sync", "MANIFEST*", EffectsOf::kSyncs},
    {"sync", "*", EffectsOf::kSyncs},
    {"syncdir", "*", EffectsOf::kSyncs},
    {"write", "*.wal", EffectsOf::kWrites},
    {"write", "*.sst", EffectsOf::kWrites},
    {"write", "MANIFEST*", EffectsOf::kWrites},
    {"write", "*", EffectsOf::kWrites},
    {"rename", "*", EffectsOf::kOthers},
    {"create", "*.wal", EffectsOf::kOthers},
    {"create", "*.sst", EffectsOf::kOthers},
    {"create", "MANIFEST*", EffectsOf::kOthers},
    {"create", "*", EffectsOf::kOthers},
    {"remove", "*", EffectsOf::kOthers},
    {"open", "*", EffectsOf::kOthers},
    {"read", "*", EffectsOf::kReads},
    {"*", "*", EffectsOf::kOthers},
    {"truncate", "*", EffectsOf::kOthers},
    {"prepare", "*", EffectsOf::kOthers},
    {"close", "*", EffectsOf::kOthers},
    {"list", "*", EffectsOf::kOthers},
    {"stat", "*", EffectsOf::kOthers},
    {"mkdir", "*", EffectsOf::kOthers},
    {"lock", "*", EffectsOf::kOthers},
    {"id", "*", EffectsOf::kReads},
    {"space", "", EffectsOf::kSpace},
};

// Damage is not among them: an oracle of crashes does not judge it.
inline constexpr std::string_view kSyncEffects[] = {
    "fails-keeps-new", "fails-reverts", "eio",  "enospc", "done-eio",
    "eintr",           "fails-late",    "lost", "lies"};
inline constexpr std::string_view kWriteEffects[] = {
    "enospc",   "eio",       "done-eio",  "short:1",      "short:24",
    "short:70", "short:100", "short:512", "short:100000", "torn:1",
    "torn:24",  "torn:70",   "torn:512",  "eintr"};
inline constexpr std::string_view kReadEffects[] = {"eio", "eintr", "emfile"};
inline constexpr std::string_view kOtherEffects[] = {
    "eio", "enospc", "emfile", "done-eio", "eintr", "eacces"};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_CRASH_CODES_H_
