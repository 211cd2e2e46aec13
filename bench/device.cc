#include "bench/device.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {
namespace {

constexpr size_t kWriteBytes = 4096;
constexpr size_t kWrites = 4096;  // Then from the beginning again.

void Check(bool good) {
  if (good) return;
  std::perror("device");
  std::exit(1);
}

class DeviceEngine final : public Engine {
 public:
  explicit DeviceEngine(const std::string& path) : block_(kWriteBytes, 'x') {
    std::filesystem::create_directories(path);
    fd_ = open((path + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    Check(fd_ >= 0);
    for (size_t i = 0; i < kWrites; ++i) Overwrite(i);
    Check(fsync(fd_) == 0);
  }
  ~DeviceEngine() override { close(fd_); }

  void Write(const std::vector<Change>&, Durability durability) override {
    Overwrite(next_++ % kWrites);
    if (durability == Durability::kPower) Check(fdatasync(fd_) == 0);
  }

  bool Get(std::string_view, std::string*) override { return false; }
  std::unique_ptr<EngineIterator> NewIterator() override { return nullptr; }
  void Compact() override {}

 private:
  void Overwrite(size_t i) {
    Check(pwrite(fd_, block_.data(), block_.size(),
                 static_cast<off_t>(i * kWriteBytes)) ==
          static_cast<ssize_t>(block_.size()));
  }

  const std::string block_;
  int fd_ = -1;
  size_t next_ = 0;
};

}  // namespace

EngineKind DeviceKind() {
  return {"device", "no engine: overwrites 4 KiB, then fdatasync",
          /*can_skip_log=*/false,
          [](const EngineOptions&,
             const std::string& path) -> std::unique_ptr<Engine> {
            return std::make_unique<DeviceEngine>(path);
          },
          /*only=*/{"fillsync-1"}};
}

}  // namespace holdfast::bench
