// kvd: looks into and changes Holdfast databases. See docs/kvd.md.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "engine/format/format_version.h"
#include "holdfast/env/env.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "kvd/cli.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/exit_code.h"
#include "kvd/interrupt.h"
#include "kvd/output.h"

namespace holdfast::kvd {
namespace {

// Gives the three standard descriptors something when the caller closed them:
// otherwise the first file of the database would become standard output. What
// they get fails when it is used, as a closed one does.
void OccupyStandardDescriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // open gives the lowest free number, which is this one.
    (void)open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
  }
}

// An environment whose file system fails as planned.
class FaultyEnv final : public Env {
 public:
  FaultyEnv(Env& base, const FaultPlan& plan)
      : base_(base), faults_(&base.file_system(), nullptr, &base.clock()) {
    faults_.SetPlan(plan);
  }

  FileSystem& file_system() override { return faults_; }
  Clock& clock() override { return base_.clock(); }
  Executor& executor() override { return base_.executor(); }

  const FaultFileSystem& faults() const { return faults_; }

 private:
  Env& base_;
  FaultFileSystem faults_;
};

// Runs the command with the file system of its --fault-plan, and says in the
// end which of the faults never happened: a run that was to show something and
// did not.
absl::StatusOr<ExitCode> RunWithFaults(Command& command, Session& session) {
  HF_ASSIGN_OR_RETURN(const FaultPlan plan,
                      FaultPlan::Parse(*command.common().fault_plan));
  FaultyEnv env(session.env, plan);
  Session faulty = {.env = env,
                    .out = session.out,
                    .messages = session.messages,
                    .interrupts = session.interrupts,
                    .out_is_terminal = session.out_is_terminal,
                    .messages_is_terminal = session.messages_is_terminal};
  absl::StatusOr<ExitCode> result = command.Run(faulty);
  const std::string never = env.faults().NeverFired();
  if (!never.empty()) {
    (void)session.messages.Write(
        absl::StrCat("kvd: fault plan: never fired: ", never, "\n"));
  }
  return result;
}

absl::StatusOr<ExitCode> RunCommand(Command& command, Output& out,
                                    ByteSink& messages) {
  // Before any thread, so that all of them inherit the blocked signals.
  std::optional<Interrupts> interrupts;
  if (command.PollsInterrupts()) interrupts.emplace();
  const std::unique_ptr<Env> env = NewPosixEnv();
  Session session = {
      .env = *env,
      .out = out,
      .messages = messages,
      .interrupts = interrupts.has_value() ? &*interrupts : nullptr,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .messages_is_terminal = isatty(STDERR_FILENO) == 1};
  return command.common().fault_plan.has_value()
             ? RunWithFaults(command, session)
             : command.Run(session);
}

int Main(const std::vector<std::string>& arguments) {
  OccupyStandardDescriptors();
  // A closed pipe is an error of the write, told like any other.
  signal(SIGPIPE, SIG_IGN);
  DescriptorSink standard_output(STDOUT_FILENO, "standard output");
  DescriptorSink messages(STDERR_FILENO, "standard error");
  Output out(standard_output);

  const std::vector<std::unique_ptr<Command>> commands = NewCommands();
  const CommandLine line = ParseCommandLine(
      arguments, commands,
      absl::StrCat("kvd 0.1.0 (format version ", kFormatVersion, ")"));
  ExitCode exit_code = line.exit_code;
  absl::Status status = out.Write(line.output);
  (void)messages.Write(line.message);  // Nobody is left to be told.
  std::string name;
  if (status.ok() && line.command != nullptr) {
    name = absl::StrCat(line.command->about().name, ": ");
    const absl::StatusOr<ExitCode> result =
        RunCommand(*line.command, out, messages);
    status = result.status();
    if (result.ok()) exit_code = *result;
  }
  // Also after an error: what was found before it is worth seeing.
  const absl::Status flushed = out.Flush();
  if (status.ok()) status = flushed;
  if (status.ok()) return static_cast<int>(exit_code);
  (void)messages.Write(absl::StrCat("kvd: ", name, status.message(), "\n"));
  return static_cast<int>(ExitCodeOf(status));
}

}  // namespace
}  // namespace holdfast::kvd

int main(int argc, char** argv) {
  return holdfast::kvd::Main(std::vector<std::string>(argv + 1, argv + argc));
}
