#include "kvd/input.h"

#include <lz4frame.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast::kvd {
namespace {

// Gives out a string in pieces of a few bytes.
class StringSource : public ByteSource {
 public:
  StringSource(std::string bytes, size_t piece_bytes)
      : bytes_(std::move(bytes)), piece_bytes_(piece_bytes) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t n) override {
    n = std::min({n, piece_bytes_, bytes_.size() - at_});
    std::memcpy(buffer, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed_bytes() const override { return at_; }

 private:
  const std::string bytes_;
  const size_t piece_bytes_;
  size_t at_ = 0;
};

std::string Lz4Frame(std::string_view bytes) {
  std::string frame(LZ4F_compressFrameBound(bytes.size(), nullptr), '\0');
  frame.resize(LZ4F_compressFrame(frame.data(), frame.size(), bytes.data(),
                                  bytes.size(), nullptr));
  return frame;
}

absl::StatusOr<std::string> Decompress(const std::string& bytes,
                                       size_t piece_bytes) {
  const auto source = NewDecompressingSource(
      std::make_unique<StringSource>(bytes, piece_bytes), "in.lz4");
  return ReadAll(*source, size_t{1} << 30);
}

absl::StatusOr<std::vector<std::string>> Lines(const std::string& bytes,
                                               size_t piece_bytes,
                                               size_t max_line_bytes = 1000) {
  LineReader reader(std::make_unique<StringSource>(bytes, piece_bytes),
                    max_line_bytes);
  std::vector<std::string> lines;
  std::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&line);
    if (!more.ok()) return more.status();
    if (!*more) return lines;
    lines.emplace_back(line);
    EXPECT_EQ(reader.line(), lines.size());
  }
}

TEST(DecompressingSourceTest, PassesOtherBytesOn) {
  for (const std::string bytes : {"", "a", "abc", "abcd", "plain text"}) {
    for (size_t piece_bytes : {1, 3, 100}) {
      EXPECT_EQ(*Decompress(bytes, piece_bytes), bytes);
    }
  }
}

RC_GTEST_PROP(DecompressingSourceProperty, ReadsFramesInAnyPieces,
              (const std::string& a, const std::string& b)) {
  const auto piece_bytes = *rc::gen::inRange<size_t>(1, 50);
  RC_ASSERT(*Decompress(Lz4Frame(a) + Lz4Frame(b), piece_bytes) == a + b);
}

TEST(DecompressingSourceTest, ReadsMoreThanItsBuffers) {
  std::string bytes;
  for (int64_t i = 0; i < 300'000; ++i) bytes += std::to_string(i * 7919);
  EXPECT_EQ(*Decompress(Lz4Frame(bytes), 70'000), bytes);
}

TEST(DecompressingSourceTest, EveryCutIsDataLoss) {
  const std::string frame = Lz4Frame("some text, some text, some text");
  for (size_t n = sizeof(uint32_t); n < frame.size(); ++n) {
    const absl::Status status = Decompress(frame.substr(0, n), 100).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << n << ": " << status;
    EXPECT_NE(status.message().find("in.lz4 at offset "), std::string::npos);
  }
}

TEST(DecompressingSourceTest, DamageIsDataLoss) {
  std::string frame = Lz4Frame("some text");
  frame[5] = static_cast<char>(frame[5] ^ 0x40);
  EXPECT_TRUE(absl::IsDataLoss(Decompress(frame, 100).status()));
  EXPECT_TRUE(
      absl::IsDataLoss(Decompress(Lz4Frame("a") + "junk", 100).status()));
}

TEST(LineReaderTest, SplitsLines) {
  const std::vector<std::string> want = {"a", "", "bc", "d"};
  for (size_t piece_bytes : {1, 2, 100}) {
    EXPECT_EQ(*Lines("a\n\nbc\nd\n", piece_bytes), want);
    EXPECT_EQ(*Lines("a\n\nbc\nd", piece_bytes), want);
    EXPECT_EQ(*Lines("a\r\n\r\nbc\r\nd\r\n", piece_bytes), want);
    EXPECT_EQ(*Lines("", piece_bytes), std::vector<std::string>());
    EXPECT_EQ(*Lines("\n", piece_bytes), std::vector<std::string>{""});
  }
}

TEST(LineReaderTest, RefusesALineOverTheLimit) {
  for (size_t piece_bytes : {1, 100}) {
    EXPECT_TRUE(Lines("ab\n1234567890\n", piece_bytes, 10).ok());
    EXPECT_EQ(Lines("ab\n12345678901\n", piece_bytes, 10).status().message(),
              "longer than 10 bytes");
    EXPECT_FALSE(Lines("12345678901", piece_bytes, 10).ok());
  }
}

TEST(LineReaderTest, StopsReadingAtTheLimit) {
  // A huge file without a line end is not read into memory.
  LineReader reader(std::make_unique<StringSource>(
                        std::string(size_t{10} << 20, 'x'), size_t{1} << 20),
                    /*max_line_bytes=*/100);
  std::string_view line;
  EXPECT_FALSE(reader.Next(&line).ok());
  EXPECT_LT(reader.consumed_bytes(), size_t{1} << 20);
}

TEST(OpenInputTest, ReadsAFile) {
  const std::string path = testing::TempDir() + "/input";
  std::ofstream(path) << "hello";
  auto source = OpenInput(path);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(*ReadAll(**source, 5), "hello");
  EXPECT_EQ((*source)->consumed_bytes(), 5u);
  EXPECT_EQ(InputBytes(path), 5u);
}

TEST(OpenInputTest, SaysWhatIsWrongWithThePath) {
  const absl::Status missing = OpenInput("/no/such/file").status();
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
  EXPECT_NE(missing.message().find("/no/such/file"), std::string::npos);
  EXPECT_TRUE(absl::IsInvalidArgument(OpenInput(testing::TempDir()).status()));
  EXPECT_EQ(InputBytes("/no/such/file"), 0u);
}

TEST(OpenInputTest, AnInterruptEndsTheWait) {
  int interrupt[2];
  ASSERT_EQ(pipe(interrupt), 0);
  const std::string path = testing::TempDir() + "/interrupted";
  std::ofstream(path) << "hello";
  auto source = OpenInput(path, interrupt[0]);
  ASSERT_TRUE(source.ok()) << source.status();
  char buffer[2];
  EXPECT_EQ(*(*source)->Read(buffer, 2), 2u);
  ASSERT_EQ(write(interrupt[1], "x", 1), 1);
  EXPECT_TRUE(absl::IsCancelled((*source)->Read(buffer, 2).status()));
  close(interrupt[0]);
  close(interrupt[1]);
}

TEST(ReadAllTest, HasALimit) {
  StringSource source("123456", 100);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadAll(source, 5).status()));
}

}  // namespace
}  // namespace holdfast::kvd
