// The cache of data blocks, and what each is called in it.

#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_CACHE_H_
#define HOLDFAST_ENGINE_TABLE_BLOCK_CACHE_H_

#include <cstddef>
#include <cstdint>

#include "engine/cache/sharded_cache.h"
#include "engine/table/block.h"

namespace holdfast {

using BlockCache = ShardedCache<Block>;

// Of data block i of the table of that identity. The identity is unlike the
// number in not repeating in another database. The number of the block, not its
// offset: a hit need not look at the handle.
inline CacheKey BlockCacheKey(uint64_t identity, size_t i) {
  return {.file = identity, .part = i};
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_BLOCK_CACHE_H_
