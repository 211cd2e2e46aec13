// Reading what a user feeds to kvd: a file or standard input, plain or an LZ4
// frame (told by its first bytes), as a stream or line by line.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_INPUT_H_
#define HOLDFAST_KVD_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::kvd {

// Bytes in order.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to `n` > 0 bytes into `buffer`. RETURNS how many; 0 only at the
  // end. Errors name the file.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t n) = 0;

  // Bytes taken from the file so far, which for a compressed one are fewer
  // than were given out.
  virtual uint64_t consumed_bytes() const = 0;
};

// What "-" is called in messages.
inline constexpr char kStdinName[] = "standard input";

// No descriptor.
inline constexpr int kNoDescriptor = -1;

// Opens a file, or standard input for "-". kNotFound when there is none,
// kInvalidArgument for a directory. A read that would wait returns kCancelled
// when `interrupt` (see Interrupts::descriptor) is readable.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(
    const std::string& path, int interrupt = kNoDescriptor);

// The bytes behind a descriptor, which is not closed. `name` is for messages.
std::unique_ptr<ByteSource> NewDescriptorSource(int descriptor,
                                                std::string name);

// `source`, or what is in it when it is a sequence of LZ4 frames. A frame that
// is cut off or damaged is kDataLoss naming `name`.
std::unique_ptr<ByteSource> NewDecompressingSource(
    std::unique_ptr<ByteSource> source, std::string name);

// The size of a regular file, or 0 when it cannot be known (a pipe).
uint64_t InputBytes(const std::string& path);

// Everything that is left in `source`; kInvalidArgument when that is more than
// `limit_bytes`.
absl::StatusOr<std::string> ReadAll(ByteSource& source, size_t limit_bytes);

// Splits a source into lines.
class LineReader {
 public:
  // A line longer than `max_line_bytes` is an error: without a limit, one file
  // without line ends would take all memory.
  LineReader(std::unique_ptr<ByteSource> source, size_t max_line_bytes);

  // Reads the next line, without its end (\n or \r\n), into *line, which is
  // valid until the next call. RETURNS false at the end. A last line needs no
  // end.
  absl::StatusOr<bool> Next(std::string_view* line);

  // The number of the line that Next returned last, from 1.
  uint64_t line() const { return line_; }
  uint64_t consumed_bytes() const { return source_->consumed_bytes(); }

 private:
  absl::Status Fill();

  const std::unique_ptr<ByteSource> source_;
  const size_t max_line_bytes_;
  std::string buffer_;  // What is not given out yet is [begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t searched_ = 0;  // No line end in [begin_, searched_).
  bool at_end_ = false;
  uint64_t line_ = 0;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_INPUT_H_
