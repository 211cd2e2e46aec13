#include "chaos/oracle/contents.h"

#include <algorithm>

#include "base/check.h"
#include "base/checksum.h"

namespace holdfast {
namespace {

bool KeyBefore(const State::Entry& entry, std::string_view key) {
  return entry.key < key;
}

}  // namespace

uint64_t HashEntry(std::string_view key, std::string_view value) {
  return Checksum64(value, HashKey(key));
}

Contents::Contents(const std::map<std::string, std::string>& entries) {
  for (const auto& [key, value] : entries) Add(key, value);
}

void Contents::Add(std::string_view key, std::string_view value) {
  HF_CHECK(items_.empty() || this->key(items_.size() - 1) < key);
  items_.push_back({bytes_.size(), key.size(), value.size()});
  bytes_.append(key);
  bytes_.append(value);
  hash_ += HashEntry(key, value);
}

void Contents::Clear() {
  bytes_.clear();
  items_.clear();
  hash_ = 0;
}

std::string_view Contents::key(size_t i) const {
  const Item& item = items_[i];
  return std::string_view(bytes_).substr(item.offset, item.key_bytes);
}

std::string_view Contents::value(size_t i) const {
  const Item& item = items_[i];
  return std::string_view(bytes_).substr(item.offset + item.key_bytes,
                                         item.value_bytes);
}

size_t Contents::Find(std::string_view key) const {
  size_t low = 0;
  size_t high = items_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (this->key(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < items_.size() && this->key(low) == key ? low : items_.size();
}

void State::Put(std::string_view key, std::string_view value) {
  auto it = std::lower_bound(entries.begin(), entries.end(), key, KeyBefore);
  const Entry entry{key, value, HashEntry(key, value)};
  if (it != entries.end() && it->key == key) {
    hash -= it->hash;
    *it = entry;
  } else {
    entries.insert(it, entry);
  }
  hash += entry.hash;
}

void State::Delete(std::string_view key) {
  auto it = std::lower_bound(entries.begin(), entries.end(), key, KeyBefore);
  if (it == entries.end() || it->key != key) return;
  hash -= it->hash;
  entries.erase(it);
}

const State::Entry* State::Find(std::string_view key) const {
  auto it = std::lower_bound(entries.begin(), entries.end(), key, KeyBefore);
  return it != entries.end() && it->key == key ? &*it : nullptr;
}

bool Equal(const State& state, const Contents& contents) {
  if (state.hash != contents.hash()) return false;
  if (state.entries.size() != contents.size()) return false;
  for (size_t i = 0; i < contents.size(); ++i) {
    if (state.entries[i].key != contents.key(i)) return false;
    if (state.entries[i].value != contents.value(i)) return false;
  }
  return true;
}

}  // namespace holdfast
