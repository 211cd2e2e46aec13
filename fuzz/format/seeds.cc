#include "fuzz/format/seeds.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"
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

// What coding_fuzz takes for a list of reads: how many, then which.
std::string Reads(std::string_view kinds) {
  return static_cast<char>(kinds.size()) + std::string(kinds);
}

void AddCodingSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "coding_fuzz";
  constexpr std::string_view kEach("\0\1\2\3\4\5\6", 7);
  std::string all("\x7f");
  PutFixed32(&all, 0x01020304);
  PutFixed64(&all, 0x0102030405060708);
  PutVarint32(&all, UINT32_MAX);
  PutVarint64(&all, UINT64_MAX);
  PutLengthPrefixed(&all, "bytes");
  sink.Add(kTarget, "each-item", Reads(kEach) + all);
  // Each item twice, from nothing.
  for (const char kind : kEach) {
    sink.Add(kTarget, "nothing-" + std::to_string(kind),
             Reads(std::string(2, kind)));
  }
  std::string long_length;
  PutVarint64(&long_length, UINT64_MAX);
  sink.Add(kTarget, "length-over-the-end", Reads("\6\6") + long_length);
  sink.Add(kTarget, "huge-read", Reads("\xff") + all);
  std::string wide;
  PutVarint64(&wide, uint64_t{1} << 32);
  sink.Add(kTarget, "varint32-over-its-range", Reads("\3") + wide);
  sink.Add(kTarget, "varint-not-canonical",
           Reads("\4") + std::string("\x80\x00", 2));
  sink.Add(kTarget, "varint-over-64-bits",
           Reads("\4") + std::string(9, '\xff') + '\2');
}

void AddFileNameSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "file_name_fuzz";
  sink.Add(kTarget, "current", CurrentFileName(""));
  sink.Add(kTarget, "lock", LockFileName(""));
  sink.Add(kTarget, "manifest", ManifestFileName("", 5));
  sink.Add(kTarget, "wal", WalFileName("", 0));
  sink.Add(kTarget, "table", TableFileName("", 999'999));
  sink.Add(kTarget, "temp", TempFileName("", 1'000'000));
  sink.Add(kTarget, "largest", TableFileName("", UINT64_MAX));
  sink.Add(kTarget, "over-64-bits", "18446744073709551616.sst");
  sink.Add(kTarget, "too-few-digits", "12.wal");
  sink.Add(kTarget, "too-many-digits", "000000000000000000012.wal");
  sink.Add(kTarget, "zero-in-front", "0000012.wal");
  sink.Add(kTarget, "not-a-digit", "00001a.wal");
  sink.Add(kTarget, "other-name", "LOG");
  sink.Add(kTarget, "directory-with-slash",
           std::string(8, '\xff') + '\0' + "dir/");
}

void AddCurrentFileSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "current_file_fuzz";
  const CurrentFile usual = {.version = kFormatVersion,
                             .manifest_number = 5,
                             .db_id = 0x1122334455667788,
                             .manifest_bytes = 1234};
  CurrentFile other = usual;
  other.version = kFormatVersion + 1;
  const CurrentFile largest = {.version = kFormatVersion,
                               .manifest_number = UINT64_MAX,
                               .db_id = UINT64_MAX,
                               .manifest_bytes = UINT64_MAX};
  sink.Add(kTarget, "usual", EncodeCurrent(usual));
  sink.Add(kTarget, "zeros", EncodeCurrent({.version = kFormatVersion}));
  sink.Add(kTarget, "largest", EncodeCurrent(largest));
  sink.Add(kTarget, "other-version", EncodeCurrent(other));
  sink.Add(kTarget, "cut", EncodeCurrent(usual).substr(0, 17));
  sink.Add(kTarget, "too-long", std::string(513, ' '));

  sink.Add(kTarget, "values", std::string(29, '\1'));

  const auto add_sealed = [&](std::string_view name, std::string_view line) {
    sink.Add(kTarget, name,
             absl::StrFormat("%s%016x\n", line, Checksum64(line, 0)));
  };
  add_sealed("not-a-current-file", "holdfast 1 ");
  add_sealed("no-version", "holdfast-current one ");
  add_sealed("word-missing", "holdfast-current 1 MANIFEST-000005 ");
  add_sealed("names-a-log",
             "holdfast-current 1 000005.wal 1122334455667788 1234 ");
  add_sealed("upper-case",
             "holdfast-current 1 MANIFEST-000005 112233445566778A 1234 ");
}

}  // namespace

void AddFormatSeeds(SeedSink& sink) {
  AddCodingSeeds(sink);
  AddCurrentFileSeeds(sink);
  AddFileNameSeeds(sink);
  AddVarintSeeds(sink);
}

}  // namespace holdfast
