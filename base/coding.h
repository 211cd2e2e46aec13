// Little-endian integers, LEB128 varints and length-prefixed strings: every
// byte the engine writes goes through these.
//
// Encoding appends to a std::string. Decoding goes through Decoder, a cursor
// over bytes that cannot overrun: after the first bad read every later read
// fails too, so a caller may read a whole struct and check once.
//
//   Decoder in(bytes);
//   uint32_t n;
//   std::string_view name;
//   if (!in.ReadVarint32(&n) || !in.ReadLengthPrefixed(&name)) return ...;
//
// Varints are canonical: a decoder refuses an encoding longer than needed, so
// that each value has exactly one encoding and decode followed by encode gives
// the same bytes.

#ifndef HOLDFAST_BASE_CODING_H_
#define HOLDFAST_BASE_CODING_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace holdfast {

inline constexpr size_t kMaxVarint32Bytes = 5;
inline constexpr size_t kMaxVarint64Bytes = 10;

static_assert(std::endian::native == std::endian::little,
              "disk formats are little-endian and copied as they are");

inline void EncodeFixed32(char* dst, uint32_t value) {
  std::memcpy(dst, &value, sizeof(value));
}
inline void EncodeFixed64(char* dst, uint64_t value) {
  std::memcpy(dst, &value, sizeof(value));
}
inline uint32_t DecodeFixed32(const char* src) {
  uint32_t value;
  std::memcpy(&value, src, sizeof(value));
  return value;
}
inline uint64_t DecodeFixed64(const char* src) {
  uint64_t value;
  std::memcpy(&value, src, sizeof(value));
  return value;
}

void PutFixed32(std::string* dst, uint32_t value);
void PutFixed64(std::string* dst, uint64_t value);
void PutVarint32(std::string* dst, uint32_t value);
void PutVarint64(std::string* dst, uint64_t value);
// varint64 length, then the bytes.
void PutLengthPrefixed(std::string* dst, std::string_view value);

// Writes `value` at dst and returns the first byte after it.
// REQUIRES: room for kMaxVarint32Bytes / kMaxVarint64Bytes.
char* EncodeVarint32(char* dst, uint32_t value);
char* EncodeVarint64(char* dst, uint64_t value);

// The number of bytes that `value` takes as a varint.
size_t VarintLength(uint64_t value);

// Reads a varint in [p, limit). RETURNS the first byte after it, or nullptr if
// it is cut off, too long, over its type's range or not canonical.
const char* DecodeVarint32(const char* p, const char* limit, uint32_t* value);
const char* DecodeVarint64(const char* p, const char* limit, uint64_t* value);

// A cursor over bytes that it does not own.
// Thread-compatible.
class Decoder {
 public:
  explicit Decoder(std::string_view input)
      : begin_(input.data()),
        p_(input.data()),
        limit_(input.data() + input.size()) {}

  // Each reads one item and moves past it. RETURNS false, leaves *value as it
  // is and makes all later reads fail, if the input does not hold the item.
  bool ReadByte(uint8_t* value);
  bool ReadFixed32(uint32_t* value);
  bool ReadFixed64(uint64_t* value);
  bool ReadVarint32(uint32_t* value);
  bool ReadVarint64(uint64_t* value);
  // The result points into the input.
  bool ReadBytes(size_t n, std::string_view* value);
  bool ReadLengthPrefixed(std::string_view* value);

  bool ok() const { return ok_; }
  // True when everything was read and nothing failed.
  bool done() const { return ok_ && p_ == limit_; }
  // Bytes read so far; after a failure, the offset of the item that failed.
  size_t offset() const { return static_cast<size_t>(p_ - begin_); }
  std::string_view rest() const {
    return ok_ ? std::string_view(p_, static_cast<size_t>(limit_ - p_))
               : std::string_view();
  }

 private:
  bool Fail() {
    ok_ = false;
    return false;
  }

  const char* begin_;
  const char* p_;
  const char* limit_;
  bool ok_ = true;
};

}  // namespace holdfast

#endif  // HOLDFAST_BASE_CODING_H_
