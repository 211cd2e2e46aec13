// Tells a person what happened on a path: calls, marks, what each crash took
// away and left, what recovery did, and what was wrong in the end.

#ifndef HOLDFAST_CHAOS_EXPLORER_TIMELINE_H_
#define HOLDFAST_CHAOS_EXPLORER_TIMELINE_H_

#include <string>

#include "chaos/explorer/crash_path.h"

namespace holdfast {

// REQUIRES: `walk` is of `path`, with details, and fits.
std::string Timeline(const CrashPath& path, const Walk& walk);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_TIMELINE_H_
