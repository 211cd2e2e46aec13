#include "engine/format/internal_key.h"

#include <algorithm>
#include <cstring>

namespace holdfast {

bool ParseInternalKey(std::string_view internal_key,
                      ParsedInternalKey* parsed) {
  if (internal_key.size() < kTrailerBytes) return false;
  const uint64_t trailer = ExtractTrailer(internal_key);
  const uint64_t type = trailer & 0xff;
  if (type > static_cast<uint64_t>(ValueType::kValue)) return false;
  parsed->user_key = ExtractUserKey(internal_key);
  parsed->sequence = trailer >> 8;
  parsed->type = static_cast<ValueType>(type);
  return true;
}

void AppendInternalKey(std::string* dst, std::string_view user_key,
                       SequenceNumber sequence, ValueType type) {
  dst->append(user_key);
  PutFixed64(dst, PackTrailer(sequence, type));
}

std::string MakeInternalKey(std::string_view user_key, SequenceNumber sequence,
                            ValueType type) {
  std::string key;
  key.reserve(user_key.size() + kTrailerBytes);
  AppendInternalKey(&key, user_key, sequence, type);
  return key;
}

std::string ShortestSeparator(std::string_view a, std::string_view b) {
  HF_DCHECK(CompareInternalKeys(a, b) < 0);
  const std::string_view a_user = ExtractUserKey(a);
  const std::string_view b_user = ExtractUserKey(b);
  const size_t shorter = std::min(a_user.size(), b_user.size());
  const size_t shared = static_cast<size_t>(
      std::mismatch(a_user.begin(), a_user.begin() + shorter, b_user.begin())
          .first -
      a_user.begin());
  // Raise the first byte that differs and cut there, if that stays below b and
  // is shorter. With trailer "largest number" it sorts before all versions of
  // the new user key, and after a since its user key is larger.
  if (shared < shorter) {
    const auto a_byte = static_cast<unsigned char>(a_user[shared]);
    const auto b_byte = static_cast<unsigned char>(b_user[shared]);
    HF_DCHECK(a_byte < b_byte);
    if (a_byte + 1 < b_byte && shared + 1 < a_user.size()) {
      std::string user(a_user.substr(0, shared + 1));
      user[shared] = static_cast<char>(a_byte + 1);
      return MakeInternalKey(user, kMaxSequenceNumber, kValueTypeForSeek);
    }
  }
  return std::string(a);
}

std::string ShortSuccessor(std::string_view a) {
  const std::string_view user = ExtractUserKey(a);
  for (size_t i = 0; i + 1 < user.size(); ++i) {
    const auto byte = static_cast<unsigned char>(user[i]);
    if (byte != 0xff) {
      std::string shorter(user.substr(0, i + 1));
      shorter[i] = static_cast<char>(byte + 1);
      return MakeInternalKey(shorter, kMaxSequenceNumber, kValueTypeForSeek);
    }
  }
  return std::string(a);
}

LookupKey::LookupKey(std::string_view user_key, SequenceNumber sequence)
    : size_(user_key.size() + kTrailerBytes) {
  char* dst = inline_;
  if (size_ > kInlineBytes) {
    heap_.resize(size_);
    dst = heap_.data();
  }
  if (!user_key.empty()) std::memcpy(dst, user_key.data(), user_key.size());
  EncodeFixed64(dst + user_key.size(),
                PackTrailer(sequence, kValueTypeForSeek));
  data_ = dst;
}

}  // namespace holdfast
