#include "fuzz/engine/ops_seeds.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "fuzz/engine/db_ops.h"
#include "fuzz/engine/misuse_faults.h"
#include "fuzz/engine/misuse_ops.h"
#include "fuzz/engine/op_bytes.h"
#include "fuzz/engine/op_values.h"

namespace holdfast {
namespace {

constexpr uint8_t Code(DbOp op) { return static_cast<uint8_t>(op); }
constexpr uint8_t Code(MisuseOp op) { return static_cast<uint8_t>(op); }

// --- The reference workloads of the crash explorer ---------------------------

// Says in operations what a workload says in words, as far as there are
// operations for it: no faults, one database.
class Translator {
 public:
  std::string Translate(const Workload& workload) {
    for (const WorkloadStep& step : workload.steps) {
      if (step.expect != WorkloadStep::Expect::kSuccess) continue;
      Add(step);
    }
    return out_.bytes();
  }

 private:
  unsigned KeyOperand(std::string_view word) {
    if (absl::StrContains(word, '^')) return kLongStems;
    const auto next = static_cast<unsigned>(keys_.size());
    return keys_.emplace(word, next % kLongStems).first->second;
  }
  static unsigned ValueOperand(std::string_view word) {
    unsigned kind = static_cast<unsigned>(ValueKind::kRandom);
    size_t size = word.size();
    if (word[0] == '*' || word[0] == '~') {
      if (word[0] == '~') kind = static_cast<unsigned>(ValueKind::kRuns);
      if (!absl::SimpleAtoi(word.substr(1), &size)) size = 0;
    }
    return kind * kValueSizes + ValueSizeIndex(size);
  }
  static unsigned How(const WorkloadStep& step) {
    const auto says = [&](std::string_view word) {
      return std::find(step.words.begin(), step.words.end(), word) !=
             step.words.end();
    };
    return says("sync") ? 1 : says("nolog") ? 2 : 0;
  }

  void Open(const WorkloadStep& step) {
    if (opened_) {
      out_.Op(Code(DbOp::kReopen));
    } else {
      out_.Operands({1});  // Looks again in the end.
    }
    opened_ = true;
    unsigned choices[kOptionOperands] = {};
    for (const std::string& word : step.words) {
      if (word == "compression=zstd") choices[kOptCompression] = 2;
      if (word == "bloom=10") choices[kOptFilter] = 1;
      if (word == "block=512") choices[kOptBlock] = 2;
      if (word == "cache=4k") choices[kOptCache] = 1;
      if (word == "restart=1") choices[kOptRestart] = 1;
      if (word == "memtable=1024k") choices[kOptMemtable] = 3;
      if (word == "memtables=3") choices[kOptMemtables] = 1;
      if (word == "l0=1") choices[kOptLevel0] = 1;
      if (word == "l0=2") choices[kOptLevel0] = 3;
      if (word == "noauto=1") choices[kOptNoAuto] = 1;
    }
    for (const unsigned choice : choices) out_.Operands({choice});
  }

  void Batch(const WorkloadStep& step) {
    out_.Op(Code(DbOp::kBatch), {How(step)});
    for (const std::string& word : step.words) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      if (parts.second.empty()) continue;
      out_.Operands(
          {KeyOperand(parts.first),
           parts.second == "-" ? kDeletes : ValueOperand(parts.second)});
    }
  }

  void Add(const WorkloadStep& step) {
    const std::string& verb = step.verb;
    const auto& words = step.words;
    if (verb == "open") {
      Open(step);
    } else if (verb == "kill") {
      out_.Op(Code(DbOp::kKill));
    } else if (verb == "destroy") {
      out_.Op(Code(DbOp::kRecreate));
    } else if (verb == "put") {
      out_.Op(Code(DbOp::kPut),
              {How(step), KeyOperand(words[0]), ValueOperand(words[1])});
    } else if (verb == "del") {
      out_.Op(Code(DbOp::kDelete), {How(step), KeyOperand(words[0])});
    } else if (verb == "batch") {
      Batch(step);
    } else if (verb == "fill") {
      unsigned count = 0;
      if (!absl::SimpleAtoi(words[0], &count)) return;
      out_.Op(Code(DbOp::kFill), {How(step), count - 1,
                                  ValueOperand(absl::StrCat("*", words[1]))});
    } else if (verb == "flush") {
      out_.Op(Code(DbOp::kFlush));
    } else if (verb == "syncwal") {
      out_.Op(Code(DbOp::kSyncWal));
    } else if (verb == "compact") {
      out_.Op(Code(DbOp::kCompact));
      for (const std::string& word : words) {
        out_.Operands({KeyOperand(word)});
      }
    } else if (verb == "verify") {
      out_.Op(Code(DbOp::kVerify));
    } else if (verb == "work") {
      out_.Op(Code(DbOp::kWork));
    } else if (verb == "idle") {
      out_.Op(Code(DbOp::kWaitForWork));
    } else if (verb == "snapshot") {
      out_.Op(Code(DbOp::kTakeSnapshot));
    } else if (verb == "iterator") {
      out_.Op(Code(DbOp::kNewIterator)).Op(Code(DbOp::kSeekToFirst));
    } else if (verb == "check") {
      out_.Op(Code(DbOp::kCheckAll), {kReadAtSnapshot});
      out_.Op(Code(DbOp::kWalk), {0, 31});
    } else if (verb == "release") {
      out_.Op(Code(DbOp::kDropSnapshot)).Op(Code(DbOp::kDropIterator));
    } else if (verb == "read") {
      out_.Op(Code(DbOp::kCheckAll));
    }
  }

  OpWriter out_;
  std::map<std::string, unsigned, std::less<>> keys_;
  bool opened_ = false;
};

void AddWorkloads(SeedSink& sink) {
  for (const ReferenceWorkload& workload : ReferenceWorkloads()) {
    sink.Add("db_ops_fuzz", absl::StrCat("workload-", workload.name),
             Translator().Translate(workload.Parsed()));
  }
}

// --- Each option -------------------------------------------------------------

constexpr std::string_view kOptionNames[kOptionOperands] = {
    "compression", "block",       "restart", "filter", "cache",
    "memtable",    "memtables",   "table",   "level0", "level1",
    "multiplier",  "open-tables", "roll",    "no-auto"};

// What makes tables, overwrites and deletes what is in them, and reads them.
void AddTour(OpWriter* out) {
  const unsigned runs = 1 * kValueSizes;
  out->Op(Code(DbOp::kFill), {0, 7, runs + ValueSizeIndex(1000)})
      .Op(Code(DbOp::kFlush))
      .Op(Code(DbOp::kFill), {0, 3, ValueSizeIndex(400)})
      .Op(Code(DbOp::kTakeSnapshot))
      .Op(Code(DbOp::kBatch), {1, 0, 3, 1, kDeletes, 2, 5, kLongStems, 0, 30})
      .Op(Code(DbOp::kNewIterator))
      .Op(Code(DbOp::kSeekToLast))
      .Op(Code(DbOp::kWalk), {0, 6, 0x7f})
      .Op(Code(DbOp::kFlush))
      .Op(Code(DbOp::kDelete), {0, 0})
      .Op(Code(DbOp::kGet), {0, 40})
      .Op(Code(DbOp::kWork), {0})
      .Op(Code(DbOp::kGetPinned), {kReadAtSnapshot, 2})
      .Op(Code(DbOp::kCompact))
      .Op(Code(DbOp::kWalk), {0, 12, 0x55})
      .Op(Code(DbOp::kCheckAll), {kReadAtSnapshot})
      .Op(Code(DbOp::kDropSnapshot))
      .Op(Code(DbOp::kKill));
}

void AddOptions(SeedSink& sink) {
  for (uint8_t i = 0; i < kOptionOperands; ++i) {
    const uint8_t choices = OptionChoices(static_cast<OptionOperand>(i));
    for (unsigned choice = 0; choice < choices; ++choice) {
      // All alike at 0.
      if (choice == 0 && i > 0) continue;
      OpWriter out;
      out.Operands({0});  // Dies and is opened in the end anyway.
      for (uint8_t j = 0; j < i; ++j) out.Operands({0});
      out.Operands({choice});
      AddTour(&out);
      sink.Add("db_ops_fuzz",
               absl::StrCat("option-", kOptionNames[i], "-", choice),
               out.bytes());
    }
  }
}

// --- Misuse ------------------------------------------------------------------

void AddMisuseSeed(SeedSink& sink, std::string_view name,
                   const OpWriter& writer) {
  sink.Add("api_misuse_fuzz", name, writer.bytes());
}

// A call fails amid writing; then, by turns, Resume or a new process.
void AddFaults(SeedSink& sink) {
  for (unsigned kind = 0; kind < kFaultKinds; ++kind) {
    OpWriter out;
    out.Op(Code(MisuseOp::kPut), {1, 0, 4})
        .Op(Code(MisuseOp::kTakeSnapshot))
        .Op(Code(MisuseOp::kFault), {kind, 0, 0, 1, 30, 0})
        .Op(Code(MisuseOp::kPut), {0, 1, 5})
        .Op(Code(MisuseOp::kPut), {1, 0, 6})
        .Op(Code(MisuseOp::kFlush))
        .Op(Code(MisuseOp::kReadAll));
    if (kind % 2 == 0) {
      out.Op(Code(MisuseOp::kKill)).Op(Code(MisuseOp::kOpen), {1});
    }
    out.Op(Code(MisuseOp::kHeal))
        .Op(Code(MisuseOp::kResume))
        .Op(Code(MisuseOp::kDelete), {1, 0});
    AddMisuseSeed(sink, absl::StrCat("fault-", kind), out);
  }
}

void AddMisuse(SeedSink& sink) {
  for (unsigned field = 0; field < kOptionFields; ++field) {
    OpWriter out;
    out.Op(Code(MisuseOp::kOpenSpoiled), {field, 0})
        .Op(Code(MisuseOp::kOpenSpoiled), {field, 1});
    AddMisuseSeed(sink, absl::StrCat("spoiled-option-", field), out);
  }
  OpWriter elsewhere;
  for (unsigned where = 0; where < 6; ++where) {
    elsewhere.Op(Code(MisuseOp::kOpenElsewhere), {where});
  }
  AddMisuseSeed(sink, "no-place-for-a-database", elsewhere);
  OpWriter twice;
  twice.Op(Code(MisuseOp::kOpen), {kOpenCreates})
      .Op(Code(MisuseOp::kDestroy))
      .Op(Code(MisuseOp::kClose))
      .Op(Code(MisuseOp::kOpen), {kOpenCreates | kOpenExclusive})
      .Op(Code(MisuseOp::kDestroy))
      .Op(Code(MisuseOp::kOpen))
      .Op(Code(MisuseOp::kUse), {1})
      .Op(Code(MisuseOp::kOpen), {kOpenCreates | kOpenExclusive});
  AddMisuseSeed(sink, "opened-twice-and-destroyed", twice);
  OpWriter closed;
  closed.Op(Code(MisuseOp::kPut), {2, 0, 5}).Op(Code(MisuseOp::kClose));
  for (unsigned call = 0; call < 14; ++call) {
    closed.Op(Code(MisuseOp::kUseClosed), {call});
  }
  AddMisuseSeed(sink, "used-after-close", closed);
  OpWriter large;
  for (unsigned what = 0; what < 4; ++what) {
    large.Op(Code(MisuseOp::kTooLarge), {what});
  }
  large.Op(Code(MisuseOp::kBatch), {1})
      .Op(Code(MisuseOp::kManyChanges), {0, 10, 3})
      .Op(Code(MisuseOp::kPut), {3, 0, 4})
      .Op(Code(MisuseOp::kCompact), {1, 0});
  AddMisuseSeed(sink, "too-much-and-nothing", large);
  OpWriter snapshots;
  snapshots.Op(Code(MisuseOp::kTakeSnapshot))
      .Op(Code(MisuseOp::kWrongSnapshot), {0, 0})
      .Op(Code(MisuseOp::kClose))
      .Op(Code(MisuseOp::kOpen))
      .Op(Code(MisuseOp::kWrongSnapshot), {2, 0})
      .Op(Code(MisuseOp::kUse), {1})
      .Op(Code(MisuseOp::kOpen), {kOpenCreates})
      .Op(Code(MisuseOp::kWrongSnapshot), {1, 0})
      .Op(Code(MisuseOp::kHoldIterator))
      .Op(Code(MisuseOp::kPut), {0, 0, 4})
      .Op(Code(MisuseOp::kCheckHeld))
      .Op(Code(MisuseOp::kDropOpen));
  AddMisuseSeed(sink, "snapshots-of-others", snapshots);
  for (unsigned what = 0; what < 8; ++what) {
    for (unsigned file = 0; file < 5; ++file) {
      OpWriter out;
      out.Op(Code(MisuseOp::kBatch), {1, 0, 4, 1, 6, 2, kDeletes})
          .Op(Code(MisuseOp::kFlush))
          .Op(Code(MisuseOp::kPut), {0, 3, 5})
          .Op(Code(MisuseOp::kClose))
          .Op(Code(MisuseOp::kDamage), {what, file, 77, 0, file});
      AddMisuseSeed(sink, absl::StrCat("damage-", what, "-of-file-", file),
                    out);
    }
  }
}

}  // namespace

void AddOpsSeeds(SeedSink& sink) {
  AddWorkloads(sink);
  AddOptions(sink);
  AddFaults(sink);
  AddMisuse(sink);
}

}  // namespace holdfast
