// Writing what kvd has to say: data to standard output or a file, messages to
// standard error. A write that fails is an error that ends the command, never
// dropped: a full disk or a closed pipe must not look like success.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_KVD_OUTPUT_H_
#define HOLDFAST_KVD_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"

namespace holdfast::kvd {

class ByteSink {
 public:
  virtual ~ByteSink() = default;

  // Writes all of `bytes`, or fails.
  virtual absl::Status Write(std::string_view bytes) = 0;
};

// Writes to a descriptor, which it does not close. `name` is for messages.
class DescriptorSink : public ByteSink {
 public:
  DescriptorSink(int descriptor, std::string name);
  absl::Status Write(std::string_view bytes) override;

 private:
  const int descriptor_;
  const std::string name_;
};

// A file that takes its name only when it is whole: until Commit it is called
// PATH.partial, and it is removed when Commit never comes.
//
// Crash: once Commit returned OK, the new file survives; before, the old one,
// if there was one, is as it was.
class ReplacementFile : public ByteSink {
 public:
  // kInvalidArgument when PATH.partial exists: another command may be writing
  // it. REQUIRES: `file_system` outlives the result.
  static absl::StatusOr<std::unique_ptr<ReplacementFile>> Create(
      FileSystem& file_system, const std::string& path);

  ReplacementFile(const ReplacementFile&) = delete;
  ReplacementFile& operator=(const ReplacementFile&) = delete;
  ~ReplacementFile() override;

  absl::Status Write(std::string_view bytes) override;

  // Syncs the file and gives it its name. The last call.
  absl::Status Commit();

 private:
  ReplacementFile(FileSystem& file_system, std::string path,
                  std::string partial_path, std::unique_ptr<WritableFile> file);

  FileSystem& file_system_;
  const std::string path_;
  const std::string partial_path_;
  std::unique_ptr<WritableFile> file_;
  uint64_t bytes_ = 0;
  bool committed_ = false;
};

// Gathers small writes. The first error is kept: later calls return it and
// write nothing more. What is not flushed is lost.
class Output {
 public:
  // REQUIRES: `sink` outlives it.
  explicit Output(ByteSink& sink) : sink_(sink) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  absl::Status Write(std::string_view bytes);
  absl::Status Flush();

 private:
  ByteSink& sink_;
  std::string buffer_;
  absl::Status error_;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_OUTPUT_H_
