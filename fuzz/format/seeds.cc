#include "fuzz/format/seeds.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/format/wal_record.h"
#include "fuzz/seeds/seed_bytes.h"
#include "fuzz/seeds/seed_sink.h"
#include "holdfast/write_batch.h"

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

// One for each way that the function has for a length.
void AddChecksumSeeds(SeedSink& sink) {
  const std::string context(8, '\x5a');
  const std::string choices(8, '\3');
  for (const size_t bytes : {0, 1, 8, 16, 128, 240, 241, 2048}) {
    sink.Add("checksum_fuzz", "bytes-" + std::to_string(bytes),
             context + choices + std::string(bytes, 'x'));
  }
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

  sink.Add(kTarget, "values", std::string(31, '\1'));

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

// A key as internal_key_fuzz takes it: a choice, its user key and its number.
std::string SmallKey(bool as_before, std::string_view user_key,
                     uint8_t sequence) {
  std::string bytes(1, static_cast<char>(8 * user_key.size() + as_before));
  if (as_before) bytes.push_back('\xff');
  return bytes + std::string(user_key) + static_cast<char>(sequence);
}

void AddInternalKeySeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "internal_key_fuzz";
  sink.Add(kTarget, "value", MakeInternalKey("key", 7, ValueType::kValue));
  sink.Add(kTarget, "deletion-at-the-largest-number",
           MakeInternalKey("", kMaxSequenceNumber, ValueType::kDeletion));
  sink.Add(kTarget, "unknown-type", std::string("key\2\0\0\0\0\0\0\0", 11));
  sink.Add(kTarget, "too-short", "key");
  sink.Add(kTarget, "separated-by-a-byte",
           SmallKey(false, "abcd", 9) + SmallKey(false, "axyz", 8) +
               SmallKey(false, "axz", 7));
  sink.Add(kTarget, "next-to-each-other",
           SmallKey(false, "abcd", 9) + SmallKey(false, "ac", 8) +
               SmallKey(false, "ac", 7));
  sink.Add(kTarget, "prefixes",
           SmallKey(false, "ab", 9) + SmallKey(true, "c", 8) +
               SmallKey(true, "d", 7));
  sink.Add(
      kTarget, "versions",
      SmallKey(false, "ab", 7) + SmallKey(true, "", 8) + SmallKey(true, "", 9));
  sink.Add(kTarget, "no-successor",
           SmallKey(false, "\xff\xff\xff", 1) + SmallKey(false, "\xff\xff", 2));
  // Longer than a LookupKey holds within itself.
  sink.Add(kTarget, "long",
           SmallKey(false, "a", 1) + SmallKey(false, "b", 1) + "\xf8\xff" +
               std::string(255, 'c') + '\1');
}

// Children, the one that fails and when; the keys of each child; moves.
void AddMergingIteratorSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "merging_iterator_fuzz";
  const std::string none_fails = Bytes({3, 11, 255});
  const std::string children =
      Bytes({2, 1, 130}) + Bytes({2, 66, 194}) + Bytes({3, 2, 66, 130});
  const std::string there_and_back =
      Bytes({8, 0, 0, 0, 3, 3, 0, 3, 1, 3, 3, 3, 0, 0, 6, 66, 0, 7, 2, 3});
  sink.Add(kTarget, "no-children", Bytes({0, 0, 0, 7, 7, 6, 2}));
  sink.Add(kTarget, "one-child",
           Bytes({1, 11, 255, 2, 1, 66}) + there_and_back);
  sink.Add(kTarget, "turns", none_fails + children + there_and_back);
  sink.Add(kTarget, "turn-where-a-child-has-ended",
           Bytes({2, 11, 255, 1, 1, 1, 130, 8, 0, 3, 0, 0}));
  for (int move = 0; move < 8; ++move) {
    sink.Add(kTarget, "fails-at-move-" + std::to_string(move),
             Bytes({3, 1, move}) + children + there_and_back);
  }
}

void AddShardedCacheSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "sharded_cache_fuzz";
  // A small cache of one shard, and one of 4 MiB with eight.
  const std::string small = Bytes({1, 0, 4, 0});
  const std::string large = Bytes({0, 255, 255, 255, 255, 3});
  std::string steps;
  for (int key = 0; key < 12; ++key) {
    steps += Bytes({7, key, 255, 0});                  // Insert
    if (key % 3 == 0) steps += Bytes({1 + 128, key});  // Look it up and hold it
  }
  steps += Bytes({0, 3, 1, 3, 7, 6, 1, 0, 4, 0});
  sink.Add(kTarget, "one-shard", small + steps);
  sink.Add(kTarget, "eight-shards", large + steps);
  sink.Add(kTarget, "stores-nothing", Bytes({1, 0, 0, 0}) + steps);
}

// A table as version_builder_fuzz takes it: its number, level, size, sequence
// numbers, first key and how far the last is.
std::string AddTable(int number, int level, int key) {
  return Bytes({0, number, level, 1, number % 16, 1, key, 1});
}

void AddVersionBuilderSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "version_builder_fuzz";
  // An edit begins with how many changes it has, and ends with whether another
  // follows before a version is built; then come three questions.
  const std::string build = Bytes({0});
  const std::string questions = Bytes({3, 9, 5, 1, 4});
  const std::string four = Bytes({4}) + AddTable(1, 0, 3) + AddTable(2, 0, 4) +
                           AddTable(3, 1, 3) + AddTable(4, 1, 9) + build +
                           questions;
  sink.Add(kTarget, "four-tables", four);
  sink.Add(kTarget, "removed-and-moved",
           four + Bytes({2, 4, 0, 6, 1, 2}) + build + questions);
  sink.Add(kTarget, "two-edits-one-version",
           Bytes({1}) + AddTable(1, 0, 3) + Bytes({1, 1}) + AddTable(2, 1, 4) +
               build + questions);
  sink.Add(kTarget, "overlap",
           Bytes({2}) + AddTable(1, 1, 3) + AddTable(2, 1, 4) + build);
  sink.Add(kTarget, "added-twice",
           Bytes({2}) + AddTable(1, 1, 3) + AddTable(1, 2, 4));
  sink.Add(kTarget, "removed-but-not-there", four + Bytes({1, 3, 2, 31}));
  sink.Add(kTarget, "changed-by-a-move", four + Bytes({1, 5, 0, 6, 1}));
  sink.Add(kTarget, "removed-from-another-level", four + Bytes({1, 3, 2, 1}));
  sink.Add(kTarget, "added-after-its-removal",
           four + Bytes({1, 4, 0, 1, 1}) + AddTable(1, 5, 3));
  sink.Add(kTarget, "no-table", Bytes({1, 0, 1, 1, 0, 1, 1, 3, 1}));
}

TableRecord UsualTable() {
  return {.level = 1,
          .number = 12,
          .bytes = 96,
          .identity = 0x1122334455667788,
          .entries = 100,
          .tombstones = 7,
          .smallest = MakeInternalKey("ant", 5, ValueType::kValue),
          .largest = MakeInternalKey("bee", 9, ValueType::kDeletion),
          .smallest_sequence = 3,
          .largest_sequence = 100};
}

void AddVersionEditSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "version_edit_fuzz";
  VersionEdit snapshot;
  snapshot.db_id = 0xfedcba9876543210;
  snapshot.log_number = 11;
  snapshot.next_file_number = 14;
  snapshot.last_sequence = 200;
  sink.Add(kTarget, "nothing", "");
  sink.Add(kTarget, "snapshot-of-nothing", EncodeVersionEdit(snapshot));
  VersionEdit all = snapshot;
  all.sealed_log = {.number = 10, .bytes = 65536, .last_sequence = 199};
  all.removed = {{0, 7}, {0, 9}};
  all.added = {UsualTable(), UsualTable()};
  all.added[1].level = kNumLevels - 1;
  sink.Add(kTarget, "each-field", EncodeVersionEdit(all));
  const std::string edit = EncodeVersionEdit(snapshot);
  sink.Add(kTarget, "skipped-fields",
           Field(0, "") + edit + Field(8, "later") + Field(8, "again"));
  sink.Add(kTarget, "unknown-field", edit + Field(15, ""));
  sink.Add(kTarget, "out-of-order", edit + edit);
  sink.Add(kTarget, "field-cut-off", edit.substr(0, edit.size() - 1));
  for (const uint32_t tag : {1, 3, 5, 7, 9, 11, 13}) {
    const std::string name = std::to_string(tag);
    sink.Add(kTarget, "malformed-field-" + name, Field(tag, "\x80"));
  }
  std::string large;
  PutVarint64(&large, kMaxSequenceNumber + 1);
  sink.Add(kTarget, "sequence-out-of-range", Field(7, large));
  sink.Add(kTarget, "sealed-log-out-of-range", Field(9, "\1\1" + large));
  sink.Add(kTarget, "removed-level-out-of-range", Field(11, "\7\1"));

  // Tables that are none, by what is at an offset of the edit.
  VersionEdit one;
  one.added = {UsualTable()};
  const std::string table = EncodeVersionEdit(one);
  const auto add_table = [&](std::string_view name, size_t at, char byte) {
    std::string bytes = table;
    bytes[at] = byte;
    sink.Add(kTarget, name, bytes);
  };
  sink.Add(kTarget, "table", table);
  add_table("table-level-out-of-range", 2, kNumLevels);
  add_table("table-number-0", 3, 0);
  add_table("table-of-no-bytes", 4, 0);
  add_table("table-of-no-entries", 13, 0);
  add_table("table-more-tombstones-than-entries", 14, 101);
  add_table("table-sequences-in-the-wrong-order", 16, 2);
  add_table("table-keys-in-the-wrong-order", 18, 'z');
  add_table("table-bad-key", 21, 2);
  add_table("table-key-before-its-sequences", 22, 2);
  add_table("table-key-behind-its-sequences", 34, 101);
  std::string far = table;
  far.replace(16, 1, large);
  far[1] = static_cast<char>(far[1] + static_cast<char>(large.size()) - 1);
  sink.Add(kTarget, "table-sequence-out-of-range", far);
}

void AddWriteBatchSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "write_batch_fuzz";
  const auto record = [](SequenceNumber first, uint32_t count,
                         std::string_view changes) {
    std::string bytes;
    AppendWalRecordPrefix(&bytes, first, count);
    return bytes.append(changes);
  };
  WriteBatch batch;
  sink.Add(kTarget, "no-changes", record(1, 0, batch.rep()));
  batch.Delete("alice");
  batch.Put("bob", "7");
  batch.Put("", "");
  batch.Delete("");
  batch.Put("long", std::string(300, 'v'));
  sink.Add(kTarget, "each-change", record(0x010203, 5, batch.rep()));
  sink.Add(kTarget, "changes-alone", batch.rep());
  sink.Add(kTarget, "largest-sequence",
           record(kMaxSequenceNumber - 4, 5, batch.rep()));
  sink.Add(kTarget, "sequence-0", std::string(9, '\0'));
  std::string beyond;
  PutFixed64(&beyond, kMaxSequenceNumber);
  sink.Add(kTarget, "sequence-beyond-the-largest", beyond + '\2');
  sink.Add(kTarget, "cut-before-the-count", beyond);
  sink.Add(kTarget, "more-than-counted", record(1, 4, batch.rep()));
  sink.Add(kTarget, "fewer-than-counted", record(1, 6, batch.rep()));
  sink.Add(kTarget, "unknown-type", record(1, 1, std::string("\2\0", 2)));
  sink.Add(kTarget, "value-cut-off",
           record(1, 5, batch.rep().substr(0, batch.rep().size() - 1)));
  // The target makes these keys.
  sink.Add(kTarget, "keys-around-their-limit", "long key");
}

}  // namespace

void AddFormatSeeds(SeedSink& sink) {
  AddChecksumSeeds(sink);
  AddCodingSeeds(sink);
  AddCurrentFileSeeds(sink);
  AddFileNameSeeds(sink);
  AddInternalKeySeeds(sink);
  AddMergingIteratorSeeds(sink);
  AddShardedCacheSeeds(sink);
  AddVarintSeeds(sink);
  AddVersionBuilderSeeds(sink);
  AddVersionEditSeeds(sink);
  AddWriteBatchSeeds(sink);
}

}  // namespace holdfast
