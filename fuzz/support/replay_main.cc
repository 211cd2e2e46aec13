// main() of a fuzz target outside a fuzzer: runs each file named, and all files
// in each folder named, once. Options of libFuzzer (-runs=0) are passed over.
// A folder that is missing or empty is an error: a replay of nothing would
// pass. So is an input above the max_len of --options=FILE: libFuzzer would cut
// it, and what it was to show would be lost.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// A target may define it.
extern "C" [[gnu::weak]] int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

namespace fs = std::filesystem;

// False, with a message, when there is nothing to run.
bool AddFiles(const fs::path& path, std::vector<fs::path>* files) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (fs::is_regular_file(path, error)) {
      files->push_back(path);
      return true;
    }
    std::fprintf(stderr, "%s: no such file or folder\n", path.c_str());
    return false;
  }
  const size_t before = files->size();
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) files->push_back(entry.path());
  }
  if (files->size() == before) {
    std::fprintf(stderr, "%s: no inputs in this folder\n", path.c_str());
    return false;
  }
  return true;
}

// Reads `max_len = N` of the options of a target, when it is there.
bool ReadMaxLen(const std::string& path, size_t* max_len) {
  std::ifstream in(path);
  if (!in) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  std::string word;
  std::string equals;
  while (in >> word) {
    if (word == "max_len" && !(in >> equals >> *max_len)) {
      std::fprintf(stderr, "%s: `max_len = N` is wanted\n", path.c_str());
      return false;
    }
  }
  return true;
}

bool RunFile(const fs::path& path, size_t max_len) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)),
                          std::istreambuf_iterator<char>());
  if (!in) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  if (bytes.size() > max_len) {
    std::fprintf(stderr, "%s: %zu bytes are above max_len, %zu\n", path.c_str(),
                 bytes.size(), max_len);
    return false;
  }
  // Of exactly this size, so that a sanitizer sees a read behind the end.
  const std::vector<uint8_t> input(bytes.begin(), bytes.end());
  // Printed first: it is the last line when the input ends the program.
  std::printf("%s (%zu bytes)\n", path.c_str(), input.size());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  std::vector<fs::path> files;
  bool good = true;
  size_t max_len = SIZE_MAX;
  constexpr std::string_view kOptions = "--options=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with(kOptions)) {
      good &= ReadMaxLen(std::string(word.substr(kOptions.size())), &max_len);
    } else if (!word.starts_with("-")) {
      good &= AddFiles(word, &files);
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s FILE_OR_FOLDER...\n", argv[0]);
    return 1;
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    good &= RunFile(file, max_len);
  }
  std::printf("%zu inputs\n", files.size());
  return good ? 0 : 1;
}
