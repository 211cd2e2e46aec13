#include "kvd/database.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"

namespace holdfast::kvd {
namespace {

absl::Status ExplainOpenError(const absl::Status& status,
                              const std::string& path) {
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError(absl::StrCat(
        "no database at ", path, "; `kvd load ", path,
        " FILE` or `kvd put --create ", path, " KEY VALUE` makes one"));
  }
  if (absl::IsUnavailable(status)) {
    return absl::UnavailableError(
        absl::StrCat(path,
                     " is in use, and only one process has a database "
                     "open; wait for it or stop it (",
                     status.message(), ")"));
  }
  return status;
}

}  // namespace

absl::StatusOr<ExitCode> WithDatabase(
    Session& session, const DatabaseOptions& database,
    absl::FunctionRef<absl::StatusOr<ExitCode>(DB&)> use) {
  Options options = database.options;
  options.env = &session.env;
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, database.path);
  if (!db.ok()) return ExplainOpenError(db.status(), database.path);
  absl::StatusOr<ExitCode> result = use(**db);
  const absl::Status closed = (*db)->Close();
  if (result.ok() && !closed.ok()) return Annotate(closed, "close");
  return result;
}

}  // namespace holdfast::kvd
