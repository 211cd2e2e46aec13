#include "engine/iter/internal_iterator.h"

#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

class EmptyIterator final : public InternalIterator {
 public:
  explicit EmptyIterator(absl::Status status) : status_(std::move(status)) {}

  bool SeekToFirst() override { return false; }
  bool SeekToLast() override { return false; }
  bool Seek(std::string_view) override { return false; }
  bool Next() override {
    HF_CHECK(false);
    return false;
  }
  bool Prev() override {
    HF_CHECK(false);
    return false;
  }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewEmptyIterator(absl::Status status) {
  return std::make_unique<EmptyIterator>(std::move(status));
}

}  // namespace holdfast
