// Fault plans, and options out of their range, that operands stand for.
//
// Thread-safe.

#ifndef HOLDFAST_FUZZ_ENGINE_MISUSE_FAULTS_H_
#define HOLDFAST_FUZZ_ENGINE_MISUSE_FAULTS_H_

#include <cstdint>
#include <string_view>

#include "fuzz/engine/op_bytes.h"
#include "holdfast/options.h"
#include "holdfast/testing/fault_plan.h"

namespace holdfast {

inline constexpr uint8_t kFaultKinds = 44;

// Takes WHAT (below kFaultKinds) PATH FIRST TIMES and two operands of ARGUMENT:
// a rule, and another when there are more operands.
FaultPlan TakeFaultPlan(OpReader* reader);

// A read gives other bytes than are in the file.
bool FlipsReads(const FaultPlan& plan);
// A sync fails though the fault has ended by then; the one that lost the data
// had said that all is well.
bool FailsLate(const FaultPlan& plan);
// What the process could read was not written, and may be gone.
bool LosesCache(const FaultPlan& plan);

inline constexpr uint8_t kOptionFields = 16;
// Puts a field of valid options out of its range, below or above. RETURNS its
// name, which the refusal must say. REQUIRES: field < kOptionFields.
std::string_view Spoil(uint8_t field, bool above, Options* options);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_MISUSE_FAULTS_H_
