#include "kvd/command.h"

#include "absl/strings/str_cat.h"
#include "base/status_util.h"

namespace holdfast::kvd {

absl::StatusOr<std::string> Command::DecodeArgument(
    std::string_view name, const std::string& text) const {
  absl::StatusOr<std::string> bytes = DecodeText(notation(), text);
  if (!bytes.ok()) return Annotate(bytes.status(), name);
  return bytes;
}

void Command::Note(Session& session, std::string_view text) const {
  // Nobody is left to be told when standard error cannot be written.
  if (!common_.quiet) (void)session.messages.Write(absl::StrCat(text, "\n"));
}

}  // namespace holdfast::kvd
