// Takes a fuzzer's bytes apart into choices. Never fails: behind the end there
// are zeros, so that any input means something and a cut input means a prefix.
//
// Thread-compatible.

#ifndef HOLDFAST_FUZZ_SUPPORT_FUZZ_INPUT_H_
#define HOLDFAST_FUZZ_SUPPORT_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

class FuzzInput {
 public:
  // The bytes must outlive this, and what Bytes and Rest return.
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}
  explicit FuzzInput(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  size_t size() const { return rest_.size(); }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const uint8_t byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  bool Bool() { return (Byte() & 1) != 0; }
  uint16_t Short() {
    const uint16_t low = Byte();
    return static_cast<uint16_t>(low | (Byte() << 8));
  }
  uint32_t Word() {
    const uint32_t low = Short();
    return low | (uint32_t{Short()} << 16);
  }
  uint64_t Long() {
    const uint64_t low = Word();
    return low | (uint64_t{Word()} << 32);
  }
  // In [0, n). Takes as many bytes as n needs. REQUIRES: n > 0.
  uint64_t Below(uint64_t n) {
    if (n <= 0x100) return Byte() % n;
    if (n <= 0x10000) return Short() % n;
    return (n <= 0x100000000u ? Word() : Long()) % n;
  }
  // The next n bytes, or all that are left.
  std::string_view Bytes(size_t n) {
    const std::string_view bytes = rest_.substr(0, std::min(n, rest_.size()));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view Rest() { return Bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_SUPPORT_FUZZ_INPUT_H_
