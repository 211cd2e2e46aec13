#include "engine/table/compression.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "base/coding.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;
constexpr Compression kKinds[] = {Compression::kLz4, Compression::kZstd};

std::string Noise(size_t n) {
  Random random(1);
  std::string bytes;
  while (bytes.size() < n) bytes.push_back(static_cast<char>(random.Next64()));
  return bytes;
}

std::string Compressed(Compression kind, std::string_view raw) {
  std::string out;
  EXPECT_TRUE(BlockCompressor(kind).Compress(raw, &out));
  return out;
}

absl::StatusOr<RawBlock> Decompress(Compression kind, std::string_view bytes,
                                    uint64_t max_bytes = kMaxBytes) {
  return DecompressBlock(kind, bytes, max_bytes, "t.sst", 4096);
}

void ExpectRefused(Compression kind, std::string_view bytes,
                   std::string_view why, uint64_t max_bytes = kMaxBytes) {
  const absl::Status status = Decompress(kind, bytes, max_bytes).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << why;
  EXPECT_TRUE(absl::StrContains(status.message(), why)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "t.sst")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "4096")) << status;
}

TEST(CompressionTest, RoundTripsWhatShrinks) {
  for (const Compression kind : kKinds) {
    BlockCompressor compressor(kind);
    std::string out;
    for (const size_t n : {100, 5000, 100'000}) {
      const std::string raw = Noise(n / 2) + std::string(n - n / 2, 'x');
      ASSERT_TRUE(compressor.Compress(raw, &out));
      EXPECT_LE(out.size(), raw.size() - raw.size() / 8);
      const auto back = Decompress(kind, out);
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(back->view(), raw);
    }
  }
}

TEST(CompressionTest, WhatDoesNotShrinkByAnEighthIsLeft) {
  for (const Compression kind :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    BlockCompressor compressor(kind);
    std::string out;
    EXPECT_FALSE(compressor.Compress(Noise(4000), &out));
    EXPECT_FALSE(
        compressor.Compress(Noise(4000) + std::string(400, 'x'), &out));
    EXPECT_FALSE(compressor.Compress("", &out));
    EXPECT_FALSE(compressor.Compress("a", &out));
  }
  std::string out;
  EXPECT_FALSE(BlockCompressor(Compression::kNone)
                   .Compress(std::string(4000, 'x'), &out));
}

TEST(CompressionTest, ClaimsAreBoundedBeforeMemoryIsTaken) {
  for (const Compression kind : kKinds) {
    const std::string raw(5000, 'x');
    const std::string good = Compressed(kind, raw);
    ExpectRefused(kind, good, "more than any block", raw.size() - 1);
    EXPECT_TRUE(Decompress(kind, good, raw.size()).ok());
    ExpectRefused(kind, "", "without its size");
    const std::string_view body = std::string_view(good).substr(2);
    for (const uint64_t claim : {0, 4999, 5001, 100'000}) {
      std::string bad;
      PutVarint64(&bad, claim);
      bad.append(body);
      ExpectRefused(kind, bad, "");
    }
  }
  // 10 bytes of LZ4 hold at most 255 times as much.
  std::string lz4;
  PutVarint64(&lz4, 10 * 255 + 64 + 1);
  lz4.append(10, 'x');
  ExpectRefused(Compression::kLz4, lz4, "more than LZ4 can hold");
  std::string zstd;
  PutVarint64(&zstd, 5000);
  zstd.append("not a frame");
  ExpectRefused(Compression::kZstd, zstd, "zstd frame");
}

TEST(CompressionTest, AFrameThatClaimsMuchIsRefusedBeforeMemoryIsTaken) {
  // The header of a frame of 400,000 bytes, which nine cannot hold.
  std::string bad;
  PutVarint64(&bad, 400'000);
  bad += std::string("\x28\xb5\x2f\xfd\xa0", 5);
  PutFixed32(&bad, 400'000);
  ExpectRefused(Compression::kZstd, bad, "more than zstd can hold");
}

TEST(CompressionTest, WhatShrinksMostIsNotRefused) {
  const std::string raw(16 << 20, '\0');
  for (const Compression kind : kKinds) {
    const std::string good = Compressed(kind, raw);
    const auto back = Decompress(kind, good, raw.size());
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->view(), raw);
  }
}

TEST(CompressionTest, DamageGivesSomeBytesOfThatSizeOrDataLoss) {
  for (const Compression kind : kKinds) {
    const std::string raw = Noise(60) + std::string(200, 'x');
    const std::string good = Compressed(kind, raw);
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      const auto back = Decompress(kind, bad);
      EXPECT_TRUE(back.ok() || absl::IsDataLoss(back.status()));
    }
    for (size_t n = 0; n < good.size(); ++n) {
      EXPECT_FALSE(Decompress(kind, good.substr(0, n)).ok()) << n;
    }
  }
}

RC_GTEST_PROP(CompressionTest, AnyBytesDecompressOrAreRefused,
              (const std::string& bytes)) {
  for (const Compression kind : kKinds) {
    const auto back = Decompress(kind, bytes);
    RC_ASSERT(back.ok() || absl::IsDataLoss(back.status()));
  }
}

}  // namespace
}  // namespace holdfast
