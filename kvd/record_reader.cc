#include "kvd/record_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "kvd/json.h"

namespace holdfast::kvd {

absl::StatusOr<std::unique_ptr<RecordReader>> RecordReader::Open(
    const std::string& path, RecordReaderOptions options, int interrupt) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source,
                      OpenInput(path, interrupt));
  return std::make_unique<RecordReader>(
      std::move(source), path == "-" ? kStdinName : path, std::move(options));
}

RecordReader::RecordReader(std::unique_ptr<ByteSource> source, std::string name,
                           RecordReaderOptions options)
    : name_(std::move(name)),
      options_(std::move(options)),
      lines_(NewDecompressingSource(std::move(source), name_),
             options_.max_line_bytes) {}

absl::StatusOr<bool> RecordReader::Next(Record* record) {
  std::string_view line;
  do {
    const absl::StatusOr<bool> more = lines_.Next(&line);
    if (!more.ok()) {
      // A line that is too long; the errors of the file itself name it.
      if (!absl::IsInvalidArgument(more.status())) return more.status();
      return Annotate(more.status(), absl::StrCat(name_, ":", lines_.line()));
    }
    if (!*more) return false;
  } while (line.empty());
  const absl::Status parsed = ParseLine(line, record);
  if (!parsed.ok()) {
    return Annotate(parsed, absl::StrCat(name_, ":", lines_.line()));
  }
  return true;
}

absl::Status RecordReader::ParseLine(std::string_view line, Record* record) {
  if (options_.format == RecordFormat::kAuto) {
    options_.format =
        line[0] == '{' ? RecordFormat::kJsonLines : RecordFormat::kTsv;
  }
  return options_.format == RecordFormat::kTsv ? ParseTsvLine(line, record)
                                               : ParseJsonLine(line, record);
}

absl::Status RecordReader::ParseJsonLine(std::string_view line,
                                         Record* record) const {
  HF_ASSIGN_OR_RETURN(const Json json, ParseJson(line));
  if (options_.key_template.has_value()) {
    HF_ASSIGN_OR_RETURN(record->key,
                        options_.key_template->Expand(json, lines_.line()));
    record->value.assign(line);
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> key = GetBytes("key", json);
  if (!key.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        key.status().message(),
        " in the record; a file that kvd did not write needs a key template"));
  }
  record->key = *std::move(key);
  HF_ASSIGN_OR_RETURN(record->value, GetBytes("value", json));
  return absl::OkStatus();
}

absl::Status RecordReader::ParseTsvLine(std::string_view line,
                                        Record* record) const {
  if (options_.key_template.has_value()) {
    return absl::InvalidArgumentError("a key template is for JSON records");
  }
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) {
    return absl::InvalidArgumentError(
        "no tab between a key and a value in this line");
  }
  const std::string_view value = line.substr(tab + 1);
  if (value.find('\t') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        "more than two columns; write a tab in a key or value as \\t");
  }
  absl::StatusOr<std::string> key =
      DecodeText(options_.notation, line.substr(0, tab));
  if (!key.ok()) return Annotate(key.status(), "key");
  record->key = *std::move(key);
  absl::StatusOr<std::string> bytes = DecodeText(options_.notation, value);
  if (!bytes.ok()) return Annotate(bytes.status(), "value");
  record->value = *std::move(bytes);
  return absl::OkStatus();
}

}  // namespace holdfast::kvd
