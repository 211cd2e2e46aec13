// Removing a database.

#ifndef HOLDFAST_ENGINE_DB_DESTROY_H_
#define HOLDFAST_ENGINE_DB_DESTROY_H_

#include <string>

#include "absl/status/status.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// See DB::Destroy. CURRENT goes first: a crash half-way leaves files that no
// one names, not a database with holes.
absl::Status DestroyDatabase(FileSystem& file_system, const std::string& dir);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_DESTROY_H_
