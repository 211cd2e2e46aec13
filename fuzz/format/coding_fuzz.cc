// The cursor over bytes (base/coding.h: Decoder). The input chooses which items
// are read, and from what. Property: what is read is encoded anew to the bytes
// that it was read from; a read that fails leaves its result and the offset as
// they were, and every later read fails; what an encoder gives is read back,
// and fails at the item that is cut.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/coding.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr size_t kMaxReads = 32;
constexpr uint64_t kKinds = 7;
constexpr uint64_t kBefore = 0xa5a5a5a5a5a5a5a5;

// An item and how it is written.
struct Item {
  uint64_t kind = 0;
  size_t size = 0;  // Of kind 5: how many bytes are asked for.
  uint64_t number = kBefore;
  std::string_view bytes = "before";

  friend bool operator==(const Item&, const Item&) = default;
};

bool Read(Decoder& in, Item* item) {
  uint8_t byte = static_cast<uint8_t>(kBefore);
  uint32_t word = static_cast<uint32_t>(kBefore);
  bool read = false;
  switch (item->kind) {
    case 0:
      read = in.ReadByte(&byte);
      HF_CHECK(read || byte == static_cast<uint8_t>(kBefore));
      if (read) item->number = byte;
      break;
    case 1:
      read = in.ReadFixed32(&word);
      HF_CHECK(read || word == static_cast<uint32_t>(kBefore));
      if (read) item->number = word;
      break;
    case 2:
      read = in.ReadFixed64(&item->number);
      break;
    case 3:
      read = in.ReadVarint32(&word);
      HF_CHECK(read || word == static_cast<uint32_t>(kBefore));
      if (read) item->number = word;
      break;
    case 4:
      read = in.ReadVarint64(&item->number);
      break;
    case 5:
      read = in.ReadBytes(item->size, &item->bytes);
      break;
    default:
      read = in.ReadLengthPrefixed(&item->bytes);
  }
  return read;
}

// The other way to write a varint gives the same.
void CheckInPlace(uint32_t number, std::string_view bytes) {
  char place[kMaxVarint32Bytes];
  const char* const end = EncodeVarint32(place, number);
  HF_CHECK(bytes == std::string_view(place, end));
  HF_CHECK(bytes.size() == VarintLength(number));
}

std::string Encode(const Item& item) {
  std::string bytes;
  switch (item.kind) {
    case 0:
      bytes.push_back(static_cast<char>(item.number));
      break;
    case 1:
      PutFixed32(&bytes, static_cast<uint32_t>(item.number));
      break;
    case 2:
      PutFixed64(&bytes, item.number);
      break;
    case 3:
      PutVarint32(&bytes, static_cast<uint32_t>(item.number));
      CheckInPlace(static_cast<uint32_t>(item.number), bytes);
      break;
    case 4:
      PutVarint64(&bytes, item.number);
      break;
    case 5:
      bytes = item.bytes;
      break;
    default:
      PutLengthPrefixed(&bytes, item.bytes);
  }
  return bytes;
}

// Reads `item` where the decoder stands, and looks at what that did. RETURNS
// whether it was there.
bool ReadAndCheck(Decoder& in, std::string_view all, Item* item) {
  const bool was_ok = in.ok();
  const size_t start = in.offset();
  const Item before = *item;
  const bool read = Read(in, item);
  HF_CHECK(read == in.ok());
  HF_CHECK(was_ok || !read);
  if (!read) {
    HF_CHECK(*item == before);
    HF_CHECK(in.offset() == start);
    HF_CHECK(in.rest().empty());
    HF_CHECK(!in.done());
    return false;
  }
  HF_CHECK(in.offset() <= all.size());
  HF_CHECK(in.rest() == all.substr(in.offset()));
  HF_CHECK(in.done() == (in.offset() == all.size()));
  HF_CHECK(Encode(*item) == all.substr(start, in.offset() - start));
  return true;
}

// Reads from any bytes.
void CheckBytes(std::string_view kinds, std::string_view bytes) {
  Decoder in(bytes);
  for (const char kind : kinds) {
    const auto choice = static_cast<unsigned char>(kind);
    Item item{.kind = choice % kKinds, .size = choice / kKinds};
    if (choice == 0xff) item = {.kind = 5, .size = SIZE_MAX};
    ReadAndCheck(in, bytes, &item);
  }
}

// A number of any length, which eight bytes from the input seldom are.
uint64_t AnyNumber(FuzzInput& input) {
  const uint8_t bits = input.Byte() % 65;
  return bits == 0 ? 0 : input.Long() >> (64 - bits);
}

// Writes items and reads them back, from the whole and from a part.
void CheckValues(std::string_view kinds, FuzzInput input) {
  Item items[kMaxReads];
  size_t ends[kMaxReads] = {};
  size_t count = 0;
  std::string all;
  const size_t cut_choice = input.Short();
  for (const char kind : kinds) {
    Item& item = items[count];
    item.kind = static_cast<unsigned char>(kind) % kKinds;
    if (item.kind <= 4) item.number = AnyNumber(input);
    if (item.kind == 0) item.number = static_cast<uint8_t>(item.number);
    if (item.kind % 2 == 1) item.number = static_cast<uint32_t>(item.number);
    if (item.kind >= 5) item.bytes = input.Bytes(input.Byte());
    if (item.kind == 5) {
      item.size = item.bytes.size();
      item.number = kBefore;
    }
    all += Encode(item);
    ends[count++] = all.size();
  }
  const size_t cut = all.empty() ? 0 : cut_choice % all.size();
  const std::string_view part = std::string_view(all).substr(0, cut);
  Decoder whole(all);
  Decoder in_part(part);
  for (size_t i = 0; i < count; ++i) {
    const Item wanted = items[i];
    Item found{.kind = wanted.kind, .size = wanted.size};
    HF_CHECK(ReadAndCheck(whole, all, &found));
    HF_CHECK(found == wanted);
    found = {.kind = wanted.kind, .size = wanted.size};
    HF_CHECK(ReadAndCheck(in_part, part, &found) == (ends[i] <= cut));
  }
  HF_CHECK(whole.done());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const std::string_view kinds = input.Bytes(input.Below(kMaxReads + 1));
  CheckBytes(kinds, input.Rest());
  FuzzInput values(data, size);
  values.Bytes(1 + kinds.size());
  CheckValues(kinds, values);
  return 0;
}
