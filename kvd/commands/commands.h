// All commands of kvd. Each is in a file of its own name; what it does and its
// options are in its help and in docs/kvd.md.

#ifndef HOLDFAST_KVD_COMMANDS_COMMANDS_H_
#define HOLDFAST_KVD_COMMANDS_COMMANDS_H_

#include <memory>
#include <vector>

#include "kvd/command.h"

namespace holdfast::kvd {

std::unique_ptr<Command> NewPutCommand();
std::unique_ptr<Command> NewGetCommand();
std::unique_ptr<Command> NewDelCommand();
std::unique_ptr<Command> NewScanCommand();
std::unique_ptr<Command> NewLoadCommand();
std::unique_ptr<Command> NewDumpCommand();
std::unique_ptr<Command> NewCompactCommand();
std::unique_ptr<Command> NewStatsCommand();
std::unique_ptr<Command> NewVerifyCommand();
std::unique_ptr<Command> NewDumpSstableCommand();
std::unique_ptr<Command> NewDumpWalCommand();
std::unique_ptr<Command> NewDumpManifestCommand();

// In the order in which help lists them.
std::vector<std::unique_ptr<Command>> NewCommands();

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_COMMANDS_COMMANDS_H_
