// Opening and closing a database around a command, with messages that tell what
// to do.

#ifndef HOLDFAST_KVD_DATABASE_H_
#define HOLDFAST_KVD_DATABASE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "holdfast/db.h"
#include "kvd/command.h"
#include "kvd/exit_code.h"
#include "kvd/options.h"

namespace holdfast::kvd {

// Opens the database, calls `use`, closes. RETURNS the first error, or what
// `use` returned. Nothing of the database may be left when `use` returns.
// Unless database.options.create_if_missing, a path without a database is
// kNotFound and nothing is made there.
absl::StatusOr<ExitCode> WithDatabase(
    Session& session, const DatabaseOptions& database,
    absl::FunctionRef<absl::StatusOr<ExitCode>(DB&)> use);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_DATABASE_H_
