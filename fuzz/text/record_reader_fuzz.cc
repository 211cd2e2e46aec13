// Records (kvd/record_reader.h and what is under it). The first bytes choose
// the options, the rest is a file. Properties: the records and the error are
// the same whatever the pieces in which the file is read (of a damaged LZ4
// frame, one of the two gives a beginning of the other); an error names the
// file and a line of it, or the file and an offset in it, and can be shown on a
// terminal; what was read, written by kvd/record_writer in each form and read
// again is the same; memory is bounded by the longest line that is allowed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/text/pieces_source.h"
#include "kvd/json.h"
#include "kvd/key_template.h"
#include "kvd/record_reader.h"
#include "kvd/record_writer.h"
#include "kvd/text.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

constexpr std::string_view kLz4Magic("\x04\x22\x4d\x18", 4);

constexpr std::string_view kTemplates[] = {
    "{a}", "city/{country}/{name}/{line:08}", "{a.b}{.line}", "{{{key}}}", ""};

// As in lz4_frame_fuzz: blocks and buffers of a frame.
constexpr size_t kFrameBytes = (size_t{8} << 20) + (size_t{320} << 10);
// The buffers of a plain file, and an error.
constexpr size_t kPlainBytes = size_t{320} << 10;
// As in json_fuzz, and the record itself.
constexpr size_t kBytesPerLineByte = 160;
// So many that a compressed file of line ends takes no second.
constexpr size_t kMostRecords = 2000;

struct Outcome {
  std::vector<std::pair<std::string, std::string>> records;
  absl::Status status;
  uint64_t line = 0;
};

Outcome ReadIt(std::string_view file, std::string_view pieces,
               const RecordReaderOptions& options) {
  RecordReader reader(std::make_unique<PiecesSource>(file, pieces), "in",
                      options);
  Outcome outcome;
  Record record;
  while (outcome.records.size() < kMostRecords) {
    const absl::StatusOr<bool> more = reader.Next(&record);
    if (!more.ok()) outcome.status = more.status();
    if (!more.ok() || !*more) break;
    outcome.records.emplace_back(record.key, record.value);
  }
  outcome.line = reader.line();
  HF_CHECK(reader.consumed_bytes() <= file.size());
  return outcome;
}

void CheckError(std::string_view file, const Outcome& outcome) {
  std::string_view message = outcome.status.message();
  HF_CHECK(IsPrintableText(message));
  uint64_t number = 0;
  if (absl::IsDataLoss(outcome.status)) {
    HF_CHECK(file.starts_with(kLz4Magic));
    HF_CHECK(absl::ConsumePrefix(&message, "in at offset "));
    HF_CHECK(absl::SimpleAtoi(message.substr(0, message.find(':')), &number));
    HF_CHECK(number <= file.size());
    return;
  }
  HF_CHECK(absl::IsInvalidArgument(outcome.status));
  HF_CHECK(absl::ConsumePrefix(&message, "in:"));
  HF_CHECK(absl::SimpleAtoi(message.substr(0, message.find(':')), &number));
  HF_CHECK(number == outcome.line);
  HF_CHECK(number > outcome.records.size());
}

// Whether one of the two is the beginning of the other.
bool Agree(const Outcome& a, const Outcome& b) {
  const size_t both = std::min(a.records.size(), b.records.size());
  return std::equal(a.records.begin(), a.records.begin() + both,
                    b.records.begin());
}

void CheckPieces(std::string_view file, std::string_view pieces,
                 const RecordReaderOptions& options, const Outcome& whole) {
  const Outcome other = ReadIt(file, pieces, options);
  if (file.starts_with(kLz4Magic) && !whole.status.ok()) {
    HF_CHECK(!other.status.ok());
    HF_CHECK(Agree(whole, other));
    CheckError(file, other);
    return;
  }
  HF_CHECK(other.records == whole.records);
  HF_CHECK(other.status == whole.status);
  HF_CHECK(other.line == whole.line);
}

// `form` chooses how they are written.
void CheckWritten(const Outcome& outcome, uint8_t form) {
  constexpr Notation kNotations[] = {Notation::kEscaped,
                                     Notation::kEscapedAscii, Notation::kHex};
  const Notation notation = kNotations[form % std::size(kNotations)];
  const bool json = form % 5 < 2;
  std::string text;
  for (const auto& [key, value] : outcome.records) {
    if (json) {
      AppendJsonLine(key, value, /*hex=*/form % 5 == 1, &text);
    } else {
      AppendTsvLine(key, value, notation, &text);
    }
  }
  const Outcome again = ReadIt(text, "", {.notation = notation});
  HF_CHECK(again.status.ok());
  HF_CHECK(again.records == outcome.records);
}

void CheckMemory(std::string_view file, RecordReaderOptions options) {
  // A line is in a buffer of at most twice its size, and is looked at when that
  // has one piece more than the limit.
  const size_t longest = file.starts_with(kLz4Magic)
                             ? options.max_line_bytes
                             : std::min(options.max_line_bytes, file.size());
  size_t peak_bytes;
  {
    AllocationMeter meter;
    RecordReader reader(std::make_unique<PiecesSource>(file), "in",
                        std::move(options));
    Record record;
    for (size_t i = 0; i < kMostRecords; ++i) {
      const absl::StatusOr<bool> more = reader.Next(&record);
      if (!more.ok() || !*more) break;
    }
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <=
           kBytesPerLineByte * longest +
               (file.starts_with(kLz4Magic) ? kFrameBytes : kPlainBytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  RecordReaderOptions options;
  const uint8_t shape = input.Byte();
  options.format = static_cast<RecordFormat>(shape % 3);
  options.notation = static_cast<Notation>((shape >> 2) % 3);
  const uint8_t chosen = input.Byte();
  if (chosen < std::size(kTemplates)) {
    // Parsed once: a template is not what is looked at here.
    static const auto* const kParsed = [] {
      auto* templates = new std::vector<KeyTemplate>;
      for (const std::string_view text : kTemplates) {
        templates->push_back(*KeyTemplate::Parse(text));
      }
      return templates;
    }();
    options.key_template = (*kParsed)[chosen];
  }
  const uint8_t form = input.Byte();
  const uint8_t limit = input.Byte();
  if (limit < 200) options.max_line_bytes = limit;
  if (limit >= 200) options.max_line_bytes = size_t{1} << 16;
  const std::string_view pieces = input.Bytes(input.Below(8));
  const std::string_view file = input.Rest();

  if (form >= 128) {
    CheckMemory(file, options);
    return 0;
  }
  const Outcome whole = ReadIt(file, "", options);
  if (!whole.status.ok()) CheckError(file, whole);
  CheckPieces(file, pieces, options, whole);
  CheckWritten(whole, form);
  return 0;
}
