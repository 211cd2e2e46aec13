#include "fuzz/table/table_parts.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/format_version.h"
#include "engine/table/block_builder.h"
#include "fuzz/table/plain_block.h"

namespace holdfast {
namespace {

// Whether the block and its trailer lie in [0, end).
bool LiesBelow(const BlockHandle& handle, uint64_t end) {
  return handle.offset <= end && end - handle.offset >= kBlockTrailerBytes &&
         end - handle.offset - kBlockTrailerBytes >= handle.size;
}

bool EndsAt(const BlockHandle& handle, uint64_t end) {
  return LiesBelow(handle, end) && handle.end() == end;
}

BlockHandle HandleAt(const char* footer, size_t at) {
  return {.offset = DecodeFixed64(footer + at),
          .size = DecodeFixed64(footer + at + 8)};
}

std::string_view PayloadAt(std::string_view bytes, const BlockHandle& handle) {
  return bytes.substr(handle.offset, handle.size);
}

// The handle in an entry of the index. False when it is none, or of a block
// that does not lie where data lies.
bool ReadHandle(const PlainEntry& entry, const TableFooter& footer,
                BlockHandle* handle) {
  const auto plain = ReadPlainHandle(entry.value);
  if (!plain.has_value()) return false;
  *handle = {.offset = plain->offset, .size = plain->size};
  return LiesBelow(*handle, footer.data_end());
}

// Appends the block; any byte may be its type.
BlockHandle Append(std::string payload, uint8_t type, uint64_t identity,
                   std::string* bytes) {
  const BlockHandle handle = {.offset = bytes->size(), .size = payload.size()};
  AppendBlockTrailer(&payload, static_cast<Compression>(type), identity,
                     handle.offset);
  bytes->append(payload);
  return handle;
}

void MendTrailer(const BlockHandle& handle, uint64_t identity,
                 std::string* bytes) {
  std::string block(PayloadAt(*bytes, handle));
  const auto type = static_cast<uint8_t>((*bytes)[handle.offset + handle.size]);
  AppendBlockTrailer(&block, static_cast<Compression>(type), identity,
                     handle.offset);
  bytes->replace(handle.offset, block.size(), block);
}

}  // namespace

bool ReadAnyFooter(std::string_view bytes, TableFooter* footer) {
  if (bytes.size() < kFooterBytes) return false;
  const uint64_t offset = bytes.size() - kFooterBytes;
  const char* const p = bytes.data() + offset;
  footer->index = HandleAt(p, 0);
  footer->filter = HandleAt(p, 16);
  footer->properties = HandleAt(p, 32);
  footer->number = DecodeFixed64(p + 48);
  footer->identity = DecodeFixed64(p + 56);
  footer->version = kFormatVersion;
  return EndsAt(footer->properties, offset) &&
         EndsAt(footer->index, footer->properties.offset) &&
         (!footer->has_filter() ||
          EndsAt(footer->filter, footer->index.offset));
}

std::vector<BlockHandle> DataHandles(std::string_view bytes,
                                     const TableFooter& footer) {
  std::vector<BlockHandle> handles;
  const auto index = ReadPlainBlock(PayloadAt(bytes, footer.index));
  if (!index.has_value()) return handles;
  for (const PlainEntry& entry : *index) {
    BlockHandle handle;
    if (ReadHandle(entry, footer, &handle)) handles.push_back(handle);
  }
  return handles;
}

bool TakeApart(std::string_view bytes, TableParts* parts) {
  TableFooter footer;
  if (!ReadAnyFooter(bytes, &footer)) return false;
  *parts = TableParts();
  parts->number = footer.number;
  parts->identity = footer.identity;
  parts->properties = PayloadAt(bytes, footer.properties);
  if (footer.has_filter()) parts->filter = PayloadAt(bytes, footer.filter);
  const auto index = ReadPlainBlock(PayloadAt(bytes, footer.index));
  if (!index.has_value()) return false;
  for (const PlainEntry& entry : *index) {
    BlockHandle handle;
    if (!ReadHandle(entry, footer, &handle)) return false;
    const char type = bytes[handle.offset + handle.size];
    parts->data.push_back({.payload = std::string(PayloadAt(bytes, handle)),
                           .type = static_cast<uint8_t>(type),
                           .index_key = entry.key});
  }
  return true;
}

std::string PutTogether(const TableParts& parts) {
  std::string bytes;
  BlockBuilder index(/*restart_interval=*/1);
  for (const TableParts::Data& data : parts.data) {
    std::string value;
    AppendBlockHandle(&value,
                      Append(data.payload, data.type, parts.identity, &bytes));
    index.Add(data.index_key, value);
  }
  TableFooter footer;
  footer.number = parts.number;
  footer.identity = parts.identity;
  footer.version = kFormatVersion;
  if (parts.filter.has_value()) {
    footer.filter = Append(*parts.filter, 0, parts.identity, &bytes);
  }
  const std::string& payload =
      parts.index.empty() && !index.empty() ? index.Finish() : parts.index;
  footer.index = Append(payload, 0, parts.identity, &bytes);
  footer.properties = Append(parts.properties, 0, parts.identity, &bytes);
  bytes.append(EncodeTableFooter(footer, bytes.size()));
  return bytes;
}

void MendChecksums(std::string* bytes) {
  TableFooter footer;
  if (bytes->size() < kFooterBytes) return;
  const uint64_t offset = bytes->size() - kFooterBytes;
  if (ReadAnyFooter(*bytes, &footer)) {
    for (const BlockHandle& handle : DataHandles(*bytes, footer)) {
      MendTrailer(handle, footer.identity, bytes);
    }
    if (footer.has_filter()) MendTrailer(footer.filter, footer.identity, bytes);
    MendTrailer(footer.index, footer.identity, bytes);
    MendTrailer(footer.properties, footer.identity, bytes);
  }
  bytes->replace(offset, kFooterBytes, EncodeTableFooter(footer, offset));
}

}  // namespace holdfast
