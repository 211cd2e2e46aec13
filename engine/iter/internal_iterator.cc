#include "engine/iter/internal_iterator.h"

#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

class EmptyIterator final : public InternalIterator {
 public:
  explicit EmptyIterator(absl::Status status) : status_(std::move(status)) {}

  bool Valid() const override { return false; }
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void Next() override { HF_CHECK(false); }
  void Prev() override { HF_CHECK(false); }
  std::string_view key() const override {
    HF_CHECK(false);
    return {};
  }
  std::string_view value() const override {
    HF_CHECK(false);
    return {};
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
