// Data and index blocks, read by the page of the format (docs/formats/table.md)
// and not by the engine's decoder: what that one is compared with.

#ifndef HOLDFAST_FUZZ_TABLE_PLAIN_BLOCK_H_
#define HOLDFAST_FUZZ_TABLE_PLAIN_BLOCK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct PlainEntry {
  std::string key;
  // Lies in the payload.
  std::string_view value;
};

// The entries of a block; nullopt when the page has the payload refused.
std::optional<std::vector<PlainEntry>> ReadPlainBlock(std::string_view payload);

// The value of an entry of an index: two varints, and nothing behind them.
struct PlainHandle {
  uint64_t offset = 0;
  uint64_t size = 0;
};
std::optional<PlainHandle> ReadPlainHandle(std::string_view value);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_PLAIN_BLOCK_H_
