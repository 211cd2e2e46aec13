#include "fuzz/table/plain_block.h"

#include <cstddef>
#include <utility>

namespace holdfast {
namespace {

// At most so many entries from a restart point to the next.
constexpr size_t kMostEntriesOfARestart = 1024;
constexpr size_t kTrailer = 8;
constexpr size_t kOffsetBytes = 4;

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<uint8_t>(bytes[i - 1]);
  }
  return number;
}

// Takes a varint from the front. False when it is cut, has needless bytes, or
// is of more than 64 bits.
bool TakeVarint(std::string_view* in, uint64_t* number) {
  *number = 0;
  for (size_t i = 0; i < in->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*in)[i]);
    if (i == 9 && byte > 1) return false;
    *number |= static_cast<uint64_t>(byte & 127) << (7 * i);
    if (byte >= 128) continue;
    in->remove_prefix(i + 1);
    return byte != 0 || i == 0;
  }
  return false;
}

bool IsInternalKey(std::string_view key) {
  return key.size() >= kTrailer &&
         static_cast<uint8_t>(key[key.size() - kTrailer]) <= 1;
}

// REQUIRES: both are internal keys.
bool IsBelow(std::string_view a, std::string_view b) {
  const std::string_view a_user = a.substr(0, a.size() - kTrailer);
  const std::string_view b_user = b.substr(0, b.size() - kTrailer);
  if (a_user != b_user) return a_user < b_user;  // As unsigned bytes.
  return LittleEndian(a.substr(a_user.size())) >
         LittleEndian(b.substr(b_user.size()));
}

}  // namespace

std::optional<std::vector<PlainEntry>> ReadPlainBlock(
    std::string_view payload) {
  if (payload.size() < kOffsetBytes) return std::nullopt;
  std::string_view in = payload.substr(0, payload.size() - kOffsetBytes);
  const uint64_t restarts = LittleEndian(payload.substr(in.size()));
  if (restarts > in.size() / kOffsetBytes) return std::nullopt;
  const std::string_view offsets =
      in.substr(in.size() - restarts * kOffsetBytes);
  in.remove_suffix(offsets.size());

  std::vector<PlainEntry> entries;
  uint64_t next_restart = 0;  // Of those that are left, the first.
  size_t since_restart = 0;
  while (!in.empty()) {
    const auto offset = static_cast<uint64_t>(in.data() - payload.data());
    uint64_t shared;
    uint64_t own;
    uint64_t value;
    if (!TakeVarint(&in, &shared) || !TakeVarint(&in, &own) ||
        !TakeVarint(&in, &value)) {
      return std::nullopt;
    }
    if (own > in.size() || value > in.size() - own) return std::nullopt;
    const bool restart =
        next_restart < restarts &&
        LittleEndian(offsets.substr(next_restart * kOffsetBytes,
                                    kOffsetBytes)) == offset;
    if (restart) {
      ++next_restart;
      since_restart = 0;
      if (shared != 0) return std::nullopt;
    }
    if (entries.empty() && !restart) return std::nullopt;
    if (++since_restart > kMostEntriesOfARestart) return std::nullopt;
    std::string key;
    if (shared > 0) {
      if (shared > entries.back().key.size()) return std::nullopt;
      key = entries.back().key.substr(0, shared);
    }
    key += in.substr(0, own);
    if (!IsInternalKey(key)) return std::nullopt;
    if (!entries.empty() && !IsBelow(entries.back().key, key)) {
      return std::nullopt;
    }
    entries.push_back({std::move(key), in.substr(own, value)});
    in.remove_prefix(own + value);
  }
  // An offset that is left is of no entry, or not in order.
  if (entries.empty() || next_restart < restarts) return std::nullopt;
  return entries;
}

std::optional<PlainHandle> ReadPlainHandle(std::string_view value) {
  PlainHandle handle;
  if (!TakeVarint(&value, &handle.offset) ||
      !TakeVarint(&value, &handle.size) || !value.empty()) {
    return std::nullopt;
  }
  return handle;
}

}  // namespace holdfast
