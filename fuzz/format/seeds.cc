#include "fuzz/format/seeds.h"

#include <cstdint>
#include <string>

#include "base/coding.h"
#include "fuzz/seeds/seed_sink.h"

namespace holdfast {
namespace {

void AddVarintSeeds(SeedSink& sink) {
  std::string all;
  for (int bits = 0; bits < 64; bits += 7) {
    PutVarint64(&all, (uint64_t{1} << bits) - 1);
    PutVarint64(&all, uint64_t{1} << bits);
  }
  sink.Add("varint_fuzz", "each-length", all);
  std::string most;
  PutVarint64(&most, UINT64_MAX);
  sink.Add("varint_fuzz", "largest", most);
  sink.Add("varint_fuzz", "not-canonical", std::string_view("\x80\x00", 2));
  sink.Add("varint_fuzz", "cut", most.substr(0, 5));
}

}  // namespace

void AddFormatSeeds(SeedSink& sink) { AddVarintSeeds(sink); }

}  // namespace holdfast
