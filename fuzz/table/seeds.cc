#include "fuzz/table/seeds.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/block_builder.h"
#include "engine/table/compression.h"
#include "engine/table/filter.h"
#include "engine/table/table_builder.h"
#include "fuzz/seeds/seed_bytes.h"
#include "fuzz/seeds/seed_sink.h"
#include "fuzz/table/table_fuzzing.h"
#include "fuzz/table/table_parts.h"
#include "holdfast/options.h"

namespace holdfast {
namespace {

using std::string_literals::operator""s;

std::string Value(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kValue);
}

std::string Tombstone(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kDeletion);
}

std::string Fixed64(uint64_t number) {
  std::string bytes;
  PutFixed64(&bytes, number);
  return bytes;
}

// The entries of docs/formats/table.md.
TableEntries Fruit() {
  return {{Value("apple", 7), "red"},
          {Value("apple", 5), "green"},
          {Tombstone("apricot", 9), ""},
          {Value("banana", 2), "yellow"}};
}

// Several blocks of every size of entry.
TableEntries Mixed() {
  TableEntries entries = {{Value("", kMaxSequenceNumber), "of the empty key"},
                          {Value("", 0), ""}};
  for (char c = 'a'; c <= 'm'; ++c) {
    const std::string user = "user" + std::string(1, c);
    entries.push_back({Tombstone(user, 30), ""});
    entries.push_back({Value(user, 20), std::string(size_t{9} * (c - 'a'), c)});
    entries.push_back({Value(user, 10), "old value of " + user});
  }
  entries.push_back({Value(std::string(300, 'v'), 8), std::string(400, 'w')});
  entries.push_back({Value(std::string(300, 'v') + "x", 8), "shares 300"});
  return entries;
}

// --- Blocks ------------------------------------------------------------------

std::string BlockOf(const TableEntries& entries, int restart_interval) {
  BlockBuilder builder(restart_interval);
  for (const TableEntry& entry : entries) builder.Add(entry.key, entry.value);
  return builder.Finish();
}

// An entry as it is stored.
std::string Stored(uint32_t shared, std::string_view own,
                   std::string_view value) {
  std::string bytes;
  PutVarint32(&bytes, shared);
  PutVarint32(&bytes, static_cast<uint32_t>(own.size()));
  PutVarint32(&bytes, static_cast<uint32_t>(value.size()));
  bytes.append(own);
  bytes.append(value);
  return bytes;
}

std::string WithRestarts(std::string entries,
                         const std::vector<uint32_t>& restarts) {
  for (const uint32_t restart : restarts) PutFixed32(&entries, restart);
  PutFixed32(&entries, static_cast<uint32_t>(restarts.size()));
  return entries;
}

// More entries behind one restart point than any option allows.
std::string LongStretch() {
  std::string entries;
  for (int i = 0; i < 1030; ++i) {
    // The highest byte of a sequence is the last of its key: all but that are
    // shared with the key before, mostly.
    const std::string user(1, static_cast<char>('k' + i / 256));
    const uint64_t sequence = static_cast<uint64_t>(255 - i % 256) << 48;
    const std::string key = Value(user, sequence);
    const uint32_t shared = i % 256 == 0 ? 0 : 8;
    entries += Stored(shared, key.substr(shared), "");
  }
  return WithRestarts(std::move(entries), {0});
}

void AddDataBlockSeeds(SeedSink& sink) {
  const auto add = [&](std::string_view name, std::string_view payload,
                       std::string_view target = Value("apricot", 9)) {
    std::string input = "\x02"s;
    input += static_cast<char>(target.size());
    input += target;
    input += payload;
    sink.Add("data_block_fuzz", name, input);
  };
  for (const int interval : {1, 2, 16}) {
    const std::string name = "every-" + std::to_string(interval);
    add("fruit-" + name, BlockOf(Fruit(), interval));
    add("mixed-" + name, BlockOf(Mixed(), interval), Value("userc", 20));
  }
  add("one-entry", BlockOf({{Value("k", 1), "v"}}, 16), Value("k", 1));
  add("shares-a-trailer",
      WithRestarts(Stored(0, Value("k", 0x101), "") +
                       Stored(3, Value("k", 0x100).substr(3), ""),
                   {0}));
  const std::string first = Stored(0, Value("k", 9), "v");
  const auto second = static_cast<uint32_t>(first.size());
  add("too-short", "\1\2\3"s);
  add("too-many-restarts", WithRestarts(first, {0}) + "\xff\0\0\0"s);
  add("no-entries", WithRestarts("", {}));
  add("no-restarts", WithRestarts(first, {}));
  add("entry-cut", WithRestarts(first.substr(0, 6), {0}));
  add("head-cut", WithRestarts("\x80", {0}));
  add("own-length-cut", WithRestarts("\0\x80"s, {0}));
  add("value-length-cut", WithRestarts("\0\x08\x80"s, {0}));
  add("lengths-of-4-gib",
      WithRestarts("\0\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"s, {0}));
  add("shares-too-much",
      WithRestarts(first + Stored(10, Value("k", 8), ""), {0}));
  add("restart-shares",
      WithRestarts(first + Stored(1, Value("", 8), ""), {0, second}));
  add("first-is-no-restart", WithRestarts(first, {1}));
  add("short-key", WithRestarts(Stored(0, "1234567", ""), {0}));
  add("bad-type", WithRestarts(Stored(0, "k\2\0\0\0\0\0\0\0"s, ""), {0}));
  add("second-key-short", WithRestarts(first + Stored(2, "abc", ""), {0}));
  add("second-type-bad",
      WithRestarts(first + Stored(1, "\2\0\0\0\0\0\0\0"s, ""), {0}));
  add("same-key", WithRestarts(first + first, {0, second}));
  add("older-first", WithRestarts(first + Stored(1, Value("", 10), ""), {0}));
  add("falling-key", WithRestarts(first + Stored(0, Value("j", 9), ""), {0}));
  add("prefix-behind", WithRestarts(first + Stored(0, Value("", 9), ""), {0}));
  add("restart-within",
      WithRestarts(first + Stored(0, Value("l", 9), ""), {0, second + 1}));
  add("long-stretch", LongStretch(), Value("m", uint64_t{100} << 48));
}

// An input of block_build_fuzz, table_build_fuzz and table_damage_fuzz: entries
// in the words of table_input.h.
std::string EntryChoices() {
  std::string bytes =
      "\x11\x05"s
      "apple"
      "\x07\x03"s
      "red";
  bytes +=
      "\x10\x05\x05"s
      "green";
  bytes +=
      "\x0a\x02\x05"s
      "ricot"
      "\x09"s;
  bytes +=
      "\x11\x06"s
      "banana"
      "\x02\x06"s
      "yellow";
  bytes +=
      "\xa1\x05"s
      "cherr"
      "\x20x\x40\x01"s;  // Three more versions.
  bytes +=
      "\xe1\x04"s
      "date"
      "\x30y\x20\x00"s;                                   // 15 more keys.
  bytes += "\x33z\x40\x05\x01\x00\x03"s;                  // A run, with noise.
  bytes += "\x2fz\x41\xff\xff\xff\xff\xff\xff\xff\xff"s;  // The largest number.
  return bytes;
}

void AddBlockBuildSeeds(SeedSink& sink) {
  for (const char interval : {0, 1, 15}) {
    const std::string head(1, interval);
    const std::string every = "every-" + std::to_string(interval + 1);
    sink.Add("block_build_fuzz", every, head + "\0\0\0"s + EntryChoices());
    sink.Add("block_build_fuzz", every + "-key-changed",
             head + "\4\0\x01"s + EntryChoices());
    sink.Add("block_build_fuzz", every + "-length-changed",
             head + "\1\0\x80"s + EntryChoices());
  }
}

std::string HandleValue(uint64_t offset, uint64_t size) {
  std::string value;
  AppendBlockHandle(&value, {.offset = offset, .size = size});
  return value;
}

void AddIndexBlockSeeds(SeedSink& sink) {
  const auto add = [&](std::string_view name, const TableEntries& entries,
                       std::string_view differences = "\0\0"s) {
    std::string input(differences);
    input += "\x0f"s + Value("apricot", 9) + BlockOf(entries, 1);
    sink.Add("index_block_fuzz", name, input);
  };
  const std::string a = Value("apq", kMaxSequenceNumber);
  const std::string b = Value("apricot", 9);
  const TableEntries good = {{a, HandleValue(0, 42)}, {b, HandleValue(51, 26)}};
  add("good", good);
  add("one-block", {{a, HandleValue(0, 1000)}});
  add("empty-block", {{a, HandleValue(0, 0)}, {b, HandleValue(9, 0)}});
  add("one-block-more", good, "\1\0"s);
  add("one-block-less", good, "\xff\0"s);
  add("data-goes-on", good, "\0\1"s);
  add("data-ends-before", good, "\0\xff"s);
  add("data-ends-before-the-trailer", {{a, HandleValue(0, 0)}}, "\0\xf9"s);
  add("gap", {{a, HandleValue(0, 42)}, {b, HandleValue(52, 26)}});
  add("overlap", {{a, HandleValue(0, 42)}, {b, HandleValue(50, 26)}});
  add("not-from-0", {{a, HandleValue(1, 42)}});
  add("empty-value", {{a, ""}});
  add("cut-value", {{a, "\0"s}});
  add("longer-value", {{a, HandleValue(0, 42) + "x"}});
  add("not-canonical", {{a, "\0\xaa\x00"s}});
  add("wraps", {{a, HandleValue(0, UINT64_MAX)}});
  add("wraps-to-0",
      {{a, HandleValue(0, UINT64_MAX - 8)}, {b, HandleValue(0, 1)}});
  add("largest-block", {{a, HandleValue(0, kMaxBlockBytes)}});
  add("larger-than-any-block", {{a, HandleValue(0, kMaxBlockBytes + 1)}});
  sink.Add("index_block_fuzz", "garbage", "\0\0\0garbage garbage"s);
}

void AddFilterBlockSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "filter_block_fuzz";
  std::string hashes;
  for (uint64_t i = 0; i < 60; ++i) {
    hashes += Fixed64(HashKey("key" + std::to_string(i)));
  }
  for (const char bits : {1, 10, 32}) {
    const std::string name = std::to_string(bits) + "-bits";
    sink.Add(kTarget, "build-" + name, bits + hashes);
    FilterBuilder builder(bits);
    Decoder in(hashes);
    for (uint64_t hash; in.ReadFixed64(&hash);) builder.AddHash(hash);
    sink.Add(kTarget, "filter-" + name, '\0' + builder.Finish());
  }
  sink.Add(kTarget, "build-of-nothing", "\x0a");
  const std::string line(64, '\x5a');
  sink.Add(kTarget, "too-short", "\0\1\0\0\0"s);
  sink.Add(kTarget, "no-lines", "\0\0\0\0\0\6"s);
  sink.Add(kTarget, "one-line", "\0"s + line + "\1\0\0\0\6"s);
  sink.Add(kTarget, "lines-claimed", "\0"s + line + "\2\0\0\0\6"s);
  sink.Add(kTarget, "lines-of-4-gib", "\0"s + line + "\xff\xff\xff\xff\6"s);
  sink.Add(kTarget, "no-probes", "\0"s + line + "\1\0\0\0\0"s);
  sink.Add(kTarget, "too-many-probes", "\0"s + line + "\1\0\0\0\x11"s);
}

// --- Properties, footer, trailer ---------------------------------------------

TableProperties FruitProperties() {
  TableProperties p;
  p.entries = 4;
  p.tombstones = 1;
  p.smallest = Value("apple", 7);
  p.largest = Value("banana", 2);
  p.smallest_sequence = 2;
  p.largest_sequence = 9;
  p.data_blocks = 3;
  p.raw_key_bytes = 55;
  p.raw_value_bytes = 14;
  p.bloom_bits_per_key = 10;
  return p;
}

void AddContradictions(SeedSink& sink) {
  const auto add = [&](std::string_view name, auto change) {
    TableProperties properties = FruitProperties();
    change(&properties);
    sink.Add("properties_fuzz", name, EncodeTableProperties(properties));
  };
  using P = TableProperties;
  add("zstd", [](P* p) { p->compression = Compression::kZstd; });
  add("no-entries", [](P* p) { p->entries = 0; });
  add("too-many-tombstones", [](P* p) { p->tombstones = 5; });
  add("no-blocks", [](P* p) { p->data_blocks = 0; });
  add("too-many-blocks", [](P* p) { p->data_blocks = 5; });
  add("bad-smallest", [](P* p) { p->smallest = "short"; });
  add("bad-largest", [](P* p) { p->largest.clear(); });
  add("keys-cross", [](P* p) { std::swap(p->smallest, p->largest); });
  add("sequences-cross", [](P* p) { p->smallest_sequence = 10; });
  add("sequence-too-large",
      [](P* p) { p->largest_sequence = kMaxSequenceNumber + 1; });
}

void AddPropertiesSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "properties_fuzz";
  const std::string good = EncodeTableProperties(FruitProperties());
  sink.Add(kTarget, "good", good);
  AddContradictions(sink);
  // What must be there, and no more.
  const std::string least = Field(1, "\4") + Field(5, Value("apple", 7)) +
                            Field(7, Value("banana", 2)) + Field(13, "\3");
  sink.Add(kTarget, "least", least);
  sink.Add(kTarget, "unknown-even", good + Field(14, "anything"));
  sink.Add(kTarget, "unknown-even-between",
           least.substr(0, least.size() - 3) + Field(12, "") + Field(13, "\3"));
  sink.Add(kTarget, "unknown-odd", good + Field(15, "anything"));
  sink.Add(kTarget, "cut", good.substr(0, 20));
  sink.Add(kTarget, "falling-tags", good + Field(13, "\3"));
  sink.Add(kTarget, "number-cut", Field(1, "\x80"));
  sink.Add(kTarget, "number-too-long", Field(1, "\1x"));
  sink.Add(kTarget, "compression-unknown", Field(6, "\3"));
  sink.Add(kTarget, "compression-cut", Field(6, ""));
  sink.Add(kTarget, "bits-cut", Field(8, ""));
  sink.Add(kTarget, "bits-too-many", Field(8, "\x80\x80\x80\x80\x10"));
}

void AddFooterSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "footer_fuzz";
  const std::string same(24, '\0');  // Nothing before the tail; no difference.
  const auto add = [&](std::string_view name, const std::string& file) {
    sink.Add(kTarget, name, same + file);
  };
  for (const int bits : {0, 10}) {
    TableOptions options;
    options.bloom_bits_per_key = bits;
    const std::string table = BuildFuzzTable(options, Fruit()).bytes;
    const std::string name = bits == 0 ? "without-filter" : "with-filter";
    add(name, table);
    sink.Add(kTarget, name + "-alone",
             Fixed64(table.size() - kFooterBytes) + same.substr(8) +
                 table.substr(table.size() - kFooterBytes));
  }
  const std::string table = BuildFuzzTable({}, Fruit()).bytes;
  const size_t offset = table.size() - kFooterBytes;
  const auto changed = [&](auto change) {
    TableFooter footer;
    HF_CHECK(ReadAnyFooter(table, &footer));
    change(&footer);
    return table.substr(0, offset) + EncodeTableFooter(footer, offset);
  };
  add("version-2", changed([](TableFooter* f) { f->version = 2; }));
  add("index-moved", changed([](TableFooter* f) { ++f->index.offset; }));
  add("filter-moved", changed([](TableFooter* f) { --f->filter.offset; }));
  add("properties-too-large",
      changed([](TableFooter* f) { f->properties.size = UINT64_MAX; }));
  add("properties-behind-the-end",
      changed([](TableFooter* f) { f->properties.offset = UINT64_MAX; }));
  add("too-short", table.substr(offset + 1));
  add("no-magic", table.substr(0, table.size() - 1));
  std::string bad = table;
  bad[offset] = static_cast<char>(bad[offset] ^ 1);
  add("checksum", bad);
  std::string reserved = table.substr(offset, 80);
  reserved[68] = 1;
  PutFixed64(&reserved,
             Checksum64(reserved, MixContext(kFuzzIdentity, offset)));
  add("reserved", table.substr(0, offset) + reserved);
  sink.Add(kTarget, "other-number",
           Fixed64(0) + Fixed64(1) + Fixed64(0) + table);
  sink.Add(kTarget, "other-identity",
           Fixed64(0) + Fixed64(0) + Fixed64(1) + table);
}

void AddBlockTrailerSeeds(SeedSink& sink) {
  const auto add = [&](std::string_view name, char type, char change,
                       uint64_t mask, std::string_view place) {
    sink.Add("block_trailer_fuzz", name,
             Fixed64(kFuzzIdentity) + Fixed64(4096) + type + change +
                 Fixed64(mask) + std::string(place) + "payload");
  };
  add("good", 0, 0, 0, "\0\0"s);
  add("other-table", 1, 0, 1, "\0\0"s);
  add("other-place", 2, 1, 4096, "\0\0"s);
  add("payload-changed", 0, 2, 1, "\0\0"s);
  add("type-changed", 0, 2, 1, "\7\0"s);
  add("type-unknown", 0, 2, 2, "\7\0"s);
  add("checksum-changed", 0, 2, 1, "\x0f\0"s);
}

// --- Compression -------------------------------------------------------------

std::string Compressed(Compression compression, std::string_view raw) {
  BlockCompressor compressor(compression);
  std::string compressed;
  HF_CHECK(compressor.Compress(raw, &compressed));
  return compressed;
}

void AddCompressionSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "compression_fuzz";
  constexpr std::string_view kNoLimit("\xff\xff\xff\x7f", 4);
  const std::string mixed = BlockOf(Mixed(), 16);
  for (const char type : {0, 1, 2}) {
    const std::string what(1, type);
    const std::string name = type == 0 ? "none" : type == 1 ? "lz4" : "zstd";
    sink.Add(kTarget, name + "-of-a-block", what + mixed);
    sink.Add(kTarget, name + "-of-a-run", what + std::string(4000, 'r'));
    sink.Add(kTarget, name + "-of-nothing", what);
    sink.Add(kTarget, name + "-of-noise", what + Fixed64(kFuzzIdentity));
    if (type == 0) continue;
    const std::string un = static_cast<char>(type + 2) + std::string(kNoLimit);
    const std::string compressed =
        Compressed(static_cast<Compression>(type), mixed);
    sink.Add(kTarget, "un-" + name, un + compressed);
    sink.Add(kTarget, "un-" + name + "-over-the-limit",
             un.substr(0, 1) + "\xff\0\0\0"s + compressed);
    sink.Add(kTarget, "un-" + name + "-cut",
             un + compressed.substr(0, compressed.size() / 2));
    sink.Add(kTarget, "un-" + name + "-without-a-size", un);
    sink.Add(kTarget, "un-" + name + "-claims-1-gib",
             un + "\x80\x80\x80\x80\x04" + compressed.substr(2));
  }
  // A frame that says it has 1 GiB, and ends there.
  sink.Add(kTarget, "un-zstd-frame-claims-1-gib",
           "\4"s + std::string(kNoLimit) + "\x80\x80\x80\x80\x04" +
               "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40"s);
  sink.Add(kTarget, "un-lz4-of-nothing",
           "\3"s + std::string(kNoLimit) + "\0\0"s);
}

// --- Tables ------------------------------------------------------------------

struct NamedOptions {
  std::string name;
  TableOptions options;
};

std::string NameOf(Compression compression) {
  return compression == Compression::kNone  ? "none"
         : compression == Compression::kLz4 ? "lz4"
                                            : "zstd";
}

// Every kind of each option.
std::vector<NamedOptions> EachOption() {
  std::vector<NamedOptions> all;
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const int bits : {0, 10}) {
      for (const size_t block_bytes : {size_t{256}, size_t{4096}}) {
        TableOptions options;
        options.compression = compression;
        options.bloom_bits_per_key = bits;
        options.block_bytes = block_bytes;
        options.block_restart_interval = bits == 0 ? 1 : 16;
        all.push_back({NameOf(compression) +
                           (bits == 0 ? "-no-filter-" : "-filter-") +
                           std::to_string(block_bytes),
                       options});
      }
    }
  }
  return all;
}

// Tables with good checksums that are none.
void AddBadTables(SeedSink& sink) {
  constexpr std::string_view kTarget = "table_open_fuzz";
  TableOptions options;
  options.block_bytes = 64;
  options.compression = Compression::kNone;
  const std::string good = BuildFuzzTable(options, Fruit()).bytes;
  const auto add = [&](std::string_view name, auto change) {
    TableParts parts;
    HF_CHECK(TakeApart(good, &parts));
    change(&parts);
    sink.Add(kTarget, name, PutTogether(parts));
  };
  using P = TableParts;
  add("good-with-small-blocks", [](P*) {});
  add("blocks-swapped", [](P* p) { std::swap(p->data[0], p->data[1]); });
  add("payloads-swapped",
      [](P* p) { std::swap(p->data[0].payload, p->data[1].payload); });
  add("block-repeated", [](P* p) { p->data[1].payload = p->data[0].payload; });
  add("separator-too-high",
      [](P* p) { p->data[0].index_key = Value("apricot", 10); });
  add("separator-at-the-next-key",
      [](P* p) { p->data[0].index_key = Tombstone("apricot", 9); });
  add("block-missing", [](P* p) { p->data.pop_back(); });
  add("type-unknown", [](P* p) { p->data[0].type = 3; });
  add("not-compressed-at-all", [](P* p) { p->data[0].type = 1; });
  add("garbage-in-a-block", [](P* p) { p->data[1].payload = "garbage"; });
  add("no-filter-lines", [](P* p) { p->filter = "\0\0\0\0\6"s; });
  add("filter-says-no",
      [](P* p) { p->filter = std::string(64, '\0') + "\1\0\0\0\6"s; });
  add("index-of-garbage", [](P* p) { p->index = "garbage"; });
  add("index-too-long", [](P* p) {
    p->index = BlockOf({{Value("z", 1), "\0\x7f"s}}, 1);
  });
  add("properties-unknown", [](P* p) { p->properties += Field(15, ""); });
  add("properties-cut", [](P* p) { p->properties.resize(9); });
  const auto add_properties = [&](std::string_view name, auto change) {
    add(name, [&](P* p) {
      TableProperties properties =
          *DecodeTableProperties(kFuzzPath, 0, p->properties);
      change(&properties);
      p->properties = EncodeTableProperties(properties);
    });
  };
  using T = TableProperties;
  add_properties("entries-wrong", [](T* t) { ++t->entries; });
  add_properties("tombstones-wrong", [](T* t) { ++t->tombstones; });
  add_properties("smallest-wrong", [](T* t) { t->smallest = Value("a", 1); });
  add_properties("largest-wrong", [](T* t) { t->largest = Value("z", 1); });
  add_properties("first-number-wrong", [](T* t) { --t->smallest_sequence; });
  add_properties("last-number-wrong", [](T* t) { ++t->largest_sequence; });
  add_properties("key-bytes-wrong", [](T* t) { ++t->raw_key_bytes; });
  add_properties("value-bytes-wrong", [](T* t) { ++t->raw_value_bytes; });
}

void AddTableOpenSeeds(SeedSink& sink) {
  constexpr std::string_view kTarget = "table_open_fuzz";
  for (const auto& [name, options] : EachOption()) {
    sink.Add(kTarget, name, BuildFuzzTable(options, Mixed()).bytes);
  }
  const std::string fruit = BuildFuzzTable({}, Fruit()).bytes;
  sink.Add(kTarget, "fruit", fruit);
  sink.Add(kTarget, "nothing", "");
  sink.Add(kTarget, "footer-alone", fruit.substr(fruit.size() - kFooterBytes));
  std::string bit = fruit;
  bit[20] = static_cast<char>(bit[20] ^ 1);
  sink.Add(kTarget, "bit-in-a-block", bit);
  TableFooter footer;
  HF_CHECK(ReadAnyFooter(fruit, &footer));
  std::string compressed = fruit;
  compressed[footer.index.offset + footer.index.size] = 1;
  MendChecksums(&compressed);
  sink.Add(kTarget, "index-compressed", compressed);
  AddBadTables(sink);
}

// The two bytes of ReadTableChoices.
std::string OptionChoices(int block, int restart, int compression, int bloom,
                          int tail, bool cached) {
  return std::string(1, static_cast<char>(block + 6 * restart)) +
         static_cast<char>(compression + 3 * bloom + 12 * tail +
                           (cached ? 48 : 0));
}

void AddTableBuildSeeds(SeedSink& sink) {
  for (int i = 0; i < 12; ++i) {
    const std::string choices = OptionChoices(
        i % 6, (i + i / 6) % 6, i % 3, (i + 1) % 4, (i / 3) % 4, i % 2 == 1);
    const std::string name = "options-" + std::to_string(i);
    sink.Add("table_build_fuzz", name, choices + EntryChoices());
    for (int kind = 0; kind < 11; ++kind) {
      // Each kind with some options, and mended every other time.
      if ((i + kind) % 4 != 0) continue;
      std::string damage(1, static_cast<char>(kind));
      damage += static_cast<char>(37 * i + 1);
      damage += '\0';
      damage += static_cast<char>(53 * i + 2);
      damage += '\0';
      damage += static_cast<char>(11 * i + kind);
      damage += static_cast<char>((i / 4 + kind) % 2);
      sink.Add("table_damage_fuzz", "kind-" + std::to_string(kind) + "-" + name,
               damage + choices + EntryChoices());
    }
  }
}

}  // namespace

void AddTableSeeds(SeedSink& sink) {
  AddDataBlockSeeds(sink);
  AddBlockBuildSeeds(sink);
  AddIndexBlockSeeds(sink);
  AddFilterBlockSeeds(sink);
  AddPropertiesSeeds(sink);
  AddFooterSeeds(sink);
  AddBlockTrailerSeeds(sink);
  AddCompressionSeeds(sink);
  AddTableOpenSeeds(sink);
  AddTableBuildSeeds(sink);
}

}  // namespace holdfast
