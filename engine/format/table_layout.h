// The byte layout of a sorted table: block handles and trailers, the footer,
// the properties. What is inside a data, index or filter block is laid out by
// engine/table. Format: docs/formats/table.md.
//
//   [data block]... [filter block] [index block] [properties block] [footer]
//
// Each block is a payload followed by a trailer: its compression type and a
// checksum that is bound to the table and to the offset in it. Blocks lie
// without gaps from offset 0 to the footer.
//
// Decoders take any bytes. They return kDataLoss naming the file and the
// offset, or kUnimplemented for what a later version wrote.

#ifndef HOLDFAST_ENGINE_FORMAT_TABLE_LAYOUT_H_
#define HOLDFAST_ENGINE_FORMAT_TABLE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "holdfast/options.h"

namespace holdfast {

// Compression type (1) and checksum (8).
inline constexpr size_t kBlockTrailerBytes = 9;

// The largest uncompressed block: the largest value (1 GiB) and key (64 KiB)
// in one entry, behind a block of the largest block_bytes (4 MiB), and slack
// for restart points and lengths. Nothing larger is written; a claim of more is
// damage.
inline constexpr uint64_t kMaxBlockBytes =
    (uint64_t{1} << 30) + (uint64_t{8} << 20);

// The most entries of a block from one restart point to the next, as the option
// allows. A step backward walks so many, so more is damage as well.
inline constexpr int kMaxRestartInterval = 1024;

// Where a block is: the offset and size of its payload; the trailer follows.
struct BlockHandle {
  uint64_t offset = 0;
  uint64_t size = 0;

  // The first byte after the trailer.
  uint64_t end() const { return offset + size + kBlockTrailerBytes; }
  bool operator==(const BlockHandle&) const = default;
};

// Two varints: offset, size.
void AppendBlockHandle(std::string* dst, const BlockHandle& handle);
bool ReadBlockHandle(Decoder* in, BlockHandle* handle);

// Turns *block, a payload that will stand at `offset` of the table `identity`,
// into a whole block: appends the trailer.
void AppendBlockTrailer(std::string* block, Compression type, uint64_t identity,
                        uint64_t offset);

// Checks the trailer of `block` (payload and trailer), read at `offset` of
// `file`, and gives its compression type. REQUIRES: block.size() >=
// kBlockTrailerBytes.
absl::Status CheckBlockTrailer(std::string_view file, uint64_t identity,
                               uint64_t offset, std::string_view block,
                               bool verify_checksum, Compression* type);

// The last kFooterBytes of a table. The filter handle is {0, 0} when there is
// none.
struct TableFooter {
  BlockHandle index;
  BlockHandle filter;
  BlockHandle properties;
  uint64_t number = 0;
  uint64_t identity = 0;
  uint32_t version = 0;

  bool has_filter() const { return filter != BlockHandle(); }
  // Where the data blocks end and the rest begins.
  uint64_t data_end() const {
    return has_filter() ? filter.offset : index.offset;
  }
};

inline constexpr size_t kFooterBytes = 88;
inline constexpr std::string_view kTableMagic = "HOLDFAST";

// `offset` is where the footer will stand.
std::string EncodeTableFooter(const TableFooter& footer, uint64_t offset);

// Decodes the footer of a table of `file_bytes` bytes from `tail`, its last
// kFooterBytes or more. Checks it against itself only: see CheckTableIdentity.
absl::StatusOr<TableFooter> DecodeTableFooter(std::string_view file,
                                              uint64_t file_bytes,
                                              std::string_view tail);

// Whether the footer is that of the table we look for, rather than of another
// one under its name.
absl::Status CheckTableIdentity(std::string_view file, uint64_t file_bytes,
                                const TableFooter& footer, uint64_t number,
                                uint64_t identity);

// What a table says about itself.
struct TableProperties {
  uint64_t entries = 0;
  uint64_t tombstones = 0;
  std::string smallest;  // Internal keys.
  std::string largest;
  SequenceNumber smallest_sequence = 0;
  SequenceNumber largest_sequence = 0;
  uint64_t data_blocks = 0;
  // For people and for estimates; 0 when not known.
  uint64_t raw_key_bytes = 0;
  uint64_t raw_value_bytes = 0;
  Compression compression = Compression::kNone;
  uint32_t bloom_bits_per_key = 0;
};

std::string EncodeTableProperties(const TableProperties& properties);

// `offset` is where `payload` stands in `file`, for messages.
absl::StatusOr<TableProperties> DecodeTableProperties(std::string_view file,
                                                      uint64_t offset,
                                                      std::string_view payload);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_TABLE_LAYOUT_H_
