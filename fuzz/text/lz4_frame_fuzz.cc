// LZ4 frames as input (kvd/input.h). An input that begins with kHonest makes a
// frame of its bytes, the others are what a file holds. Properties: an honest
// frame gives its content whatever the pieces in which it is read, and asked
// for; cut anywhere, it gives a part of it and then kDataLoss that names the
// file and an offset in it; with one bit flipped, an error or the same content
// when the frame has checksums; any bytes give what the library makes of them
// in one piece, or an error; memory is bounded by the largest block of the
// format.

#include <lz4frame.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/text/pieces_source.h"
#include "kvd/input.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

constexpr uint8_t kHonest = 1;
constexpr std::string_view kMagic("\x04\x22\x4d\x18", 4);

// A block that is read and one that is written, of at most 4 MiB, the window
// of 64 KiB before the latter (twice), and the buffers of the sources.
constexpr size_t kMostBytes = (size_t{8} << 20) + (size_t{320} << 10);
// A byte becomes 255 at most: what an input may hold, and what is compared.
constexpr size_t kMostContent = size_t{2} << 20;

struct Outcome {
  std::string content;  // What was given out before the end or the error.
  absl::Status status;
};

// Reads all of `bytes` in `pieces`, asking for `wanted_bytes` each time.
Outcome ReadIt(std::string_view bytes, std::string_view pieces,
               size_t wanted_bytes) {
  const std::unique_ptr<ByteSource> source = NewDecompressingSource(
      std::make_unique<PiecesSource>(bytes, pieces), "in.lz4");
  Outcome outcome;
  std::string buffer(wanted_bytes, '\0');
  uint64_t consumed = 0;
  while (true) {
    const absl::StatusOr<size_t> got =
        source->Read(buffer.data(), buffer.size());
    HF_CHECK(source->consumed_bytes() >= consumed);
    HF_CHECK(source->consumed_bytes() <= bytes.size());
    consumed = source->consumed_bytes();
    if (!got.ok()) {
      outcome.status = got.status();
      break;
    }
    HF_CHECK(*got <= buffer.size());
    if (*got == 0) break;
    outcome.content.append(buffer, 0, *got);
    if (outcome.content.size() > kMostContent) break;
  }
  return outcome;
}

void CheckError(std::string_view bytes, const absl::Status& status) {
  HF_CHECK(absl::IsDataLoss(status));
  std::string_view message = status.message();
  HF_CHECK(absl::ConsumePrefix(&message, "in.lz4 at offset "));
  size_t offset = 0;
  HF_CHECK(absl::SimpleAtoi(message.substr(0, message.find(':')), &offset));
  HF_CHECK(offset <= bytes.size());
}

// What the library makes of `bytes`, all at once; nullopt for an error or a
// frame that does not end.
std::optional<std::string> InOnePiece(std::string_view bytes) {
  LZ4F_dctx* context = nullptr;
  HF_CHECK(
      !LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
  std::string content;
  size_t wants = 0;
  while (!bytes.empty() && content.size() <= kMostContent) {
    const size_t before = content.size();
    size_t produced = size_t{64} << 10;
    content.resize(before + produced);
    size_t taken = bytes.size();
    wants = LZ4F_decompress(context, content.data() + before, &produced,
                            bytes.data(), &taken, nullptr);
    content.resize(before + (LZ4F_isError(wants) ? 0 : produced));
    if (LZ4F_isError(wants)) break;
    bytes.remove_prefix(taken);
  }
  LZ4F_freeDecompressionContext(context);
  if (wants != 0) return std::nullopt;
  return content;
}

void CheckAnyBytes(FuzzInput input) {
  const std::string_view pieces = input.Bytes(input.Below(8));
  const size_t wanted_bytes = 1 + input.Below(0x2000);
  const std::string_view bytes = input.Rest();
  size_t peak_bytes;
  {
    AllocationMeter meter;
    const std::unique_ptr<ByteSource> source =
        NewDecompressingSource(std::make_unique<PiecesSource>(bytes), "in.lz4");
    char buffer[4096];
    for (size_t total = 0; total < kMostContent;) {
      const absl::StatusOr<size_t> got = source->Read(buffer, sizeof(buffer));
      if (!got.ok() || *got == 0) break;
      total += *got;
    }
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kMostBytes);
  const Outcome outcome = ReadIt(bytes, pieces, wanted_bytes);
  if (!bytes.starts_with(kMagic)) {
    HF_CHECK(outcome.status.ok());
    HF_CHECK(outcome.content == bytes);
    return;
  }
  if (outcome.content.size() > kMostContent) return;
  const std::optional<std::string> want = InOnePiece(bytes);
  HF_CHECK(outcome.status.ok() == want.has_value());
  if (want.has_value()) {
    HF_CHECK(outcome.content == *want);
  } else {
    CheckError(bytes, outcome.status);
  }
}

std::string FrameOf(std::string_view content, uint8_t shape) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID =
      static_cast<LZ4F_blockSizeID_t>(4 + (shape & 3));
  preferences.frameInfo.blockMode =
      (shape & 4) != 0 ? LZ4F_blockLinked : LZ4F_blockIndependent;
  preferences.frameInfo.contentChecksumFlag =
      (shape & 8) != 0 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
  preferences.frameInfo.blockChecksumFlag =
      (shape & 16) != 0 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
  preferences.frameInfo.contentSize = (shape & 32) != 0 ? content.size() : 0;
  std::string frame(LZ4F_compressFrameBound(content.size(), &preferences),
                    '\0');
  const size_t bytes = LZ4F_compressFrame(
      frame.data(), frame.size(), content.data(), content.size(), &preferences);
  HF_CHECK(!LZ4F_isError(bytes));
  frame.resize(bytes);
  return frame;
}

void CheckHonest(FuzzInput input) {
  const std::string_view pieces = input.Bytes(input.Below(8));
  const size_t wanted_bytes = 1 + input.Below(0x400);
  const uint8_t shape = input.Byte();
  const uint16_t damage = input.Short();
  const size_t first_bytes = input.Below(0x1000);
  // So that there is more than a block's worth of it now and then.
  const size_t times = (shape & 64) != 0 ? 1 + input.Below(64) : 1;
  const std::string_view bytes = input.Rest();
  std::string content;
  for (size_t i = 0; i < times; ++i) content.append(bytes);
  const std::string_view first = std::string_view(content).substr(
      0, std::min(first_bytes, content.size()));
  const std::string_view second =
      std::string_view(content).substr(first.size());
  const std::string head = FrameOf(first, shape);
  const std::string frames = head + FrameOf(second, shape);
  const Outcome whole = ReadIt(frames, pieces, wanted_bytes);
  HF_CHECK(whole.status.ok());
  HF_CHECK(whole.content == content);

  const size_t cut_at = kMagic.size() + damage % (frames.size() - 4);
  const Outcome cut =
      ReadIt(std::string_view(frames).substr(0, cut_at), pieces, wanted_bytes);
  HF_CHECK(std::string_view(content).starts_with(cut.content));
  if (cut_at == head.size()) {
    HF_CHECK(cut.status.ok());
    HF_CHECK(cut.content == first);
  } else {
    CheckError(frames, cut.status);
  }

  if ((shape & 8) == 0) return;
  std::string flipped = frames;
  flipped[cut_at] = static_cast<char>(flipped[cut_at] ^ (1 << (damage >> 13)));
  const Outcome other = ReadIt(flipped, pieces, wanted_bytes);
  if (other.status.ok()) {
    HF_CHECK(other.content == content);
  } else {
    CheckError(frames, other.status);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == kHonest) {
    CheckHonest(FuzzInput(data + 1, size - 1));
  } else if (size > 0) {
    CheckAnyBytes(FuzzInput(data + 1, size - 1));
  }
  return 0;
}
