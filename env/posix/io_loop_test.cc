#include "env/posix/io_loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

// What a scripted call does: move up to `bytes`, or fail with `error`.
struct Step {
  size_t bytes = 0;
  int error = 0;
};

// A file in memory behind calls that follow a script; after its end each call
// does all it is asked for.
class ScriptedFile {
 public:
  explicit ScriptedFile(std::deque<Step> script, std::string content = "")
      : script_(std::move(script)), content_(std::move(content)) {}

  ssize_t Write(const char* data, size_t n, uint64_t offset) {
    const ssize_t moved = Next(n);
    if (moved <= 0) return moved;
    const auto count = static_cast<size_t>(moved);
    if (content_.size() < offset + count) content_.resize(offset + count);
    std::memcpy(content_.data() + offset, data, count);
    return moved;
  }

  ssize_t Read(char* scratch, size_t n, uint64_t offset) {
    if (offset >= content_.size()) {
      ++calls_;
      return 0;
    }
    const ssize_t moved = Next(std::min(n, content_.size() - offset));
    if (moved <= 0) return moved;
    std::memcpy(scratch, content_.data() + offset, static_cast<size_t>(moved));
    return moved;
  }

  IoResult WriteAll(uint64_t offset, std::string_view data) {
    return WriteFully([this](const char* bytes, size_t n,
                             uint64_t at) { return Write(bytes, n, at); },
                      offset, data);
  }

  std::string ReadAll(uint64_t offset, size_t n, IoResult* result) {
    std::string scratch(n, '?');
    *result = ReadFully([this](char* bytes, size_t want,
                               uint64_t at) { return Read(bytes, want, at); },
                        offset, n, scratch.data());
    return scratch.substr(0, result->bytes);
  }

  const std::string& content() const { return content_; }
  int calls() const { return calls_; }

 private:
  ssize_t Next(size_t n) {
    ++calls_;
    if (script_.empty()) return static_cast<ssize_t>(n);
    const Step step = script_.front();
    script_.pop_front();
    if (step.error != 0) {
      errno = step.error;
      return -1;
    }
    return static_cast<ssize_t>(std::min(step.bytes, n));
  }

  std::deque<Step> script_;
  std::string content_;
  int calls_ = 0;
};

TEST(IoLoopTest, WriteGoesOnAfterShortWritesAndInterruptions) {
  ScriptedFile file({{.bytes = 1}, {.error = EINTR}, {.bytes = 2}});
  const IoResult result = file.WriteAll(3, "abcdef");
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.bytes, 6u);
  EXPECT_EQ(file.content(), std::string("\0\0\0abcdef", 9));
  EXPECT_EQ(file.calls(), 4);
}

TEST(IoLoopTest, WriteStopsAtAnErrorHalfWay) {
  ScriptedFile file({{.bytes = 2}, {.error = ENOSPC}});
  const IoResult result = file.WriteAll(0, "abcdef");
  EXPECT_EQ(result.error, ENOSPC);
  EXPECT_EQ(result.bytes, 2u);
  EXPECT_EQ(file.calls(), 2);
}

TEST(IoLoopTest, WriteOfNothingIsAnErrorAndNotAnEndlessLoop) {
  ScriptedFile file(std::deque<Step>{{.bytes = 2}, {.bytes = 0}});
  const IoResult result = file.WriteAll(0, "abcdef");
  EXPECT_EQ(result.error, EIO);
  EXPECT_EQ(result.bytes, 2u);
}

TEST(IoLoopTest, EmptyWriteMakesNoCall) {
  ScriptedFile file({});
  EXPECT_EQ(file.WriteAll(0, "").error, 0);
  EXPECT_EQ(file.calls(), 0);
}

TEST(IoLoopTest, ReadGoesOnAfterShortReadsAndInterruptions) {
  ScriptedFile file({{.bytes = 1}, {.error = EINTR}, {.bytes = 2}}, "abcdef");
  IoResult result;
  EXPECT_EQ(file.ReadAll(1, 5, &result), "bcdef");
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(file.calls(), 4);
}

TEST(IoLoopTest, ReadIsShortOnlyAtTheEndOfTheFile) {
  ScriptedFile file({{.bytes = 1}}, "abcdef");
  IoResult result;
  EXPECT_EQ(file.ReadAll(4, 10, &result), "ef");
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(file.ReadAll(6, 10, &result), "");
  EXPECT_EQ(result.error, 0);
}

TEST(IoLoopTest, ReadStopsAtAnErrorHalfWay) {
  ScriptedFile file({{.bytes = 2}, {.error = EIO}}, "abcdef");
  IoResult result;
  EXPECT_EQ(file.ReadAll(0, 6, &result), "ab");
  EXPECT_EQ(result.error, EIO);
}

TEST(IoLoopTest, AsksForAtMostOneTransferAtATime) {
  // The data is not touched: only the sizes asked for count.
  std::vector<size_t> asked;
  const std::string_view data("x", 2 * kMaxTransferBytes + 5);
  const IoResult written = WriteFully(
      [&](const char*, size_t n, uint64_t) {
        asked.push_back(n);
        return static_cast<ssize_t>(n);
      },
      0, data);
  EXPECT_EQ(written.bytes, data.size());
  EXPECT_EQ(asked,
            (std::vector<size_t>{kMaxTransferBytes, kMaxTransferBytes, 5}));

  asked.clear();
  char byte;
  const IoResult read = ReadFully(
      [&](char*, size_t n, uint64_t) {
        asked.push_back(n);
        return static_cast<ssize_t>(n);
      },
      0, kMaxTransferBytes + 1, &byte);
  EXPECT_EQ(read.bytes, kMaxTransferBytes + 1);
  EXPECT_EQ(asked, (std::vector<size_t>{kMaxTransferBytes, 1}));
}

TEST(IoLoopTest, RetryEndsWithTheFirstResultThatIsNoInterruption) {
  int calls = 0;
  EXPECT_EQ(RetryOnInterrupt([&] {
              errno = ++calls < 3 ? EINTR : EACCES;
              return -1;
            }),
            -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(calls, 3);

  errno = EINTR;  // Left over from elsewhere: a success counts all the same.
  EXPECT_EQ(RetryOnInterrupt([] { return 7; }), 7);
}

// Any mixture of progress and interruption moves exactly the bytes asked for.
RC_GTEST_PROP(IoLoopProperty, SplitsDoNotShow, ()) {
  const auto data = *rc::gen::arbitrary<std::string>();
  const auto offset = *rc::gen::inRange<size_t>(0, 16);
  std::deque<Step> script;
  for (size_t bytes : *rc::gen::container<std::vector<size_t>>(
           rc::gen::inRange<size_t>(0, 5))) {
    script.push_back(bytes == 0 ? Step{.error = EINTR} : Step{.bytes = bytes});
  }
  ScriptedFile writer(script);
  const IoResult written = writer.WriteAll(offset, data);
  RC_ASSERT(written.error == 0);
  RC_ASSERT(written.bytes == data.size());
  if (!data.empty()) {
    RC_ASSERT(writer.content() == std::string(offset, '\0') + data);
  }

  ScriptedFile reader(script, std::string(offset, '\0') + data);
  IoResult read;
  RC_ASSERT(reader.ReadAll(offset, data.size() + 3, &read) == data);
  RC_ASSERT(read.error == 0);
}

}  // namespace
}  // namespace holdfast
