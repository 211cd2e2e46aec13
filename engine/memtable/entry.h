// How a memtable keeps an entry: one piece of bytes that never changes.
//
//   varint32 internal key length | user key | trailer |
//   varint32 value length | value
//
// Key and trailer stand as one internal key, so that iterators hand out views
// and copy nothing.

#ifndef HOLDFAST_ENGINE_MEMTABLE_ENTRY_H_
#define HOLDFAST_ENGINE_MEMTABLE_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/memtable/arena.h"

namespace holdfast {

inline constexpr size_t kMaxEntryKeyBytes = (size_t{1} << 31) - 1;
inline constexpr size_t kMaxEntryValueBytes = (size_t{1} << 32) - 1;
static_assert(kMaxEntryKeyBytes + kTrailerBytes <=
              std::numeric_limits<uint32_t>::max());
static_assert(kMaxEntryValueBytes <= std::numeric_limits<uint32_t>::max());

// The first byte of an entry; lives as long as its arena.
using Entry = const char*;

struct EntryKey {
  std::string_view user_key;
  uint64_t trailer;
};

namespace entry_internal {

// Our own bytes: always well-formed.
inline std::string_view ReadPrefixed(const char* p) {
  const uint8_t first = static_cast<uint8_t>(*p);
  if (first < 0x80) [[likely]]
    return std::string_view(p + 1, first);
  uint32_t length = 0;
  p = DecodeVarint32(p, p + kMaxVarint32Bytes, &length);
  HF_DCHECK(p != nullptr);
  return std::string_view(p, length);
}

}  // namespace entry_internal

inline std::string_view InternalKeyOf(Entry entry) {
  return entry_internal::ReadPrefixed(entry);
}
inline std::string_view UserKeyOf(Entry entry) {
  return ExtractUserKey(InternalKeyOf(entry));
}
inline EntryKey KeyOf(Entry entry) {
  const std::string_view key = InternalKeyOf(entry);
  return {ExtractUserKey(key), ExtractTrailer(key)};
}
inline std::string_view ValueOf(Entry entry) {
  const std::string_view key = InternalKeyOf(entry);
  return entry_internal::ReadPrefixed(key.data() + key.size());
}

// RETURNS negative, 0 or positive as the entry is before, at or after `key`.
inline int CompareEntry(Entry entry, const EntryKey& key) {
  const EntryKey own = KeyOf(entry);
  const int order = CompareUserKeys(own.user_key, key.user_key);
  if (order != 0) return order;
  return own.trailer > key.trailer ? -1 : (own.trailer < key.trailer ? 1 : 0);
}

// REQUIRES: sizes within the limits above.
inline Entry NewEntry(Arena* arena, const EntryKey& key,
                      std::string_view value) {
  HF_CHECK(key.user_key.size() <= kMaxEntryKeyBytes);
  HF_CHECK(value.size() <= kMaxEntryValueBytes);
  const size_t key_bytes = key.user_key.size() + kTrailerBytes;
  char* const start =
      arena->Allocate(VarintLength(key_bytes) + key_bytes +
                      VarintLength(value.size()) + value.size());
  char* p = EncodeVarint32(start, static_cast<uint32_t>(key_bytes));
  // Empty views may have no address, which memcpy refuses.
  if (!key.user_key.empty()) {
    std::memcpy(p, key.user_key.data(), key.user_key.size());
    p += key.user_key.size();
  }
  EncodeFixed64(p, key.trailer);
  p = EncodeVarint32(p + kTrailerBytes, static_cast<uint32_t>(value.size()));
  if (!value.empty()) std::memcpy(p, value.data(), value.size());
  return start;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_ENTRY_H_
