// How the inputs of db_ops_fuzz and api_misuse_fuzz spell a list of operations:
// a byte from 0x80 on is an operation, those below are its operands. What is
// missing is 0 and what is left over is passed over, so that a byte put in or
// taken out changes one operation and not all that follow.
//
//   OpReader reader(bytes);
//   ... = reader.Operand();                  // before the first operation
//   uint8_t code;
//   while (reader.Next(&code)) {
//     switch (code % kOps) { case kPut: Put(reader.Operand()); ... }
//   }
//
// Thread-compatible.

#ifndef HOLDFAST_FUZZ_ENGINE_OP_BYTES_H_
#define HOLDFAST_FUZZ_ENGINE_OP_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace holdfast {

inline constexpr uint8_t kFirstOp = 0x80;

class OpReader {
 public:
  // The bytes must outlive this.
  explicit OpReader(std::string_view bytes) : bytes_(bytes) {}

  // Goes to the next operation; *code is below 0x80. RETURNS false at the end.
  bool Next(uint8_t* code) {
    while (HasOperand()) ++at_;
    if (at_ == bytes_.size()) return false;
    *code = static_cast<uint8_t>(Peek() - kFirstOp);
    ++at_;
    return true;
  }
  bool HasOperand() const { return at_ < bytes_.size() && Peek() < kFirstOp; }
  // The next operand of this operation, below 0x80.
  uint8_t Operand() { return HasOperand() ? TakeByte() : 0; }
  // In [0, n). REQUIRES: 0 < n <= 0x80.
  uint8_t Below(size_t n) { return static_cast<uint8_t>(Operand() % n); }
  // Two operands as one number, below 0x4000.
  uint32_t Wide() {
    const uint32_t low = Operand();
    return low | (uint32_t{Operand()} << 7);
  }

 private:
  uint8_t Peek() const { return static_cast<uint8_t>(bytes_[at_]); }
  uint8_t TakeByte() {
    const uint8_t byte = Peek();
    ++at_;
    return byte;
  }

  const std::string_view bytes_;
  size_t at_ = 0;
};

class OpWriter {
 public:
  // REQUIRES: code and operands are below 0x80.
  OpWriter& Op(uint8_t code, std::initializer_list<unsigned> operands = {}) {
    bytes_.push_back(static_cast<char>(kFirstOp + code));
    return Operands(operands);
  }
  OpWriter& Operands(std::initializer_list<unsigned> operands) {
    for (const unsigned operand : operands) {
      bytes_.push_back(static_cast<char>(operand));
    }
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_OP_BYTES_H_
