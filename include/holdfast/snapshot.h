// A moment in the life of a database, to read from for as long as it is held.

#ifndef HOLDFAST_SNAPSHOT_H_
#define HOLDFAST_SNAPSHOT_H_

#include <cstdint>

namespace holdfast {

// Made by DB::GetSnapshot. While it lives, no version that it sees is dropped,
// so a snapshot held for long costs space. It may outlive its database; it is
// then of no more use.
// Thread-safe.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // The number of the last write that it sees; later snapshots have the same
  // or a larger one.
  virtual uint64_t sequence() const = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_SNAPSHOT_H_
