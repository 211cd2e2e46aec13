// A value read without copying: a view, and what keeps the bytes alive.

#ifndef HOLDFAST_PINNED_VALUE_H_
#define HOLDFAST_PINNED_VALUE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {

// Filled by DB::Get. Must be destroyed or reset before the database is closed.
// Holding one keeps a block in memory; or, when the value was not in a table
// yet, all memtables of that moment, and the files of its tables on disk. So do
// not hold many for long. Thread-compatible; movable, not copyable.
class PinnedValue {
 public:
  PinnedValue() = default;
  PinnedValue(PinnedValue&&) = default;
  PinnedValue& operator=(PinnedValue&&) = default;
  PinnedValue(const PinnedValue&) = delete;
  PinnedValue& operator=(const PinnedValue&) = delete;

  std::string_view view() const { return view_; }
  size_t size() const { return view_.size(); }

  // Lets go of the value; view() is empty then.
  void Reset() {
    view_ = {};
    pin_.reset();
  }

  // For the engine: points at `view`, kept alive by `pin`.
  void Pin(std::string_view view, std::shared_ptr<const void> pin) {
    view_ = view;
    pin_ = std::move(pin);
  }

 private:
  std::string_view view_;
  std::shared_ptr<const void> pin_;
};

}  // namespace holdfast

#endif  // HOLDFAST_PINNED_VALUE_H_
