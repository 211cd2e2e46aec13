// Frames of logs (engine/format/log_frame.h). Property: a frame header that is
// accepted, with a payload that matches, is what AppendFrame gives for it; it
// is accepted when and only when its fields are in range and its checksums
// right, and refused at any other offset, in any other log, after any other
// frame, and with any bit of it changed. Headers and seals that are accepted
// encode to the same bytes; errors name file and offset.
//
// The input is the place of a frame and its bytes. They are looked at as they
// are, and again with right checksums, which no chance would give; or they are
// the payload of a header or seal, or a file whose header is peeked at.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_reader.h"
#include "fuzz/log/bytes_file.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr std::string_view kPath = "/db/the.log";

struct Place {
  LogIdentity identity;
  uint64_t offset = 0;
  uint64_t previous_checksum = 0;

  uint64_t context() const { return identity.context(); }
};

bool Accepted(std::string_view frame, const Place& at, FrameHeader* header) {
  if (!DecodeFrameHeader(frame.data(), at.context(), at.offset, header)) {
    return false;
  }
  if (header->payload_bytes > frame.size() - kFrameHeaderBytes) return false;
  return PayloadMatches(*header, at.context(), at.offset, at.previous_checksum,
                        frame.substr(kFrameHeaderBytes, header->payload_bytes));
}

bool HeaderAccepted(std::string_view frame, const Place& at) {
  FrameHeader header;
  return DecodeFrameHeader(frame.data(), at.context(), at.offset, &header);
}

void CheckOnlyHere(std::string_view frame, const Place& here,
                   FuzzInput& choices) {
  FrameHeader header;
  const uint64_t other = choices.Long() | 1;  // Anything but 0.
  Place there = here;
  there.offset ^= other;
  HF_CHECK(!HeaderAccepted(frame, there));
  there = here;
  there.identity.db_id ^= other;
  HF_CHECK(!HeaderAccepted(frame, there));
  there = here;
  there.identity.number ^= other;
  HF_CHECK(!HeaderAccepted(frame, there));
  there = here;
  there.identity.kind =
      here.identity.kind == LogKind::kWal ? LogKind::kManifest : LogKind::kWal;
  HF_CHECK(!HeaderAccepted(frame, there));
  // What a header says counts without the frames before; a frame does not.
  there = here;
  there.previous_checksum ^= other;
  HF_CHECK(HeaderAccepted(frame, there));
  HF_CHECK(!Accepted(frame, there, &header));
  // The payload is bound to place and log by itself, too.
  HF_CHECK(Accepted(frame, here, &header));
  const std::string_view payload =
      frame.substr(kFrameHeaderBytes, header.payload_bytes);
  HF_CHECK(!PayloadMatches(header, here.context(), here.offset ^ other,
                           here.previous_checksum, payload));
  HF_CHECK(!PayloadMatches(header, here.context() ^ other, here.offset,
                           here.previous_checksum, payload));
}

// REQUIRES: accepted as it is. `frame` has nothing behind it.
void CheckAccepted(std::string_view frame, const Place& here,
                   const FrameHeader& header, FuzzInput& choices) {
  HF_CHECK(!FrameTypeName(header.type).empty());
  HF_CHECK(FrameTypeName(header.type) != "unknown");
  HF_CHECK(header.payload_bytes <= kMaxFragmentBytes);
  HF_CHECK(header.synced_bytes <= here.offset);

  const std::string_view payload = frame.substr(kFrameHeaderBytes);
  const std::string_view before = "what was there";
  const size_t cut = choices.Below(payload.size() + 1);
  std::string again(before);
  HF_CHECK(AppendFrame(&again, here.context(), here.offset,
                       here.previous_checksum, header.type, header.synced_bytes,
                       payload.substr(0, cut),
                       payload.substr(cut)) == header.payload_checksum);
  HF_CHECK(std::string_view(again).starts_with(before));
  HF_CHECK(std::string_view(again).substr(before.size()) == frame);
  std::string whole;
  AppendFrame(&whole, here.context(), here.offset, here.previous_checksum,
              header.type, header.synced_bytes, payload);
  HF_CHECK(whole == frame);

  CheckOnlyHere(frame, here, choices);
  const size_t bit = choices.Below(frame.size() * 8);
  whole[bit / 8] = static_cast<char>(whole[bit / 8] ^ (1 << (bit % 8)));
  FrameHeader other;
  HF_CHECK(!Accepted(whole, here, &other));
}

// The bytes as they are: by chance, or from a seed, a frame.
void CheckAsIs(std::string_view bytes, const Place& here, FuzzInput choices) {
  FrameHeader header;
  if (bytes.size() < kFrameHeaderBytes) return;
  if (!Accepted(bytes, here, &header)) return;
  CheckAccepted(bytes.substr(0, kFrameHeaderBytes + header.payload_bytes), here,
                header, choices);
}

// The fields of the header from the input, and right checksums.
void CheckSealedUp(std::string_view bytes, const Place& here,
                   FuzzInput choices) {
  if (bytes.size() < kFrameHeaderBytes) return;
  std::string frame(bytes);
  const size_t room = bytes.size() - kFrameHeaderBytes;
  uint32_t length_type = DecodeFixed32(frame.data() + 4);
  // Mostly a length that is there.
  if (choices.Bool()) {
    length_type = (length_type & 0xff000000) | static_cast<uint32_t>(room);
    EncodeFixed32(frame.data() + 4, length_type);
  }
  const uint32_t type = length_type >> 24;
  const uint32_t length = length_type & 0xffffff;
  const uint64_t synced = DecodeFixed64(frame.data() + 8);
  const uint64_t place = MixContext(here.context(), here.offset);
  const std::string_view payload =
      std::string_view(frame).substr(kFrameHeaderBytes, length);
  EncodeFixed64(frame.data() + 16,
                Checksum64(payload, MixContext(place, here.previous_checksum)));
  EncodeFixed32(frame.data(),
                Checksum32(std::string_view(frame).substr(4, 20), place));
  const bool in_range =
      type >= 1 && type <= 6 && length <= 262'144 && synced <= here.offset;
  FrameHeader header;
  HF_CHECK(HeaderAccepted(frame, here) == in_range);
  if (length > room) return;
  HF_CHECK(Accepted(frame, here, &header) == in_range);
  if (!in_range) return;
  frame.resize(kFrameHeaderBytes + length);
  HF_CHECK(static_cast<uint32_t>(header.type) == type);
  HF_CHECK(header.payload_bytes == length);
  HF_CHECK(header.synced_bytes == synced);
  CheckAccepted(frame, here, header, choices);
}

void CheckLogHeader(std::string_view payload) {
  LogIdentity claimed;
  const bool claims = DecodeClaimedIdentity(payload, &claimed);
  const absl::StatusOr<LogHeader> header = DecodeLogHeader(kPath, payload);
  if (!header.ok()) {
    HF_CHECK(absl::IsDataLoss(header.status()) ||
             absl::IsUnimplemented(header.status()));
    HF_CHECK(std::string_view(header.status().message())
                 .starts_with(absl::IsDataLoss(header.status())
                                  ? "/db/the.log at offset 0: "
                                  : "/db/the.log: "));
    return;
  }
  HF_CHECK(EncodeLogHeader(*header) == payload);
  HF_CHECK(claims);
  HF_CHECK(claimed.context() == header->identity().context());
  HF_CHECK(!LogKindName(header->kind).empty());
}

void CheckLogSeal(std::string_view payload, uint64_t offset) {
  const absl::StatusOr<LogSeal> seal = DecodeLogSeal(kPath, offset, payload);
  HF_CHECK(seal.ok() == (payload.size() == kLogSealBytes));
  if (seal.ok()) {
    HF_CHECK(EncodeLogSeal(*seal) == payload);
  } else {
    HF_CHECK(absl::IsDataLoss(seal.status()));
    HF_CHECK(std::string_view(seal.status().message())
                 .starts_with(absl::StrCat(kPath, " at offset ", offset, ":")));
  }
}

// The bytes as a file that claims to be a log, as it is and with checksums
// right for what it claims.
void CheckPeek(std::string_view bytes) {
  std::string file(bytes);
  LogIdentity claimed;
  if (file.size() >= kFrameHeaderBytes &&
      DecodeClaimedIdentity(bytes.substr(kFrameHeaderBytes), &claimed)) {
    file[7] = static_cast<char>(FrameType::kHeader);
    const uint64_t length = DecodeFixed32(file.data() + 4) & 0xffffff;
    const uint64_t place = MixContext(claimed.context(), 0);
    EncodeFixed64(file.data() + 16,
                  Checksum64(bytes.substr(kFrameHeaderBytes, length),
                             MixContext(place, 0)));
    EncodeFixed32(file.data(),
                  Checksum32(std::string_view(file).substr(4, 20), place));
  }
  for (const std::string_view content : {bytes, std::string_view(file)}) {
    const BytesReader reader(content);
    const absl::StatusOr<LogHeader> header = PeekLogHeader(reader, kPath);
    HF_CHECK(reader.bytes_read() <= 512);
    if (header.ok()) {
      // It is a log that can be read.
      LogReader log(&reader, std::string(kPath), header->identity());
      const absl::StatusOr<LogHeader> read = log.ReadHeader();
      HF_CHECK(read.ok());
      HF_CHECK(EncodeLogHeader(*read) == EncodeLogHeader(*header));
      continue;
    }
    HF_CHECK(absl::IsOutOfRange(header.status()) ==
             (content.size() < kLogHeaderFrameBytes));
    HF_CHECK(absl::IsOutOfRange(header.status()) ||
             absl::IsDataLoss(header.status()) ||
             absl::IsUnimplemented(header.status()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput in(data, size);
  Place here;
  here.offset = in.Long();
  here.previous_checksum = in.Long();
  here.identity.db_id = in.Long();
  here.identity.number = in.Long();
  const uint8_t how = in.Byte();
  here.identity.kind = (how & 1) ? LogKind::kManifest : LogKind::kWal;
  const FuzzInput choices(in.Bytes(16));
  const std::string_view bytes = in.Rest();
  if (how & 2) {
    CheckLogHeader(bytes);
    CheckLogSeal(bytes, here.offset);
    CheckPeek(bytes);
  } else {
    CheckAsIs(bytes, here, choices);
    CheckSealedUp(bytes, here, choices);
  }
  return 0;
}
