// The programs that may notice a missing step: harnesses of the whole, and the
// tests of rooms. Each obeys the variable HOLDFAST_MUTANT, as it links
// //tests/util:mutant_switch, and ends with an exit code other than 0 when it
// finds something.

#ifndef HOLDFAST_CHAOS_MUTANTS_HARNESSES_H_
#define HOLDFAST_CHAOS_MUTANTS_HARNESSES_H_

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct Harness {
  std::string name;                // "crash" and others, or a test's label.
  std::string path;                // Of the program, in the tree of targets.
  std::vector<std::string> words;  // Its arguments.
  bool is_test = false;            // A program of GoogleTest.
};

// In the order in which they are tried.
const std::vector<Harness>& AllHarnesses();
// nullptr when there is none.
const Harness* FindHarness(std::string_view name);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_HARNESSES_H_
