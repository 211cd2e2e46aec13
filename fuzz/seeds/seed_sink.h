// Where the seeds of all targets go.

#ifndef HOLDFAST_FUZZ_SEEDS_SEED_SINK_H_
#define HOLDFAST_FUZZ_SEEDS_SEED_SINK_H_

#include <string_view>

namespace holdfast {

class SeedSink {
 public:
  virtual ~SeedSink() = default;

  // Adds a seed of the target `target` ("varint_fuzz"). `name` says what it
  // shows, in lower case with dashes, once per target.
  virtual void Add(std::string_view target, std::string_view name,
                   std::string_view bytes) = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_SEEDS_SEED_SINK_H_
