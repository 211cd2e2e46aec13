// Compression of a block's payload, one whole block at a time.
//
//   compressed payload = varint(bytes before compression) LZ4-block or
//   zstd-frame
//
// Format: docs/formats/table.md.

#ifndef HOLDFAST_ENGINE_TABLE_COMPRESSION_H_
#define HOLDFAST_ENGINE_TABLE_COMPRESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/options.h"

struct ZSTD_CCtx_s;

namespace holdfast {

// Thread-compatible; reuse it from block to block.
class BlockCompressor {
 public:
  explicit BlockCompressor(Compression compression);

  // Makes *compressed the compressed payload of `raw`. RETURNS false (and
  // anything in *compressed) when the block should be stored plain: it would
  // not shrink by an eighth at least, or nothing compresses at all.
  bool Compress(std::string_view raw, std::string* compressed);

 private:
  struct FreeZstd {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  const Compression compression_;
  std::unique_ptr<ZSTD_CCtx_s, FreeZstd> zstd_;
};

struct RawBlock {
  std::unique_ptr<char[]> data;
  size_t size = 0;

  std::string_view view() const { return std::string_view(data.get(), size); }
};

// A compressed payload whose claims were found to be possible.
struct CompressedBlock {
  Compression compression = Compression::kNone;
  std::string_view body;
  size_t raw_bytes = 0;
};

// Looks at what any bytes say of themselves. A claimed size above `max_bytes`,
// or above what the format can reach from so few bytes, is refused: before
// memory is taken. kDataLoss names `file` and `offset`. REQUIRES: compression
// is not kNone.
absl::StatusOr<CompressedBlock> OpenCompressedBlock(Compression compression,
                                                    std::string_view compressed,
                                                    uint64_t max_bytes,
                                                    std::string_view file,
                                                    uint64_t offset);

// Decompresses into `raw`, which has room for block.raw_bytes.
absl::Status DecompressTo(const CompressedBlock& block, char* raw,
                          std::string_view file, uint64_t offset);

// Both, into memory of its own.
absl::StatusOr<RawBlock> DecompressBlock(Compression compression,
                                         std::string_view compressed,
                                         uint64_t max_bytes,
                                         std::string_view file,
                                         uint64_t offset);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_COMPRESSION_H_
