#include "base/coding.h"

#include <limits>

namespace holdfast {

void PutFixed32(std::string* dst, uint32_t value) {
  char buf[sizeof(value)];
  EncodeFixed32(buf, value);
  dst->append(buf, sizeof(buf));
}

void PutFixed64(std::string* dst, uint64_t value) {
  char buf[sizeof(value)];
  EncodeFixed64(buf, value);
  dst->append(buf, sizeof(buf));
}

char* EncodeVarint64(char* dst, uint64_t value) {
  auto* p = reinterpret_cast<unsigned char*>(dst);
  while (value >= 0x80) {
    *p++ = static_cast<unsigned char>(value | 0x80);
    value >>= 7;
  }
  *p++ = static_cast<unsigned char>(value);
  return reinterpret_cast<char*>(p);
}

char* EncodeVarint32(char* dst, uint32_t value) {
  return EncodeVarint64(dst, value);
}

void PutVarint64(std::string* dst, uint64_t value) {
  char buf[kMaxVarint64Bytes];
  char* end = EncodeVarint64(buf, value);
  dst->append(buf, static_cast<size_t>(end - buf));
}

void PutVarint32(std::string* dst, uint32_t value) { PutVarint64(dst, value); }

void PutLengthPrefixed(std::string* dst, std::string_view value) {
  PutVarint64(dst, value.size());
  dst->append(value);
}

size_t VarintLength(uint64_t value) {
  size_t length = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++length;
  }
  return length;
}

const char* DecodeVarint64(const char* p, const char* limit, uint64_t* value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift <= 63 && p < limit; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    if (shift == 63 && byte > 1) return nullptr;  // Over 64 bits.
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift != 0) return nullptr;  // Not canonical.
      *value = result;
      return p;
    }
  }
  return nullptr;
}

const char* DecodeVarint32(const char* p, const char* limit, uint32_t* value) {
  if (p < limit && static_cast<unsigned char>(*p) < 0x80) {
    *value = static_cast<unsigned char>(*p);
    return p + 1;
  }
  uint64_t wide;
  p = DecodeVarint64(p, limit, &wide);
  if (p == nullptr || wide > std::numeric_limits<uint32_t>::max()) {
    return nullptr;
  }
  *value = static_cast<uint32_t>(wide);
  return p;
}

bool Decoder::ReadByte(uint8_t* value) {
  if (!ok_ || p_ == limit_) return Fail();
  *value = static_cast<uint8_t>(*p_++);
  return true;
}

bool Decoder::ReadFixed32(uint32_t* value) {
  std::string_view bytes;
  if (!ReadBytes(sizeof(*value), &bytes)) return false;
  *value = DecodeFixed32(bytes.data());
  return true;
}

bool Decoder::ReadFixed64(uint64_t* value) {
  std::string_view bytes;
  if (!ReadBytes(sizeof(*value), &bytes)) return false;
  *value = DecodeFixed64(bytes.data());
  return true;
}

bool Decoder::ReadVarint32(uint32_t* value) {
  if (!ok_) return false;
  const char* next = DecodeVarint32(p_, limit_, value);
  if (next == nullptr) return Fail();
  p_ = next;
  return true;
}

bool Decoder::ReadVarint64(uint64_t* value) {
  if (!ok_) return false;
  const char* next = DecodeVarint64(p_, limit_, value);
  if (next == nullptr) return Fail();
  p_ = next;
  return true;
}

bool Decoder::ReadBytes(size_t n, std::string_view* value) {
  if (!ok_ || static_cast<size_t>(limit_ - p_) < n) return Fail();
  *value = std::string_view(p_, n);
  p_ += n;
  return true;
}

bool Decoder::ReadLengthPrefixed(std::string_view* value) {
  const char* start = p_;
  uint64_t length;
  if (!ReadVarint64(&length)) return false;
  if (length > static_cast<size_t>(limit_ - p_)) {
    p_ = start;
    return Fail();
  }
  return ReadBytes(static_cast<size_t>(length), value);
}

}  // namespace holdfast
