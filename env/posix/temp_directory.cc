#include "env/posix/temp_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include "base/check.h"

namespace holdfast {
namespace {

std::string Parent() {
  for (const char* variable : {"TEST_TMPDIR", "TMPDIR"}) {
    const char* value = ::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return "/tmp";
}

}  // namespace

TempDirectory::TempDirectory() : path_(Parent() + "/holdfast.XXXXXX") {
  HF_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace holdfast
