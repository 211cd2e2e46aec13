// From the words of a command line to a command that is ready to run, or to
// what is to be said instead: help, version, or what is wrong. The library that
// parses throws; its exceptions end here.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_CLI_H_
#define HOLDFAST_KVD_CLI_H_

#include <memory>
#include <string>
#include <vector>

#include "kvd/command.h"
#include "kvd/exit_code.h"

namespace holdfast::kvd {

struct CommandLine {
  Command* command = nullptr;  // One of the given ones; nullptr: do nothing.
  std::string output;          // For standard output.
  std::string message;         // For standard error.
  ExitCode exit_code = ExitCode::kDone;  // When there is no command.
};

// Parses `arguments`, the words after the program's name, into the command that
// they name. `version` is what --version says.
CommandLine ParseCommandLine(
    const std::vector<std::string>& arguments,
    const std::vector<std::unique_ptr<Command>>& commands,
    const std::string& version);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_CLI_H_
