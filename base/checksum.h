// Checksums bound to the place where the bytes belong.
//
// A plain checksum finds bytes that changed; it does not find a whole block
// that is intact but in the wrong place (a misdirected write, a stale sector,
// a file swapped with another). So every checksum here takes a context: a
// number that says which file of which database, and where in it. Bytes that
// are right somewhere else are wrong here.
//
// The function is XXH3-64 (xxHash 0.8, whose output is frozen).

#ifndef HOLDFAST_BASE_CHECKSUM_H_
#define HOLDFAST_BASE_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

// XXH3-64 of `data` with `context` as its seed.
uint64_t Checksum64(std::string_view data, uint64_t context);

// The low half of Checksum64, where four bytes must do.
uint32_t Checksum32(std::string_view data, uint64_t context);

// Combines two numbers into a context; order matters. A fixed mixing function
// (it is part of the disk formats): the first 64 bits of XXH3 over both, little
// endian, seed 0.
uint64_t MixContext(uint64_t a, uint64_t b);

// A 64-bit hash of a key for filters and caches, seed 0. Part of the filter
// format.
uint64_t HashKey(std::string_view key);

}  // namespace holdfast

#endif  // HOLDFAST_BASE_CHECKSUM_H_
