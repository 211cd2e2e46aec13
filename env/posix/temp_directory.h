// An empty directory of a test's own, below the test runner's TEST_TMPDIR (else
// TMPDIR, else /tmp). The destructor removes it with all that is in it.
//
//   TempDirectory directory;
//   env->file_system().CreateFile(directory.File("000012.sst"));
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_ENV_POSIX_TEMP_DIRECTORY_H_
#define HOLDFAST_ENV_POSIX_TEMP_DIRECTORY_H_

#include <string>
#include <string_view>

namespace holdfast {

class TempDirectory {
 public:
  // Dies when it cannot make one.
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  // The path of a file in it.
  std::string File(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_TEMP_DIRECTORY_H_
