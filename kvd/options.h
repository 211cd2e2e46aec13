// Options that several commands have, and kinds of options that the parsing
// library lacks or gets wrong: its numbers take "-1" and "010", its lists split
// the word "[a,b]", and "--name=" is not an empty value.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_OPTIONS_H_
#define HOLDFAST_KVD_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "holdfast/options.h"

namespace holdfast::kvd {

// A decimal number.
absl::StatusOr<uint64_t> ParseCount(std::string_view text);
// A decimal number, alone or with KiB, MiB, GiB or TiB.
absl::StatusOr<uint64_t> ParseByteCount(std::string_view text);

// What the words after a command's name must be for the library to take them as
// they are meant, in the same order. It splits a word or value that begins with
// [: such a word is hidden, and the options below give it back as it was. And
// it takes the value of "--name=" from the next word: here all values are words
// of their own. REQUIRES: `app` has its options.
std::vector<std::string> ProtectWords(const CLI::App& app,
                                      const std::vector<std::string>& words);

// A message of the library's with the words in it as they were.
std::string RestoreMessage(std::string_view message);

// Each declares an option that sets its last argument, which must outlive the
// parsing. A name with dashes is that of an option, one without is that of an
// argument, which must be given.
void AddCount(CLI::App& app, const std::string& name, const std::string& help,
              uint64_t* count);
void AddByteCount(CLI::App& app, const std::string& name,
                  const std::string& help, uint64_t* bytes);
void AddWord(CLI::App& app, const std::string& name, const std::string& help,
             std::string* word);
void AddOptionalWord(CLI::App& app, const std::string& name,
                     const std::string& help, std::optional<std::string>* word);
// An option with one of a few values.
void AddChoice(CLI::App& app, const std::string& name, const std::string& help,
               const std::vector<std::string>& choices, std::string* choice);
// An argument that may be left out.
void AddOptionalArgument(CLI::App& app, const std::string& name,
                         const std::string& help, std::string* word);
// The arguments that are left, one or more.
void AddWords(CLI::App& app, const std::string& name, const std::string& help,
              std::vector<std::string>* words);

// A database on the command line.
struct DatabaseOptions {
  std::string path;
  Options options;
};

// DB, the first argument.
void AddDatabase(CLI::App& app, DatabaseOptions* database);

// --memtable-bytes and others, for commands that write tables.
void AddTuning(CLI::App& app, DatabaseOptions* database);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_OPTIONS_H_
