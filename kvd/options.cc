#include "kvd/options.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace holdfast::kvd {
namespace {

// Before a word that begins with [. No such word begins with it by itself but
// for the one that a user took much trouble to type, which is protected too.
constexpr char kProtection = '\x01';

std::string ProtectWord(std::string word) {
  if (word.starts_with('[') || word.starts_with(kProtection)) {
    word.insert(word.begin(), kProtection);
  }
  return word;
}

std::string RestoreWord(const std::string& word) {
  return word.starts_with(kProtection) ? word.substr(1) : word;
}

// Whether `name`, with its dashes, is an option that needs a value.
bool TakesValue(const CLI::App& app, const std::string& name) {
  if (!name.starts_with('-')) return false;
  const CLI::Option* const option = app.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_min() > 0;
}

// The library's own words for the choices would repeat those of type_name.
CLI::Validator OneOf(const std::vector<std::string>& choices) {
  return CLI::IsMember(choices).description("");
}

// An option whose value is a word that `parse` understands. The exception is
// the library's way to be told of a wrong value; cli.cc catches it.
template <typename Parse>
void AddParsed(CLI::App& app, const std::string& name, const std::string& help,
               const std::string& type, uint64_t* value, Parse parse) {
  const auto set = [name, value, parse](const std::string& word) {
    const absl::StatusOr<uint64_t> parsed = parse(RestoreWord(word));
    if (!parsed.ok()) {
      throw CLI::ValidationError(name, std::string(parsed.status().message()));
    }
    *value = *parsed;
  };
  app.add_option_function<std::string>(name, set, help)->type_name(type);
}

}  // namespace

std::string RestoreMessage(std::string_view message) {
  return absl::StrReplaceAll(message, {{"\x01[", "["}, {"\x01\x01", "\x01"}});
}

absl::StatusOr<uint64_t> ParseCount(std::string_view text) {
  uint64_t count = 0;
  if (text.empty() ||
      text.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(text, &count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a number from 0 to ", UINT64_MAX));
  }
  return count;
}

absl::StatusOr<uint64_t> ParseByteCount(std::string_view text) {
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  std::string_view digits = text;
  int shift = 0;
  for (int i = 0; i < 4; ++i) {
    if (!text.ends_with(kUnits[i])) continue;
    digits.remove_suffix(kUnits[i].size());
    shift = 10 * (i + 1);
  }
  const absl::StatusOr<uint64_t> count = ParseCount(digits);
  if (!count.ok() || *count > UINT64_MAX >> shift) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" is not a number of bytes like 65536 or 64KiB"));
  }
  return *count << shift;
}

void AddCount(CLI::App& app, const std::string& name, const std::string& help,
              uint64_t* count) {
  AddParsed(app, name, help, "N", count, ParseCount);
}

void AddByteCount(CLI::App& app, const std::string& name,
                  const std::string& help, uint64_t* bytes) {
  AddParsed(app, name, help, "BYTES", bytes, ParseByteCount);
}

std::vector<std::string> ProtectWords(const CLI::App& app,
                                      const std::vector<std::string>& words) {
  std::vector<std::string> protected_words;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      for (; i < words.size(); ++i) {
        protected_words.push_back(ProtectWord(words[i]));
      }
      break;
    }
    const bool is_long = word.starts_with("--");
    const size_t name_bytes = is_long ? std::min(word.find('='), word.size())
                                      : std::min<size_t>(word.size(), 2);
    const std::string name = word.substr(0, name_bytes);
    if (!TakesValue(app, name)) {
      protected_words.push_back(ProtectWord(word));
      continue;
    }
    protected_words.push_back(name);
    if (name_bytes < word.size()) {
      const size_t value = name_bytes + (is_long ? 1 : 0);
      protected_words.push_back(ProtectWord(word.substr(value)));
    } else if (i + 1 < words.size()) {
      protected_words.push_back(ProtectWord(words[++i]));
    }
  }
  return protected_words;
}

void AddWord(CLI::App& app, const std::string& name, const std::string& help,
             std::string* word) {
  const auto set = [word](const std::string& given) {
    *word = RestoreWord(given);
  };
  app.add_option_function<std::string>(name, set, help)
      ->required(!name.starts_with('-'))
      ->type_name(name.starts_with('-') ? "TEXT" : "");
}

void AddChoice(CLI::App& app, const std::string& name, const std::string& help,
               const std::vector<std::string>& choices, std::string* choice) {
  app.add_option(name, *choice, help)
      ->check(OneOf(choices))
      ->type_name(absl::StrJoin(choices, "|"));
}

void AddOptionalArgument(CLI::App& app, const std::string& name,
                         const std::string& help, std::string* word) {
  const auto set = [word](const std::string& given) {
    *word = RestoreWord(given);
  };
  app.add_option_function<std::string>(name, set, help)->type_name("");
}

void AddOptionalWord(CLI::App& app, const std::string& name,
                     const std::string& help,
                     std::optional<std::string>* word) {
  const auto set = [word](const std::string& given) {
    *word = RestoreWord(given);
  };
  app.add_option_function<std::string>(name, set, help)->type_name("TEXT");
}

void AddWords(CLI::App& app, const std::string& name, const std::string& help,
              std::vector<std::string>* words) {
  const auto set = [words](const std::vector<std::string>& given) {
    for (const std::string& word : given) words->push_back(RestoreWord(word));
  };
  app.add_option_function<std::vector<std::string>>(name, set, help)
      ->required()
      ->type_name("");
}

void AddDatabase(CLI::App& app, DatabaseOptions* database) {
  AddWord(app, "DB", "The database's directory", &database->path);
}

void AddTuning(CLI::App& app, DatabaseOptions* database) {
  Options& options = database->options;
  AddByteCount(app, "--memtable-bytes",
               "Write a table after so much (default 64MiB)",
               &options.memtable_bytes);
  AddByteCount(app, "--table-bytes",
               "Size of tables that compaction writes (default 32MiB)",
               &options.table_bytes);
  AddByteCount(app, "--level1-bytes", "Size of level 1 (default 256MiB)",
               &options.level1_bytes);
  const std::map<std::string, Compression> compressions = {
      {"none", Compression::kNone},
      {"lz4", Compression::kLz4},
      {"zstd", Compression::kZstd}};
  const auto set = [&options, compressions](const std::string& word) {
    options.compression = compressions.at(word);
  };
  app.add_option_function<std::string>("--compression", set,
                                       "How blocks are written (default lz4)")
      ->check(OneOf({"none", "lz4", "zstd"}))
      ->type_name("none|lz4|zstd");
}

}  // namespace holdfast::kvd
