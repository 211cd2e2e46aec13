// How far a harness has come, told even when it dies of a mutant.

#ifndef HOLDFAST_CHAOS_MUTANTS_PROGRESS_H_
#define HOLDFAST_CHAOS_MUTANTS_PROGRESS_H_

#include <cstdint>
#include <string_view>

namespace holdfast {

// From now on a signal that ends the process first prints "died at WHERE" and
// "N states".
void TellProgressOnDeath();

// `states` have been judged, and what comes now is `where`.
void NoteProgress(uint64_t states, std::string_view where);

// Prints "N states", as the end of a run that did not die.
void PrintStates(uint64_t states);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_PROGRESS_H_
