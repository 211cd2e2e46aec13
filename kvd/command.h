// What a kvd command is: a name, options, and a thing to do.
//
// Life of a command: made (commands/commands.h), AddOptions, its options are
// parsed (cli.h), Run.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_COMMAND_H_
#define HOLDFAST_KVD_COMMAND_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/env.h"
#include "kvd/exit_code.h"
#include "kvd/interrupt.h"
#include "kvd/output.h"
#include "kvd/text.h"

namespace CLI {
class App;
}  // namespace CLI

namespace holdfast::kvd {

// What a command may use. Data goes to `out`, everything else to `messages`.
struct Session {
  Env& env;
  Output& out;
  ByteSink& messages;
  Interrupts* interrupts = nullptr;  // Of commands that poll for them.
  bool out_is_terminal = false;
  bool messages_is_terminal = false;
};

// Options that every command has.
struct CommonOptions {
  bool json = false;   // One JSON object, or JSON lines, on standard output.
  bool hex = false;    // Keys and values are hex, in arguments and in output.
  bool quiet = false;  // Nothing on standard error but errors.
  // What goes wrong with the file system (holdfast/testing/fault_plan.h). Only
  // debug builds have the option.
  std::optional<std::string> fault_plan;
};

class Command {
 public:
  struct About {
    std::string_view name;
    std::string_view summary;   // One line.
    std::string_view examples;  // A line each, "kvd NAME ...".
  };

  virtual ~Command() = default;

  virtual const About& about() const = 0;

  // Declares arguments and options; they are stored in this command.
  virtual void AddOptions(CLI::App& app) = 0;

  // Whether Run asks session.interrupts between pieces of work. When not,
  // Ctrl-C ends the process at once.
  virtual bool PollsInterrupts() const { return false; }

  // Does it. Main flushes session.out and reports the status.
  virtual absl::StatusOr<ExitCode> Run(Session& session) = 0;

  CommonOptions& common() { return common_; }

 protected:
  bool json() const { return common_.json; }
  bool hex() const { return common_.hex; }
  Notation notation() const {
    return common_.hex ? Notation::kHex : Notation::kEscaped;
  }

  // The bytes that an argument stands for. `name` is for messages: "KEY".
  absl::StatusOr<std::string> DecodeArgument(std::string_view name,
                                             const std::string& text) const;

  // Writes a line to standard error, unless --quiet.
  void Note(Session& session, std::string_view text) const;

  // Whether progress may be drawn.
  bool ShowsProgress(const Session& session) const {
    return session.messages_is_terminal && !common_.quiet;
  }

 private:
  CommonOptions common_;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_COMMAND_H_
