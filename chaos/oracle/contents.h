// What a database holds, in two forms that compare fast: Contents, which owns
// what was read, and State, whose entries point into a History. Both have a
// hash that does not depend on order: the sum of the hashes of their entries.

#ifndef HOLDFAST_CHAOS_ORACLE_CONTENTS_H_
#define HOLDFAST_CHAOS_ORACLE_CONTENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

uint64_t HashEntry(std::string_view key, std::string_view value);

// Key-value pairs in the order of their keys. Thread-compatible.
class Contents {
 public:
  Contents() = default;
  explicit Contents(const std::map<std::string, std::string>& entries);

  // REQUIRES: keys rise from call to call.
  void Add(std::string_view key, std::string_view value);
  void Clear();

  size_t size() const { return items_.size(); }
  uint64_t hash() const { return hash_; }
  // Views that live until the next call that is not const.
  std::string_view key(size_t i) const;
  std::string_view value(size_t i) const;
  // nullopt-like: an index of size() when the key is not there.
  size_t Find(std::string_view key) const;

 private:
  struct Item {
    size_t offset;
    size_t key_bytes;
    size_t value_bytes;
  };
  std::string bytes_;
  std::vector<Item> items_;
  uint64_t hash_ = 0;
};

// A state of a model; the bytes belong to somebody else.
struct State {
  struct Entry {
    std::string_view key;
    std::string_view value;
    uint64_t hash;
  };
  std::vector<Entry> entries;  // In the order of their keys.
  uint64_t hash = 0;

  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);
  // nullptr when the key is not there.
  const Entry* Find(std::string_view key) const;
};

// The hash decides quickly that they differ; that they are equal is compared.
bool Equal(const State& state, const Contents& contents);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_ORACLE_CONTENTS_H_
