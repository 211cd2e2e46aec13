#include "kvd/input.h"

#include <fcntl.h>
#include <lz4frame.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_util.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr uint32_t kLz4FrameMagic = 0x184d2204;

class DescriptorSource : public ByteSource {
 public:
  DescriptorSource(int descriptor, bool owned, std::string name, int interrupt)
      : descriptor_(descriptor),
        owned_(owned),
        name_(std::move(name)),
        interrupt_(interrupt) {}
  DescriptorSource(const DescriptorSource&) = delete;
  DescriptorSource& operator=(const DescriptorSource&) = delete;
  ~DescriptorSource() override {
    if (owned_) close(descriptor_);
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t n) override {
    ssize_t got;
    do {
      if (interrupt_ != kNoDescriptor) HF_RETURN_IF_ERROR(WaitForInput());
      got = read(descriptor_, buffer, n);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read " + name_);
    consumed_bytes_ += static_cast<uint64_t>(got);
    return static_cast<size_t>(got);
  }

  uint64_t consumed_bytes() const override { return consumed_bytes_; }

 private:
  absl::Status WaitForInput() const {
    pollfd ready[] = {{descriptor_, POLLIN, 0}, {interrupt_, POLLIN, 0}};
    int n;
    do {
      n = poll(ready, 2, /*timeout=*/-1);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return absl::ErrnoToStatus(errno, "cannot wait for " + name_);
    if (ready[1].revents != 0) return absl::CancelledError("interrupted");
    return absl::OkStatus();
  }

  const int descriptor_;
  const bool owned_;
  const std::string name_;
  const int interrupt_;
  uint64_t consumed_bytes_ = 0;
};

// Looks at the first bytes, then gives out either them and the rest as they
// are, or what the LZ4 frames hold.
class DecompressingSource : public ByteSource {
 public:
  DecompressingSource(std::unique_ptr<ByteSource> source, std::string name)
      : source_(std::move(source)), name_(std::move(name)) {}
  DecompressingSource(const DecompressingSource&) = delete;
  DecompressingSource& operator=(const DecompressingSource&) = delete;
  ~DecompressingSource() override { LZ4F_freeDecompressionContext(context_); }

  absl::StatusOr<size_t> Read(char* buffer, size_t n) override {
    if (mode_ == Mode::kUnknown) HF_RETURN_IF_ERROR(Recognise());
    if (mode_ == Mode::kLz4) return ReadLz4(buffer, n);
    if (begin_ == end_) return source_->Read(buffer, n);
    const size_t got = std::min(n, end_ - begin_);
    std::memcpy(buffer, input_ + begin_, got);
    begin_ += got;
    return got;
  }

  uint64_t consumed_bytes() const override {
    return source_->consumed_bytes() - (end_ - begin_);
  }

 private:
  enum class Mode { kUnknown, kPlain, kLz4 };

  absl::Status Recognise() {
    size_t got = 1;
    while (got > 0 && end_ < sizeof(uint32_t)) {
      HF_ASSIGN_OR_RETURN(got,
                          source_->Read(input_ + end_, sizeof(input_) - end_));
      end_ += got;
    }
    mode_ = Mode::kPlain;
    if (end_ < sizeof(uint32_t) || DecodeFixed32(input_) != kLz4FrameMagic) {
      return absl::OkStatus();
    }
    mode_ = Mode::kLz4;
    if (LZ4F_isError(
            LZ4F_createDecompressionContext(&context_, LZ4F_VERSION))) {
      return absl::ResourceExhaustedError("no memory to decompress " + name_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> ReadLz4(char* buffer, size_t n) {
    while (true) {
      if (begin_ == end_) {
        HF_ASSIGN_OR_RETURN(end_, source_->Read(input_, sizeof(input_)));
        begin_ = 0;
        if (end_ == 0) {
          if (frame_is_open_) return Damage("the LZ4 frame is cut off here");
          return 0;
        }
      }
      size_t produced = n;
      size_t taken = end_ - begin_;
      const size_t wants = LZ4F_decompress(context_, buffer, &produced,
                                           input_ + begin_, &taken, nullptr);
      if (LZ4F_isError(wants)) {
        return Damage(absl::StrCat("LZ4: ", LZ4F_getErrorName(wants)));
      }
      begin_ += taken;
      frame_is_open_ = wants != 0;
      if (produced > 0) return produced;
    }
  }

  absl::Status Damage(std::string_view why) const {
    return DataLoss(name_, consumed_bytes(), why);
  }

  const std::unique_ptr<ByteSource> source_;
  const std::string name_;
  Mode mode_ = Mode::kUnknown;
  char input_[kBufferBytes];
  size_t begin_ = 0;  // What is not used yet is input_[begin_, end_).
  size_t end_ = 0;
  LZ4F_dctx* context_ = nullptr;
  bool frame_is_open_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> NewDescriptorSource(int descriptor,
                                                std::string name) {
  return std::make_unique<DescriptorSource>(descriptor, /*owned=*/false,
                                            std::move(name), kNoDescriptor);
}

std::unique_ptr<ByteSource> NewDecompressingSource(
    std::unique_ptr<ByteSource> source, std::string name) {
  return std::make_unique<DecompressingSource>(std::move(source),
                                               std::move(name));
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(const std::string& path,
                                                      int interrupt) {
  if (path == "-") {
    return std::make_unique<DescriptorSource>(STDIN_FILENO, /*owned=*/false,
                                              kStdinName, interrupt);
  }
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, "cannot open " + path);
  }
  auto source = std::make_unique<DescriptorSource>(descriptor, /*owned=*/true,
                                                   path, interrupt);
  struct stat info;
  if (fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(path + " is a directory, not a file");
  }
  return source;
}

uint64_t InputBytes(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<std::string> ReadAll(ByteSource& source, size_t limit_bytes) {
  std::string all;
  while (true) {
    const size_t old_bytes = all.size();
    all.resize(old_bytes + kBufferBytes);
    HF_ASSIGN_OR_RETURN(const size_t got,
                        source.Read(all.data() + old_bytes, kBufferBytes));
    all.resize(old_bytes + got);
    if (all.size() > limit_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "more than ", FormatCount(limit_bytes), " bytes of input"));
    }
    if (got == 0) return all;
  }
}

LineReader::LineReader(std::unique_ptr<ByteSource> source,
                       size_t max_line_bytes)
    : source_(std::move(source)), max_line_bytes_(max_line_bytes) {}

absl::Status LineReader::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  }
  end_ -= begin_;
  searched_ -= begin_;
  begin_ = 0;
  // Never smaller again: each time that it grows, zeros are written.
  buffer_.resize(std::max(buffer_.size(), end_ + kBufferBytes));
  HF_ASSIGN_OR_RETURN(const size_t got,
                      source_->Read(buffer_.data() + end_, kBufferBytes));
  end_ += got;
  at_end_ = got == 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(std::string_view* line) {
  size_t end;
  while ((end = std::string_view(buffer_.data(), end_).find('\n', searched_)) ==
         std::string_view::npos) {
    searched_ = end_;
    if (searched_ - begin_ > max_line_bytes_ || at_end_) break;
    HF_RETURN_IF_ERROR(Fill());
  }
  const bool has_end = end != std::string_view::npos;
  if (!has_end) end = end_;
  if (!has_end && end == begin_) return false;
  ++line_;
  if (end - begin_ > max_line_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("longer than ", FormatCount(max_line_bytes_), " bytes"));
  }
  *line = std::string_view(buffer_.data() + begin_, end - begin_);
  if (line->ends_with('\r')) line->remove_suffix(1);
  begin_ = searched_ = has_end ? end + 1 : end;
  return true;
}

}  // namespace holdfast::kvd
