// Linked into a test, or into a harness, it switches on the mutant that the
// environment names: how chaos/mutants runs them. See base/mutant.h.
//
//   HOLDFAST_MUTANT=log_writer.sync bazel-bin/engine/wal/log_writer_test
//
// When the program ends in an orderly way, it adds to these files:
//   HOLDFAST_MUTANT_FIRED   a line: how often the mutant fired
//   HOLDFAST_PROBES         a line for each probe of base/sometimes.h, "1 TEXT"
//                           when it was reached and "0 TEXT" when not

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/mutant.h"
#include "base/sometimes.h"

namespace holdfast {
namespace {

void AppendTo(const char* variable, const std::string& text) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) return;
  std::FILE* const file = std::fopen(path, "a");
  if (file == nullptr) return;
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
}

class MutantSwitch {
 public:
  MutantSwitch() {
    const char* const name = std::getenv("HOLDFAST_MUTANT");
    if (name != nullptr) SetActiveMutant(name);
  }

  ~MutantSwitch() {
    AppendTo("HOLDFAST_MUTANT_FIRED", std::to_string(MutantFired()) + "\n");
    std::string probes;
    for (const ProbeState& probe : AllProbes()) {
      probes += probe.reached ? "1 " : "0 ";
      probes += probe.what;
      probes += '\n';
    }
    AppendTo("HOLDFAST_PROBES", probes);
  }
};

const MutantSwitch mutant_switch;

}  // namespace
}  // namespace holdfast
