// make_seeds FOLDER: writes FOLDER/TARGET/NAME for each seed. The same bytes on
// every run and every machine.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.h"
#include "fuzz/engine/seeds.h"
#include "fuzz/format/seeds.h"
#include "fuzz/log/seeds.h"
#include "fuzz/seeds/seed_sink.h"
#include "fuzz/table/seeds.h"
#include "fuzz/text/seeds.h"

namespace holdfast {
namespace {

class FolderSink final : public SeedSink {
 public:
  explicit FolderSink(std::filesystem::path folder)
      : folder_(std::move(folder)) {}

  void Add(std::string_view target, std::string_view name,
           std::string_view bytes) override {
    const std::filesystem::path path = folder_ / target / name;
    std::filesystem::create_directories(path.parent_path());
    HF_CHECK(!std::filesystem::exists(path));
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    HF_CHECK(out.good());
  }

 private:
  const std::filesystem::path folder_;
};

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 1;
  }
  holdfast::FolderSink sink(argv[1]);
  holdfast::AddFormatSeeds(sink);
  holdfast::AddLogSeeds(sink);
  holdfast::AddTableSeeds(sink);
  holdfast::AddTextSeeds(sink);
  holdfast::AddEngineSeeds(sink);
  return 0;
}
