// A group of changes that is applied, and recovered after a crash, whole or
// not at all.
//
//   holdfast::WriteBatch batch;
//   batch.Delete("alice");
//   batch.Put("bob", "7");
//   absl::Status status = db->Write({.sync = true}, batch);
//
// Changes take effect in the order of the calls: a later one to the same key
// wins. A batch can be written any number of times.

#ifndef HOLDFAST_WRITE_BATCH_H_
#define HOLDFAST_WRITE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

// Limits on what a database stores. Larger is kInvalidArgument at the write.
inline constexpr size_t kMaxKeyBytes = size_t{64} << 10;
inline constexpr size_t kMaxValueBytes = size_t{1} << 30;
// The sum over a batch, in its encoded form.
inline constexpr size_t kMaxBatchBytes = (size_t{1} << 30) + (size_t{1} << 20);

// Thread-compatible.
class WriteBatch {
 public:
  // Receives the changes of a batch, in order.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void Put(std::string_view key, std::string_view value) = 0;
    virtual void Delete(std::string_view key) = 0;
  };

  // Copies its arguments; they may be empty and hold any bytes.
  void Put(std::string_view key, std::string_view value);
  void Delete(std::string_view key);

  // Forgets all changes; keeps the memory.
  void Clear();

  // Adds the changes of `other` after those of this batch.
  void Append(const WriteBatch& other);

  // The number of changes.
  uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // The bytes that the batch takes in the log.
  size_t size_bytes() const { return rep_.size(); }

  // Calls `handler` for each change.
  void Iterate(Handler& handler) const;

  // kInvalidArgument, naming which, when a key, a value or the whole is over
  // its limit. DB::Write checks it too.
  absl::Status CheckLimits() const;

  // The encoded changes: docs/formats/write_batch.md. For the engine.
  std::string_view rep() const { return rep_; }

 private:
  std::string rep_;
  uint32_t count_ = 0;
  size_t largest_key_bytes_ = 0;
  size_t largest_value_bytes_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_WRITE_BATCH_H_
