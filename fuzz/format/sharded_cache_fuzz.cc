// The cache of blocks (engine/cache/sharded_cache.h), one thread, operations
// out of the input. Property: it is never over its capacity; a key gives what
// was stored for it or nothing; while it is empty, all is worth storing; a
// value lives as long as somebody holds it, and no longer; values die without a
// lock held; what is counted is right.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/cache/sharded_cache.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr size_t kMaxOperations = 64;
constexpr uint64_t kKeys = 64;
constexpr int kMostShardBits = 3;
constexpr size_t kShards = size_t{1} << kMostShardBits;

struct Value;
using Cache = ShardedCache<Value>;

// The values that are alive.
struct Census {
  Cache* cache = nullptr;
  size_t alive = 0;
};

struct Value {
  Value(uint64_t number_in, Census* census_in)
      : number(number_in), census(census_in) {
    ++census->alive;
  }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() {
    --census->alive;
    // Takes each lock: hangs when a value dies under one.
    if (census->cache != nullptr) census->cache->entries();
  }

  const uint64_t number;
  Census* const census;
};

class Run {
 public:
  explicit Run(FuzzInput input) : input_(input) {
    // One shard and few large values, or up to eight shards.
    const size_t capacity =
        input_.Bool() ? input_.Short() : input_.Word() >> 10;
    cache_.emplace(capacity,
                   static_cast<int>(input_.Below(kMostShardBits + 1)));
    census_.cache = &*cache_;
  }

  void Go() {
    for (size_t i = 0; i < kMaxOperations && !input_.empty(); ++i) {
      Step();
      CheckCounts();
    }
    // Nothing is kept by anything but the cache, and nothing by that.
    for (uint64_t key = 0; key < kKeys; ++key) cache_->Erase(KeyOf(key));
    HF_CHECK(cache_->entries() == 0);
    HF_CHECK(cache_->charge() == 0);
    HF_CHECK(census_.alive == held_.size());
    census_.cache = nullptr;
    cache_.reset();
    for (const auto& [value, number] : held_) HF_CHECK(value->number == number);
    held_.clear();
    HF_CHECK(census_.alive == 0);
  }

 private:
  static CacheKey KeyOf(uint64_t choice) {
    return {.file = choice % 16, .part = choice / 16};
  }

  void Step() {
    const uint8_t choice = input_.Byte();
    const auto key = static_cast<uint8_t>(input_.Below(kKeys));
    switch (choice % 8) {
      case 0:
        cache_->Erase(KeyOf(key));
        stored_.erase(key);
        HF_CHECK(Look(key) == nullptr);
        break;
      case 1:
      case 2:
      case 3:
        Keep(Look(key), choice);
        break;
      case 4:
        if (!held_.empty()) held_.erase(held_.begin() + key % held_.size());
        break;
      default:
        Keep(Insert(key), choice);
    }
  }

  std::shared_ptr<const Value> Look(uint8_t key) {
    ++lookups_;
    bool worth_storing = false;
    std::shared_ptr<const Value> value =
        cache_->Lookup(KeyOf(key), &worth_storing);
    if (value == nullptr) {
      // An empty cache takes in anything.
      HF_CHECK(worth_storing || cache_->charge() > 0 ||
               cache_->capacity_bytes() < kShards);
      stored_.erase(key);  // It never comes back.
    } else {
      HF_CHECK(stored_.contains(key));
      HF_CHECK(stored_[key] == value->number);
    }
    return value;
  }

  std::shared_ptr<const Value> Insert(uint8_t key) {
    const size_t charge = 1 + (size_t{input_.Short()} << (key % 8));
    const std::shared_ptr<const Value> there = Look(key);
    const auto mine = std::make_shared<const Value>(++made_, &census_);
    const std::shared_ptr<const Value> value =
        cache_->Insert(KeyOf(key), mine, charge);
    HF_CHECK(value == (there != nullptr ? there : mine));
    stored_[key] = value->number;
    // Room was made for it, if there can be.
    const std::shared_ptr<const Value> now = Look(key);
    HF_CHECK(now == nullptr || now == value);
    if (there != nullptr) HF_CHECK(now == there);
    if (charge > cache_->capacity_bytes()) HF_CHECK(now == there);
    // No shard is smaller.
    if (charge <= std::min(cache_->capacity_bytes(), Cache::kMinShardBytes)) {
      HF_CHECK(now == value);
    }
    return value;
  }

  void Keep(std::shared_ptr<const Value> value, uint8_t choice) {
    if (value == nullptr || choice < 128) return;
    const uint64_t number = value->number;
    for (const auto& [held, n] : held_) {
      if (held == value) return;
    }
    held_.emplace_back(std::move(value), number);
  }

  void CheckCounts() const {
    HF_CHECK(cache_->charge() <= cache_->capacity_bytes());
    HF_CHECK(cache_->entries() <= stored_.size());
    HF_CHECK(cache_->hits() + cache_->misses() == lookups_);
    HF_CHECK(census_.alive >= cache_->entries());
    HF_CHECK(census_.alive <= cache_->entries() + held_.size());
  }

  FuzzInput input_;
  Census census_;
  std::optional<Cache> cache_;
  // By key: the value that was stored last, until it is seen to be gone.
  std::map<uint8_t, uint64_t> stored_;
  std::vector<std::pair<std::shared_ptr<const Value>, uint64_t>> held_;
  uint64_t made_ = 0;
  uint64_t lookups_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run(FuzzInput(data, size)).Go();
  return 0;
}
