// Linked into a test, or into a harness, it switches on the mutant that the
// environment names: how chaos/mutants runs them. See base/mutant.h.
//
//   HOLDFAST_MUTANT=log_writer.sync bazel-bin/engine/wal/log_writer_test
//
// At the end it adds a line to the file HOLDFAST_MUTANT_FIRED: how often the
// mutant fired. A program that dies adds none.

#include <cstdio>
#include <cstdlib>

#include "base/mutant.h"

namespace holdfast {
namespace {

class MutantSwitch {
 public:
  MutantSwitch() {
    const char* const name = std::getenv("HOLDFAST_MUTANT");
    if (name != nullptr) SetActiveMutant(name);
  }

  ~MutantSwitch() {
    const char* const path = std::getenv("HOLDFAST_MUTANT_FIRED");
    if (path == nullptr) return;
    std::FILE* const file = std::fopen(path, "a");
    if (file == nullptr) return;
    std::fprintf(file, "%llu\n",
                 static_cast<unsigned long long>(MutantFired()));
    std::fclose(file);
  }
};

const MutantSwitch mutant_switch;

}  // namespace
}  // namespace holdfast
