// Records (a key and a value each) from a text file, one a line. Formats:
//
//   jsonl  with a key template: any JSON object; its key is what the template
//          says, its value the bytes of the line. Without one: an object with
//          "key" or "key_hex" and "value" or "value_hex", as `kvd dump` writes.
//   tsv    key, tab, value, both in a notation of kvd/text.h.
//
// Empty lines are skipped. Either may be an LZ4 frame.
//
//   auto reader = RecordReader::Open("cities.jsonl.lz4", options);
//   Record record;
//   while (*(*reader)->Next(&record)) ...
//
// Errors name the file, the line and what is wrong with it.
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_RECORD_READER_H_
#define HOLDFAST_KVD_RECORD_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvd/input.h"
#include "kvd/key_template.h"
#include "kvd/text.h"

namespace holdfast::kvd {

struct Record {
  std::string key;
  std::string value;
};

enum class RecordFormat {
  kAuto,  // jsonl when the first line that is not empty begins with {.
  kJsonLines,
  kTsv,
};

struct RecordReaderOptions {
  RecordFormat format = RecordFormat::kAuto;
  // How a tsv column is written.
  Notation notation = Notation::kEscaped;
  std::optional<KeyTemplate> key_template = std::nullopt;  // For jsonl.
  size_t max_line_bytes = size_t{64} << 20;
};

class RecordReader {
 public:
  // Opens a file, or standard input for "-". `interrupt` as in OpenInput.
  static absl::StatusOr<std::unique_ptr<RecordReader>> Open(
      const std::string& path, RecordReaderOptions options,
      int interrupt = kNoDescriptor);

  // `name` is for messages.
  RecordReader(std::unique_ptr<ByteSource> source, std::string name,
               RecordReaderOptions options);

  // Reads the next record. RETURNS false at the end. After an error *record is
  // of no use, and neither is the reader.
  absl::StatusOr<bool> Next(Record* record);

  uint64_t line() const { return lines_.line(); }
  uint64_t consumed_bytes() const { return lines_.consumed_bytes(); }

 private:
  absl::Status ParseLine(std::string_view line, Record* record);
  absl::Status ParseJsonLine(std::string_view line, Record* record) const;
  absl::Status ParseTsvLine(std::string_view line, Record* record) const;

  const std::string name_;
  RecordReaderOptions options_;
  LineReader lines_;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_RECORD_READER_H_
