#include "chaos/kill/kill_options.h"

#include <cstddef>

#include "base/random.h"
#include "tests/util/open.h"

namespace holdfast::chaos {

Options DrawKillOptions(uint64_t seed) {
  Random random(seed);
  Options options = TinyOptions();
  options.block_bytes = size_t{256} << random.Uniform(5);
  options.block_restart_interval = 1 + static_cast<int>(random.Uniform(16));
  options.block_cache_bytes = random.OneIn(2) ? 0 : size_t{1} << 20;
  options.compression = static_cast<Compression>(random.Uniform(3));
  options.bloom_bits_per_key = random.OneIn(2) ? 0 : 10;
  options.max_memtables = 2 + static_cast<int>(random.Uniform(3));
  options.background_threads = 1 + static_cast<int>(random.Uniform(2));
  options.level0_compaction_trigger = 1 + static_cast<int>(random.Uniform(3));
  options.manifest_roll_bytes = uint64_t{4096} << random.Uniform(2);
  return options;
}

NumberedWrites DrawKillWrites(uint64_t seed) {
  Random random(seed + 1);
  return NumberedWrites(seed, size_t{1000} << random.Uniform(3));
}

uint64_t DrawSyncOneIn(uint64_t seed) {
  constexpr uint64_t kOneIn[] = {0, 3, 10, 50};
  return kOneIn[Random(seed + 2).Uniform(4)];
}

}  // namespace holdfast::chaos
