#include "engine/table/compression.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "lz4.h"
#include "zstd.h"

namespace holdfast {
namespace {

// What an LZ4 block of n bytes can hold at most: one length byte stands for up
// to 255 bytes.
constexpr uint64_t kLz4MaxRatio = 255;
constexpr uint64_t kLz4Slack = 64;
// What a byte of a zstd frame can hold at most: a block of one is 128 KiB
// uncompressed, and takes a header of three bytes and one more.
constexpr uint64_t kZstdMaxRatio = (128 << 10) / 4;

// The default of the library: higher levels cost compaction more CPU than the
// space is worth.
constexpr int kZstdLevel = 3;

// The compressed bytes written at `out`, or 0 when they do not fit `room`.
size_t CompressLz4(std::string_view raw, char* out, size_t room) {
  const int n = LZ4_compress_default(
      raw.data(), out, static_cast<int>(raw.size()), static_cast<int>(room));
  return n > 0 ? static_cast<size_t>(n) : 0;
}

size_t CompressZstd(ZSTD_CCtx* context, std::string_view raw, char* out,
                    size_t room) {
  const size_t n =
      ZSTD_compressCCtx(context, out, room, raw.data(), raw.size(), kZstdLevel);
  return ZSTD_isError(n) ? 0 : n;
}

// Why `body` cannot hold `size` bytes; nullptr when it may.
const char* FindBadClaim(Compression compression, std::string_view body,
                         uint64_t size, uint64_t max_bytes) {
  if (size > max_bytes) return "claims more than any block holds";
  if (compression == Compression::kLz4) {
    return size > body.size() * kLz4MaxRatio + kLz4Slack
               ? "claims more than LZ4 can hold"
               : nullptr;
  }
  if (size > body.size() * kZstdMaxRatio) {
    return "claims more than zstd can hold";
  }
  return ZSTD_getFrameContentSize(body.data(), body.size()) != size
             ? "does not agree with its zstd frame"
             : nullptr;
}

struct FreeDecompression {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// The state of a decompression by zstd, which is large: one for each thread
// that needs it.
ZSTD_DCtx* ZstdContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompression> context(
      ZSTD_createDCtx());
  HF_CHECK(context != nullptr);
  return context.get();
}

bool Decompress(const CompressedBlock& block, char* raw) {
  if (block.compression == Compression::kLz4) {
    const int n = LZ4_decompress_safe(block.body.data(), raw,
                                      static_cast<int>(block.body.size()),
                                      static_cast<int>(block.raw_bytes));
    return n >= 0 && static_cast<size_t>(n) == block.raw_bytes;
  }
  const size_t n = ZSTD_decompressDCtx(ZstdContext(), raw, block.raw_bytes,
                                       block.body.data(), block.body.size());
  return !ZSTD_isError(n) && n == block.raw_bytes;
}

}  // namespace

BlockCompressor::BlockCompressor(Compression compression)
    : compression_(compression) {
  if (compression == Compression::kZstd) {
    zstd_.reset(ZSTD_createCCtx());
    HF_CHECK(zstd_ != nullptr);
  }
}

void BlockCompressor::FreeZstd::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

bool BlockCompressor::Compress(std::string_view raw, std::string* compressed) {
  if (compression_ == Compression::kNone) return false;
  if (raw.size() > LZ4_MAX_INPUT_SIZE) return false;
  const size_t limit = raw.size() - raw.size() / 8;
  compressed->clear();
  PutVarint64(compressed, raw.size());
  const size_t head = compressed->size();
  if (limit <= head) return false;
  compressed->resize(limit);
  char* const out = compressed->data() + head;
  const size_t n = compression_ == Compression::kLz4
                       ? CompressLz4(raw, out, limit - head)
                       : CompressZstd(zstd_.get(), raw, out, limit - head);
  if (n == 0) return false;
  compressed->resize(head + n);
  return true;
}

absl::StatusOr<CompressedBlock> OpenCompressedBlock(Compression compression,
                                                    std::string_view compressed,
                                                    uint64_t max_bytes,
                                                    std::string_view file,
                                                    uint64_t offset) {
  HF_CHECK(compression != Compression::kNone);
  HF_CHECK(max_bytes <= INT32_MAX);
  Decoder in(compressed);
  uint64_t size;
  if (!in.ReadVarint64(&size)) {
    return DataLoss(file, offset, "compressed block without its size");
  }
  const std::string_view body = in.rest();
  if (body.size() > INT32_MAX) {
    return DataLoss(file, offset, "compressed block is too large");
  }
  const char* why = FindBadClaim(compression, body, size, max_bytes);
  if (why != nullptr && !HF_MUTANT("compression.claim_is_possible")) {
    return DataLoss(file, offset,
                    absl::StrCat("compressed block of ", body.size(),
                                 " bytes for ", size, ": ", why));
  }
  return CompressedBlock{compression, body, static_cast<size_t>(size)};
}

absl::Status DecompressTo(const CompressedBlock& block, char* raw,
                          std::string_view file, uint64_t offset) {
  if (!Decompress(block, raw)) {
    return DataLoss(file, offset, "compressed block does not decompress");
  }
  return absl::OkStatus();
}

absl::StatusOr<RawBlock> DecompressBlock(Compression compression,
                                         std::string_view compressed,
                                         uint64_t max_bytes,
                                         std::string_view file,
                                         uint64_t offset) {
  HF_ASSIGN_OR_RETURN(
      const CompressedBlock block,
      OpenCompressedBlock(compression, compressed, max_bytes, file, offset));
  RawBlock raw;
  raw.data = std::make_unique_for_overwrite<char[]>(block.raw_bytes);
  raw.size = block.raw_bytes;
  HF_RETURN_IF_ERROR(DecompressTo(block, raw.data.get(), file, offset));
  return raw;
}

}  // namespace holdfast
