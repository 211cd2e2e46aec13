#include "kvd/record_writer.h"

#include "kvd/json.h"

namespace holdfast::kvd {
namespace {

// A key that begins with { would make the file look like JSON lines.
void AppendKey(std::string_view key, Notation notation, std::string* dst) {
  if (notation != Notation::kHex && key.starts_with('{')) {
    dst->append("\\x7b");
    key.remove_prefix(1);
  }
  AppendText(notation, key, dst);
}

}  // namespace

void AppendJsonLine(std::string_view key, std::string_view value, bool hex,
                    std::string* dst) {
  Json record = Json::object();
  SetBytes("key", key, hex, &record);
  SetBytes("value", value, hex, &record);
  dst->append(WriteJson(record));
  dst->push_back('\n');
}

void AppendTsvLine(std::string_view key, std::string_view value,
                   Notation notation, std::string* dst) {
  AppendKey(key, notation, dst);
  dst->push_back('\t');
  AppendText(notation, value, dst);
  dst->push_back('\n');
}

void AppendJsonKeyLine(std::string_view key, bool hex, std::string* dst) {
  Json record = Json::object();
  SetBytes("key", key, hex, &record);
  dst->append(WriteJson(record));
  dst->push_back('\n');
}

void AppendTextKeyLine(std::string_view key, Notation notation,
                       std::string* dst) {
  AppendKey(key, notation, dst);
  dst->push_back('\n');
}

}  // namespace holdfast::kvd
