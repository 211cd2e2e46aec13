#include "bench/peers.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace holdfast::bench {

std::optional<EngineKind> LoadPeer(const std::string& path,
                                   std::vector<std::string>* problems) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    problems->push_back(dlerror());
    return std::nullopt;
  }
  const auto interface =
      reinterpret_cast<int (*)()>(dlsym(library, "HoldfastBenchInterface"));
  const auto engine = reinterpret_cast<const EngineKind* (*)()>(
      dlsym(library, "HoldfastBenchEngine"));
  if (interface == nullptr || engine == nullptr) {
    problems->push_back(path + ": not an adapter (see bench/engine.h)");
    return std::nullopt;
  }
  if (interface() != kInterface) {
    problems->push_back(path + ": made for interface " +
                        std::to_string(interface()) + ", this is " +
                        std::to_string(kInterface) +
                        "; run bench/peers/build again");
    return std::nullopt;
  }
  return *engine();
}

std::vector<EngineKind> LoadPeers(const std::string& folder,
                                  std::vector<std::string>* problems) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("libbench_") && name.ends_with(".so")) {
      paths.push_back(std::filesystem::absolute(entry.path()));
    }
  }
  if (error) problems->push_back(folder + ": " + error.message());
  std::sort(paths.begin(), paths.end());

  std::vector<EngineKind> kinds;
  for (const std::string& path : paths) {
    std::optional<EngineKind> kind = LoadPeer(path, problems);
    if (kind.has_value()) kinds.push_back(*std::move(kind));
  }
  return kinds;
}

}  // namespace holdfast::bench
