#include "engine/format/table_layout.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/format_version.h"

namespace holdfast {
namespace {

// Offsets in the footer.
constexpr size_t kFooterIndex = 0;
constexpr size_t kFooterFilter = 16;
constexpr size_t kFooterProperties = 32;
constexpr size_t kFooterNumber = 48;
constexpr size_t kFooterIdentity = 56;
constexpr size_t kFooterVersion = 64;
constexpr size_t kFooterReserved = 68;
constexpr size_t kFooterMagic = 72;
constexpr size_t kFooterChecksum = 80;
static_assert(kFooterChecksum + sizeof(uint64_t) == kFooterBytes);
static_assert(kFooterMagic + kTableMagic.size() == kFooterChecksum);

// Tags of the properties. A reader that does not know an odd tag must refuse
// the table; an even one may be skipped.
enum PropertyTag : uint32_t {
  kTagEntries = 1,
  kTagRawKeyBytes = 2,
  kTagTombstones = 3,
  kTagRawValueBytes = 4,
  kTagSmallest = 5,
  kTagCompression = 6,
  kTagLargest = 7,
  kTagBloomBitsPerKey = 8,
  kTagSmallestSequence = 9,
  kTagLargestSequence = 11,
  kTagDataBlocks = 13,
};
constexpr bool IsMandatory(uint32_t tag) { return tag % 2 == 1; }

// What the checksum of a block is bound to: its table and its place.
uint64_t BlockContext(uint64_t identity, uint64_t offset) {
  if (HF_MUTANT("table_layout.block_of_this_table")) identity = 0;
  if (HF_MUTANT("table_layout.block_of_this_place")) offset = 0;
  return MixContext(identity, offset);
}

void PutFixedHandle(std::string* dst, const BlockHandle& handle) {
  PutFixed64(dst, handle.offset);
  PutFixed64(dst, handle.size);
}

BlockHandle GetFixedHandle(const char* src) {
  return {.offset = DecodeFixed64(src), .size = DecodeFixed64(src + 8)};
}

// Whether the block begins at or after `begin` and its trailer ends just at
// `end`. Safe for handles that would overflow.
bool EndsAt(const BlockHandle& handle, uint64_t end) {
  return handle.offset <= end && end - handle.offset >= kBlockTrailerBytes &&
         end - handle.offset - kBlockTrailerBytes == handle.size;
}

void PutNumberProperty(std::string* dst, uint32_t tag, uint64_t value) {
  PutVarint32(dst, tag);
  PutVarint64(dst, VarintLength(value));
  PutVarint64(dst, value);
}

void PutBytesProperty(std::string* dst, uint32_t tag, std::string_view value) {
  PutVarint32(dst, tag);
  PutLengthPrefixed(dst, value);
}

bool GetNumber(std::string_view bytes, uint64_t* value) {
  Decoder in(bytes);
  in.ReadVarint64(value);
  return in.done();
}

// Sets the field that `tag` stands for. RETURNS false on a bad value; *known
// says whether the tag is one of ours.
bool SetProperty(uint32_t tag, std::string_view value, bool* known,
                 TableProperties* properties) {
  *known = true;
  switch (tag) {
    case kTagEntries:
      return GetNumber(value, &properties->entries);
    case kTagRawKeyBytes:
      return GetNumber(value, &properties->raw_key_bytes);
    case kTagTombstones:
      return GetNumber(value, &properties->tombstones);
    case kTagRawValueBytes:
      return GetNumber(value, &properties->raw_value_bytes);
    case kTagSmallest:
      properties->smallest = value;
      return true;
    case kTagLargest:
      properties->largest = value;
      return true;
    case kTagSmallestSequence:
      return GetNumber(value, &properties->smallest_sequence);
    case kTagLargestSequence:
      return GetNumber(value, &properties->largest_sequence);
    case kTagDataBlocks:
      return GetNumber(value, &properties->data_blocks);
    case kTagCompression: {
      uint64_t number;
      if (!GetNumber(value, &number)) return false;
      if (number > static_cast<uint64_t>(Compression::kZstd)) return false;
      properties->compression = static_cast<Compression>(number);
      return true;
    }
    case kTagBloomBitsPerKey: {
      uint64_t number;
      if (!GetNumber(value, &number)) return false;
      if (number > UINT32_MAX) return false;
      properties->bloom_bits_per_key = static_cast<uint32_t>(number);
      return true;
    }
    default:
      *known = false;
      return true;
  }
}

// What cannot be true of any table; nullptr when all is well.
const char* FindContradiction(const TableProperties& p) {
  ParsedInternalKey smallest;
  ParsedInternalKey largest;
  if (p.entries == 0) return "no entries";
  if (p.tombstones > p.entries) return "more tombstones than entries";
  if (p.data_blocks == 0) return "no data blocks";
  if (p.data_blocks > p.entries) return "more data blocks than entries";
  if (!ParseInternalKey(p.smallest, &smallest)) return "bad smallest key";
  if (!ParseInternalKey(p.largest, &largest)) return "bad largest key";
  if (CompareInternalKeys(p.smallest, p.largest) > 0) {
    return "smallest key above largest key";
  }
  if (p.smallest_sequence > p.largest_sequence) {
    return "smallest sequence above largest sequence";
  }
  if (p.largest_sequence > kMaxSequenceNumber) return "sequence out of range";
  return nullptr;
}

}  // namespace

void AppendBlockHandle(std::string* dst, const BlockHandle& handle) {
  PutVarint64(dst, handle.offset);
  PutVarint64(dst, handle.size);
}

bool ReadBlockHandle(Decoder* in, BlockHandle* handle) {
  return in->ReadVarint64(&handle->offset) && in->ReadVarint64(&handle->size);
}

void AppendBlockTrailer(std::string* block, Compression type, uint64_t identity,
                        uint64_t offset) {
  block->push_back(static_cast<char>(type));
  PutFixed64(block, Checksum64(*block, BlockContext(identity, offset)));
}

absl::Status CheckBlockTrailer(std::string_view file, uint64_t identity,
                               uint64_t offset, std::string_view block,
                               bool verify_checksum, Compression* type) {
  HF_CHECK(block.size() >= kBlockTrailerBytes);
  const std::string_view checked =
      block.substr(0, block.size() - sizeof(uint64_t));
  const uint64_t stored = DecodeFixed64(checked.data() + checked.size());
  const bool bad =
      verify_checksum &&
      stored != Checksum64(checked, BlockContext(identity, offset)) &&
      !HF_MUTANT("table_layout.block_checksum");
  if (bad) return DataLoss(file, offset, "block checksum mismatch");
  const auto byte = static_cast<uint8_t>(checked.back());
  if (byte > static_cast<uint8_t>(Compression::kZstd)) {
    return DataLoss(file, offset,
                    absl::StrCat("unknown compression type ", byte));
  }
  *type = static_cast<Compression>(byte);
  return absl::OkStatus();
}

std::string EncodeTableFooter(const TableFooter& footer, uint64_t offset) {
  std::string bytes;
  bytes.reserve(kFooterBytes);
  PutFixedHandle(&bytes, footer.index);
  PutFixedHandle(&bytes, footer.filter);
  PutFixedHandle(&bytes, footer.properties);
  PutFixed64(&bytes, footer.number);
  PutFixed64(&bytes, footer.identity);
  PutFixed32(&bytes, footer.version);
  PutFixed32(&bytes, 0);
  bytes.append(kTableMagic);
  PutFixed64(&bytes, Checksum64(bytes, MixContext(footer.identity, offset)));
  HF_CHECK(bytes.size() == kFooterBytes);
  return bytes;
}

absl::StatusOr<TableFooter> DecodeTableFooter(std::string_view file,
                                              uint64_t file_bytes,
                                              std::string_view tail) {
  HF_CHECK(tail.size() <= file_bytes);
  if (tail.size() < kFooterBytes) {
    return DataLoss(file, 0, "too short for a table footer");
  }
  const uint64_t offset = file_bytes - kFooterBytes;
  const std::string_view bytes = tail.substr(tail.size() - kFooterBytes);
  const char* p = bytes.data();
  if (bytes.substr(kFooterMagic, kTableMagic.size()) != kTableMagic) {
    return DataLoss(file, offset, "no table footer");
  }
  TableFooter footer;
  footer.identity = DecodeFixed64(p + kFooterIdentity);
  // The checksum comes before the version, so that a damaged version is not
  // taken for a new one. Every version keeps magic, version, identity and
  // checksum where they are.
  const uint64_t checksum = Checksum64(bytes.substr(0, kFooterChecksum),
                                       MixContext(footer.identity, offset));
  if (DecodeFixed64(p + kFooterChecksum) != checksum &&
      !HF_MUTANT("table_layout.footer_checksum")) {
    return DataLoss(file, offset, "footer checksum mismatch");
  }
  footer.version = DecodeFixed32(p + kFooterVersion);
  HF_RETURN_IF_ERROR(CheckFormatVersion(file, footer.version));
  footer.number = DecodeFixed64(p + kFooterNumber);
  footer.index = GetFixedHandle(p + kFooterIndex);
  footer.filter = GetFixedHandle(p + kFooterFilter);
  footer.properties = GetFixedHandle(p + kFooterProperties);
  const bool tiled =
      EndsAt(footer.properties, offset) &&
      EndsAt(footer.index, footer.properties.offset) &&
      (!footer.has_filter() || EndsAt(footer.filter, footer.index.offset));
  if (!tiled || DecodeFixed32(p + kFooterReserved) != 0) {
    return DataLoss(file, offset, "footer contradicts the file");
  }
  return footer;
}

absl::Status CheckTableIdentity(std::string_view file, uint64_t file_bytes,
                                const TableFooter& footer, uint64_t number,
                                uint64_t identity) {
  const uint64_t offset = file_bytes - kFooterBytes;
  if (footer.number != number && !HF_MUTANT("table_layout.number")) {
    return DataLoss(file, offset,
                    absl::StrCat("is table ", footer.number, ", not ", number));
  }
  if (footer.identity != identity && !HF_MUTANT("table_layout.identity")) {
    return DataLoss(
        file, offset,
        absl::StrCat("has identity ",
                     absl::Hex(footer.identity, absl::kZeroPad16), ", not ",
                     absl::Hex(identity, absl::kZeroPad16)));
  }
  return absl::OkStatus();
}

std::string EncodeTableProperties(const TableProperties& p) {
  std::string bytes;
  PutNumberProperty(&bytes, kTagEntries, p.entries);
  PutNumberProperty(&bytes, kTagRawKeyBytes, p.raw_key_bytes);
  PutNumberProperty(&bytes, kTagTombstones, p.tombstones);
  PutNumberProperty(&bytes, kTagRawValueBytes, p.raw_value_bytes);
  PutBytesProperty(&bytes, kTagSmallest, p.smallest);
  PutNumberProperty(&bytes, kTagCompression,
                    static_cast<uint64_t>(p.compression));
  PutBytesProperty(&bytes, kTagLargest, p.largest);
  PutNumberProperty(&bytes, kTagBloomBitsPerKey, p.bloom_bits_per_key);
  PutNumberProperty(&bytes, kTagSmallestSequence, p.smallest_sequence);
  PutNumberProperty(&bytes, kTagLargestSequence, p.largest_sequence);
  PutNumberProperty(&bytes, kTagDataBlocks, p.data_blocks);
  return bytes;
}

absl::StatusOr<TableProperties> DecodeTableProperties(
    std::string_view file, uint64_t offset, std::string_view payload) {
  TableProperties properties;
  Decoder in(payload);
  uint32_t previous_tag = 0;
  while (!in.done()) {
    uint32_t tag = 0;
    std::string_view value;
    const uint64_t at = offset + in.offset();
    if (!in.ReadVarint32(&tag) || !in.ReadLengthPrefixed(&value)) {
      return DataLoss(file, at, "property is cut off");
    }
    if (tag <= previous_tag) {
      return DataLoss(file, at, "properties out of order");
    }
    previous_tag = tag;
    bool known;
    if (!SetProperty(tag, value, &known, &properties)) {
      return DataLoss(file, at, absl::StrCat("bad value of property ", tag));
    }
    if (!known && IsMandatory(tag)) {
      return absl::UnimplementedError(absl::StrCat(
          file, ": property ", tag, " is of a later version of the format"));
    }
  }
  const char* why = FindContradiction(properties);
  if (why != nullptr) {
    return DataLoss(file, offset, absl::StrCat("bad properties: ", why));
  }
  return properties;
}

}  // namespace holdfast
