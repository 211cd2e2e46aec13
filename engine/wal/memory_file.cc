#include "engine/wal/memory_file.h"

#include <algorithm>
#include <string_view>

namespace holdfast {
namespace {

// Takes one from a number of failures to come.
bool Fails(int* left) {
  if (*left == 0) return false;
  --*left;
  return true;
}

class Writer : public WritableFile {
 public:
  explicit Writer(MemoryFile* file) : file_(file) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    ++file_->writes;
    const bool fails = Fails(&file_->fail_writes);
    if (fails) data = data.substr(0, file_->failed_write_bytes);
    const uint64_t end = offset + data.size();
    if (!data.empty() && end > file_->content.size()) {
      file_->content.resize(end);
    }
    data.copy(file_->content.data() + offset, data.size());
    return fails ? absl::ResourceExhaustedError("planned write failure")
                 : absl::OkStatus();
  }

  absl::Status Sync() override {
    ++file_->syncs;
    if (Fails(&file_->fail_syncs)) {
      return absl::InternalError("planned sync failure");
    }
    file_->synced = file_->content;
    return absl::OkStatus();
  }

  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    ++file_->prepares;
    if (Fails(&file_->fail_prepares)) {
      return absl::ResourceExhaustedError("planned prepare failure");
    }
    const uint64_t end = offset + length;
    if (end > file_->content.size()) file_->content.resize(end);
    file_->content.replace(offset, length, length, '\0');
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    file_->content.resize(size);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    ++file_->closes;
    return absl::OkStatus();
  }

 private:
  MemoryFile* const file_;
};

class Reader : public RandomAccessFile {
 public:
  explicit Reader(const MemoryFile* file) : file_(file) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const std::string_view content = file_->content;
    const std::string_view part =
        content.substr(std::min<uint64_t>(offset, content.size()))
            .substr(0, std::min(n, file_->max_read_bytes));
    if (file_->unreadable_offset - offset < part.size()) {
      return absl::InternalError("planned read failure");
    }
    // A copy, so that sanitizers see who holds a view too long.
    part.copy(scratch, part.size());
    *result = std::string_view(scratch, part.size());
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    return file_->content.size();
  }

 private:
  const MemoryFile* const file_;
};

}  // namespace

std::unique_ptr<WritableFile> MemoryFile::NewWriter() {
  return std::make_unique<Writer>(this);
}

std::unique_ptr<RandomAccessFile> MemoryFile::NewReader() const {
  return std::make_unique<Reader>(this);
}

}  // namespace holdfast
