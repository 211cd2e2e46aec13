// A source of bytes that gives them out in pieces, as a pipe does, so that a
// target can see whether a reader minds where they are split.

#ifndef HOLDFAST_FUZZ_TEXT_PIECES_SOURCE_H_
#define HOLDFAST_FUZZ_TEXT_PIECES_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/status/statusor.h"
#include "kvd/input.h"

namespace holdfast {

class PiecesSource final : public kvd::ByteSource {
 public:
  // Everything at once.
  explicit PiecesSource(std::string_view bytes) : bytes_(bytes) {}
  // The first pieces have the sizes in `pieces`, a byte each (and one more, so
  // that none is empty); what is left comes at once.
  PiecesSource(std::string_view bytes, std::string_view pieces)
      : bytes_(bytes), pieces_(pieces) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t n) override {
    if (!pieces_.empty()) {
      n = std::min(n, size_t{static_cast<uint8_t>(pieces_.front())} + 1);
      pieces_.remove_prefix(1);
    }
    n = std::min(n, bytes_.size() - at_);
    if (n > 0) std::memcpy(buffer, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed_bytes() const override { return at_; }

 private:
  const std::string_view bytes_;
  std::string_view pieces_;
  size_t at_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TEXT_PIECES_SOURCE_H_
