#include "kvd/commands/commands.h"

namespace holdfast::kvd {

std::vector<std::unique_ptr<Command>> NewCommands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(NewPutCommand());
  commands.push_back(NewGetCommand());
  commands.push_back(NewDelCommand());
  commands.push_back(NewScanCommand());
  commands.push_back(NewLoadCommand());
  commands.push_back(NewDumpCommand());
  commands.push_back(NewCompactCommand());
  commands.push_back(NewStatsCommand());
  commands.push_back(NewVerifyCommand());
  commands.push_back(NewDumpSstableCommand());
  commands.push_back(NewDumpWalCommand());
  commands.push_back(NewDumpManifestCommand());
  return commands;
}

}  // namespace holdfast::kvd
