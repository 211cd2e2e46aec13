// What TableReader does with files that are not what was written.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/iter/internal_iterator.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"
#include "engine/table/memory_files.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_reader.h"
#include "engine/table/table_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::string Value(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kValue);
}

// Blocks of equal size: keys and values all have one length.
TableModel ExampleModel() {
  TableModel model;
  for (int i = 0; i < 8; ++i) {
    const std::string user = absl::StrCat("key", i);
    model[Value(user, 20)] =
        absl::StrCat("new value of ", i, std::string(60, '-'));
    model[Value(user, 10)] =
        absl::StrCat("old value of ", i, std::string(60, '-'));
  }
  model[MakeInternalKey("key3", 30, ValueType::kDeletion)] = "";
  return model;
}

TableOptions ExampleOptions(Compression compression) {
  TableOptions options;
  options.compression = compression;
  options.block_bytes = 280;
  options.block_restart_interval = 2;
  return options;
}

// The parts of a table, to be changed and put together again with good
// checksums.
struct Parts {
  struct Data {
    std::string payload;
    Compression type;
    std::string index_key;
  };
  std::vector<Data> data;
  std::optional<std::string> filter;
  TableProperties properties;
  // Where each part of the file began, footer included.
  std::set<uint64_t> offsets;
  // Changes the handle of the n-th data block in the index.
  std::function<void(size_t n, BlockHandle*)> change_handle;
};

Parts TakeApart(const std::string& bytes) {
  const auto footer = DecodeTableFooter(kTestPath, bytes.size(), bytes);
  EXPECT_TRUE(footer.ok()) << footer.status();
  const auto payload = [&](const BlockHandle& handle) {
    return bytes.substr(handle.offset, handle.size);
  };
  Parts parts;
  parts.offsets = {footer->index.offset, footer->properties.offset,
                   bytes.size() - kFooterBytes};
  if (footer->has_filter()) {
    parts.filter = payload(footer->filter);
    parts.offsets.insert(footer->filter.offset);
  }
  parts.properties =
      *DecodeTableProperties(kTestPath, 0, payload(footer->properties));
  const auto index = *Block::Parse(payload(footer->index), kTestPath, 0);
  Block::Iterator it(index.get());
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    Decoder in(it.value());
    BlockHandle handle;
    EXPECT_TRUE(ReadBlockHandle(&in, &handle));
    const auto type =
        static_cast<Compression>(bytes[handle.offset + handle.size]);
    parts.data.push_back({payload(handle), type, std::string(it.key())});
    parts.offsets.insert(handle.offset);
  }
  return parts;
}

std::string PutTogether(const Parts& parts) {
  std::string bytes;
  const auto append = [&](std::string payload, Compression type) {
    const BlockHandle handle = {.offset = bytes.size(), .size = payload.size()};
    AppendBlockTrailer(&payload, type, kTestIdentity, handle.offset);
    bytes.append(payload);
    return handle;
  };
  BlockBuilder index(1);
  for (size_t i = 0; i < parts.data.size(); ++i) {
    BlockHandle handle = append(parts.data[i].payload, parts.data[i].type);
    if (parts.change_handle) parts.change_handle(i, &handle);
    std::string value;
    AppendBlockHandle(&value, handle);
    index.Add(parts.data[i].index_key, value);
  }
  TableFooter footer;
  if (parts.filter.has_value()) {
    footer.filter = append(*parts.filter, Compression::kNone);
  }
  footer.index = append(index.Finish(), Compression::kNone);
  footer.properties =
      append(EncodeTableProperties(parts.properties), Compression::kNone);
  footer.number = kTestNumber;
  footer.identity = kTestIdentity;
  footer.version = 1;
  bytes.append(EncodeTableFooter(footer, bytes.size()));
  return bytes;
}

// That an error is kDataLoss and names the file; RETURNS the offset it names.
uint64_t NamedOffset(const absl::Status& status) {
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), kTestPath)) << status;
  const std::string_view message = status.message();
  constexpr std::string_view kMark = "at offset ";
  const size_t at = message.find(kMark);
  EXPECT_NE(at, std::string_view::npos) << status;
  uint64_t offset = 0;
  const std::string_view rest = message.substr(at + kMark.size());
  EXPECT_TRUE(absl::SimpleAtoi(
      rest.substr(0, rest.find_first_not_of("0123456789")), &offset))
      << status;
  return offset;
}

// Reads everything in every way and checks that each answer is right or one of
// `allowed`. RETURNS the errors.
std::vector<absl::Status> ReadEverything(const TableModel& model,
                                         const TableReader& table,
                                         const BlockReadOptions& options = {}) {
  std::vector<absl::Status> errors;
  for (int i = -1; i < 9; ++i) {
    const std::string user = absl::StrCat("key", i);
    for (const SequenceNumber s : {5, 10, 20, 30}) {
      const auto found = TableGet(table, user, s, options);
      if (!found.ok()) {
        errors.push_back(found.status());
      } else {
        EXPECT_EQ(*found, ModelGet(model, user, s)) << user << "@" << s;
      }
    }
  }
  const auto it = table.NewIterator(options);
  auto forward = model.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++forward) {
    EXPECT_TRUE(forward != model.end());
    EXPECT_EQ(it->key(), forward->first);
    EXPECT_EQ(it->value(), forward->second);
  }
  if (!it->status().ok()) {
    errors.push_back(it->status());
  } else {
    EXPECT_TRUE(forward == model.end());
  }
  auto backward = model.rbegin();
  for (it->SeekToLast(); it->Valid(); it->Prev(), ++backward) {
    EXPECT_TRUE(backward != model.rend());
    EXPECT_EQ(it->key(), backward->first);
    EXPECT_EQ(it->value(), backward->second);
  }
  if (!it->status().ok()) {
    errors.push_back(it->status());
  } else {
    EXPECT_TRUE(backward == model.rend());
  }
  for (const auto& [key, value] : model) {
    it->Seek(key);
    if (!it->status().ok()) {
      EXPECT_FALSE(it->Valid());
      errors.push_back(it->status());
    } else {
      EXPECT_TRUE(it->Valid());
      EXPECT_EQ(it->key(), key);
      EXPECT_EQ(it->value(), value);
    }
  }
  return errors;
}

class TableDamageTest : public testing::TestWithParam<Compression> {};

INSTANTIATE_TEST_SUITE_P(EachCompression, TableDamageTest,
                         testing::Values(Compression::kNone, Compression::kLz4,
                                         Compression::kZstd));

TEST_P(TableDamageTest, TakingApartAndPuttingTogetherChangesNothing) {
  const std::string bytes =
      BuildTable(ExampleOptions(GetParam()), ExampleModel()).bytes;
  const Parts parts = TakeApart(bytes);
  EXPECT_GT(parts.data.size(), 3u);
  EXPECT_EQ(PutTogether(parts), bytes);
  int of_this_kind = 0;
  for (const Parts::Data& data : parts.data) {
    of_this_kind += data.type == GetParam();
  }
  EXPECT_GT(of_this_kind, 2);
}

TEST_P(TableDamageTest, EveryBitFlipIsFoundAndItsPlaceNamed) {
  const TableModel model = ExampleModel();
  const std::string good = BuildTable(ExampleOptions(GetParam()), model).bytes;
  const std::set<uint64_t> offsets = TakeApart(good).offsets;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    SCOPED_TRACE(absl::StrCat("bit ", bit));
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const uint64_t place = *std::prev(offsets.upper_bound(bit / 8));
    const auto table = OpenTable(bad, bad.size());
    if (!table.ok()) {
      ASSERT_EQ(NamedOffset(table.status()), place) << table.status();
      continue;
    }
    const auto errors = ReadEverything(model, **table);
    ASSERT_FALSE(errors.empty());
    for (const absl::Status& error : errors) {
      ASSERT_EQ(NamedOffset(error), place) << error;
    }
    ASSERT_EQ(NamedOffset((*table)->Verify()), place);
  }
}

TEST_P(TableDamageTest, EveryTruncationIsFound) {
  const std::string good =
      BuildTable(ExampleOptions(GetParam()), ExampleModel()).bytes;
  for (size_t n = 0; n < good.size(); ++n) {
    // The manifest knows better, or it does not.
    for (const size_t size : {good.size(), n}) {
      const auto table = OpenTable(good.substr(0, n), size);
      ASSERT_LE(NamedOffset(table.status()), n);
    }
  }
  NamedOffset(OpenTable(good + "x", good.size()).status());
  NamedOffset(OpenTable(good + "x", good.size() + 1).status());
}

TEST_P(TableDamageTest, TruncationUnderAnOpenTableIsFound) {
  // Method: the file that is read is shorter than the one that was opened.
  class ShrinkingFile final : public RandomAccessFile {
   public:
    ShrinkingFile(std::string bytes, const size_t* size)
        : bytes_(std::move(bytes)), size_(size) {}
    absl::Status Read(uint64_t offset, size_t n, char*,
                      std::string_view* result) const override {
      const size_t begin = std::min<size_t>(offset, *size_);
      *result =
          std::string_view(bytes_).substr(begin, std::min(n, *size_ - begin));
      return absl::OkStatus();
    }
    absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }

   private:
    const std::string bytes_;
    const size_t* const size_;
  };
  const TableModel model = ExampleModel();
  const std::string good = BuildTable(ExampleOptions(GetParam()), model).bytes;
  size_t size = good.size();
  const auto table = TableReader::Open(
      {}, std::make_unique<ShrinkingFile>(good, &size), kTestPath, kTestNumber,
      good.size(), kTestIdentity, nullptr);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(ReadEverything(model, **table).empty());
  for (size = 0; size < good.size(); size += 7) {
    for (const absl::Status& error : ReadEverything(model, **table)) {
      ASSERT_GE(NamedOffset(error), size);
    }
    EXPECT_TRUE(absl::IsDataLoss((*table)->Verify()));
  }
}

TEST_P(TableDamageTest, BlocksInEachOthersPlaceAreFound) {
  const TableModel model = ExampleModel();
  const std::string good = BuildTable(ExampleOptions(GetParam()), model).bytes;
  const Parts parts = TakeApart(good);
  std::vector<uint64_t> offsets(parts.offsets.begin(), parts.offsets.end());
  int swaps = 0;
  for (size_t a = 0; a < parts.data.size(); ++a) {
    for (size_t b = a + 1; b < parts.data.size(); ++b) {
      const size_t n = offsets[a + 1] - offsets[a];
      if (offsets[b + 1] - offsets[b] != n) continue;
      ++swaps;
      std::string bad = good;
      bad.replace(offsets[a], n, good, offsets[b], n);
      bad.replace(offsets[b], n, good, offsets[a], n);
      const auto table = OpenTable(bad, bad.size());
      ASSERT_TRUE(table.ok()) << table.status();
      EXPECT_FALSE(ReadEverything(model, **table).empty());
      EXPECT_EQ(NamedOffset((*table)->Verify()), offsets[a]);
    }
  }
  EXPECT_GT(swaps, 0);
}

TEST_P(TableDamageTest, BlocksOfAnotherTableAreFound) {
  // The other table has the same shape and other values.
  const TableModel model = ExampleModel();
  TableModel other_model = model;
  for (auto& [key, value] : other_model) {
    if (!value.empty()) value[0] = static_cast<char>(value[0] + 1);
  }
  const TableOptions options = ExampleOptions(GetParam());
  const std::string good = BuildTable(options, model).bytes;
  const std::string other =
      BuildTable(options, other_model, kTestNumber, kTestIdentity + 1).bytes;
  ASSERT_EQ(other.size(), good.size());
  const std::set<uint64_t> offsets = TakeApart(good).offsets;
  for (auto it = offsets.begin(); it != offsets.end(); ++it) {
    const uint64_t end =
        std::next(it) == offsets.end() ? good.size() : *std::next(it);
    std::string bad = good;
    bad.replace(*it, end - *it, other, *it, end - *it);
    const auto table = OpenTable(bad, bad.size());
    if (!table.ok()) {
      EXPECT_EQ(NamedOffset(table.status()), *it);
    } else {
      EXPECT_FALSE(ReadEverything(model, **table).empty());
      EXPECT_EQ(NamedOffset((*table)->Verify()), *it);
    }
  }
}

TEST_P(TableDamageTest, AnotherTableUnderTheNameIsFound) {
  const TableOptions options = ExampleOptions(GetParam());
  for (const BuiltTable& other :
       {BuildTable(options, ExampleModel(), kTestNumber + 1, kTestIdentity),
        BuildTable(options, ExampleModel(), kTestNumber, kTestIdentity + 1)}) {
    NamedOffset(OpenTable(other.bytes, other.bytes.size()).status());
  }
}

TEST_P(TableDamageTest, EachFailingReadIsReportedAndNothingElseChanges) {
  const TableModel model = ExampleModel();
  const std::string good = BuildTable(ExampleOptions(GetParam()), model).bytes;
  for (const bool for_ever : {false, true}) {
    for (int n = 0;; ++n) {
      FaultCounter faults;
      faults.fail_at = n;
      faults.for_ever = for_ever;
      const auto table = OpenTable(good, good.size(), nullptr, &faults);
      if (!table.ok()) {
        EXPECT_EQ(table.status(), faults.error);
        continue;
      }
      std::vector<absl::Status> errors = ReadEverything(model, **table);
      const absl::Status verified = (*table)->Verify();
      if (!verified.ok()) errors.push_back(verified);
      for (const absl::Status& error : errors) EXPECT_EQ(error, faults.error);
      if (faults.calls <= n) {
        EXPECT_TRUE(errors.empty());
        break;
      }
      if (!for_ever) {
        EXPECT_EQ(errors.size(), 1u);
      }
    }
  }
}

TEST(TableReadTest, UncheckedReadIsNotCachedForThoseWhoCheck) {
  const TableModel model = ExampleModel();
  std::string bytes =
      BuildTable(ExampleOptions(Compression::kNone), model).bytes;
  const size_t at = bytes.find("new value of 0");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'N';
  BlockCache cache(1 << 20);
  const auto table = OpenTable(bytes, bytes.size(), &cache);
  ASSERT_TRUE(table.ok());
  const auto unchecked =
      TableGet(**table, "key0", 20, {.verify_checksums = false});
  ASSERT_TRUE(unchecked.ok()) << unchecked.status();
  EXPECT_TRUE(absl::StrContains(*unchecked, "New value"));
  EXPECT_TRUE(absl::IsDataLoss(TableGet(**table, "key0", 20).status()));
}

// --- Good checksums, bad content ---------------------------------------------

class TableContentTest : public testing::Test {
 protected:
  void SetUp() override {
    built_ = BuildTable(ExampleOptions(Compression::kNone), ExampleModel());
    parts_ = TakeApart(built_.bytes);
  }

  // The status of opening the table, or else of verifying it.
  absl::Status Check() {
    const std::string bytes = PutTogether(parts_);
    opened_ = false;
    const auto table = OpenTable(bytes, bytes.size());
    if (!table.ok()) return table.status();
    opened_ = true;
    return (*table)->Verify();
  }
  void ExpectOpenRefuses(std::string_view why) {
    const absl::Status status = Check();
    EXPECT_FALSE(opened_) << why;
    NamedOffset(status);
    EXPECT_TRUE(absl::StrContains(status.message(), why)) << status;
  }
  void ExpectVerifyFinds(std::string_view why) {
    const absl::Status status = Check();
    EXPECT_TRUE(opened_) << why;
    NamedOffset(status);
    EXPECT_TRUE(absl::StrContains(status.message(), why)) << status;
  }

  BuiltTable built_;
  Parts parts_;
  bool opened_ = false;
};

TEST_F(TableContentTest, GoodTablePasses) {
  EXPECT_TRUE(Check().ok());
  parts_.filter.reset();
  EXPECT_TRUE(Check().ok());
}

TEST_F(TableContentTest, OpenRefusesHandlesThatDoNotTile) {
  const uint64_t deltas[] = {1, ~uint64_t{0}, uint64_t{1} << 63, 1000};
  for (const uint64_t delta : deltas) {
    for (size_t block = 0; block < parts_.data.size(); ++block) {
      for (const bool size : {false, true}) {
        parts_.change_handle = [&](size_t n, BlockHandle* handle) {
          if (n == block) (size ? handle->size : handle->offset) += delta;
        };
        ExpectOpenRefuses("index does not");
      }
    }
  }
}

TEST_F(TableContentTest, OpenRefusesABlockLargerThanAny) {
  // A file with a hole in it is as large as it likes.
  class FileWithAHole final : public RandomAccessFile {
   public:
    FileWithAHole(uint64_t hole, std::string tail)
        : hole_(hole), tail_(std::move(tail)) {}
    absl::Status Read(uint64_t offset, size_t n, char*,
                      std::string_view* result) const override {
      EXPECT_GE(offset, hole_);
      *result = std::string_view(tail_).substr(offset - hole_, n);
      return absl::OkStatus();
    }
    absl::StatusOr<uint64_t> Size() const override {
      return hole_ + tail_.size();
    }

   private:
    const uint64_t hole_;
    const std::string tail_;
  };
  for (const uint64_t more : {0, 1}) {
    const BlockHandle block = {.offset = 0, .size = kMaxBlockBytes + more};
    std::string handle;
    AppendBlockHandle(&handle, block);
    BlockBuilder index(1);
    index.Add(parts_.data.back().index_key, handle);
    TableFooter footer;
    footer.number = kTestNumber;
    footer.identity = kTestIdentity;
    footer.version = 1;
    std::string tail;
    const auto append = [&](std::string payload) {
      const BlockHandle at = {.offset = block.end() + tail.size(),
                              .size = payload.size()};
      AppendBlockTrailer(&payload, Compression::kNone, kTestIdentity,
                         at.offset);
      tail += payload;
      return at;
    };
    footer.index = append(index.Finish());
    parts_.properties.data_blocks = 1;
    footer.properties = append(EncodeTableProperties(parts_.properties));
    tail += EncodeTableFooter(footer, block.end() + tail.size());
    const uint64_t bytes = block.end() + tail.size();
    const absl::Status status =
        TableReader::Open({.tail_bytes = tail.size()},
                          std::make_unique<FileWithAHole>(block.end(), tail),
                          kTestPath, kTestNumber, bytes, kTestIdentity, nullptr)
            .status();
    if (more == 0) {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      EXPECT_EQ(NamedOffset(status), block.end());
      EXPECT_TRUE(absl::StrContains(status.message(), "larger than any"));
    }
  }
}

TEST_F(TableContentTest, ReadsRefuseBlocksThatTheIndexLeavesNoRoomFor) {
  // Walked as they are, entries would come out of order, and a search would
  // miss what is there.
  const Parts good = parts_;
  const auto expect_refused = [&](size_t block, std::string_view why) {
    const std::string bytes = PutTogether(parts_);
    const auto table = OpenTable(bytes, bytes.size());
    ASSERT_TRUE(table.ok()) << table.status();
    const auto errors = ReadEverything(ExampleModel(), **table);
    ASSERT_FALSE(errors.empty()) << why;
    const std::set<uint64_t> offsets = TakeApart(bytes).offsets;
    int named = 0;
    for (const absl::Status& error : errors) {
      named += NamedOffset(error) ==
                   *std::next(offsets.begin(), static_cast<ptrdiff_t>(block)) &&
               absl::StrContains(error.message(), why);
    }
    EXPECT_GT(named, 0) << why;
    parts_ = good;
  };
  std::swap(parts_.data[1].payload, parts_.data[2].payload);
  expect_refused(1, "above its index key");
  parts_.data[1].payload = parts_.data[0].payload;
  expect_refused(1, "at or below the index key");
  // The next block begins with the key that this one is said to end with.
  const auto next = *Block::Parse(parts_.data[1].payload, kTestPath, 0);
  Block::Iterator first(next.get());
  first.SeekToFirst();
  parts_.data[0].index_key = first.key();
  expect_refused(1, "at or below the index key");
}

TEST_F(TableContentTest, GetBelievesAnySeparatorThatIsInOrder) {
  // Method: the separator is just before the first key of the next block, of
  // the same user key; we write shorter ones, which have another.
  for (size_t i = 0; i + 1 < parts_.data.size(); ++i) {
    const auto next = *Block::Parse(parts_.data[i + 1].payload, kTestPath, 0);
    Block::Iterator first(next.get());
    first.SeekToFirst();
    parts_.data[i].index_key =
        Value(ExtractUserKey(first.key()), ExtractSequence(first.key()) + 1);
  }
  EXPECT_TRUE(Check().ok());
  const std::string bytes = PutTogether(parts_);
  const auto table = OpenTable(bytes, bytes.size());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(ReadEverything(ExampleModel(), **table).empty());
}

TEST_F(TableContentTest, OpenRefusesIndexWithoutABlock) {
  parts_.properties.data_blocks -= 1;
  ExpectOpenRefuses("index does not cover");
}

TEST_F(TableContentTest, OpenRefusesIndexOutOfOrder) {
  std::swap(parts_.data[0].index_key, parts_.data[1].index_key);
  ExpectOpenRefuses("out of order");
}

TEST_F(TableContentTest, OpenRefusesBadFilter) {
  parts_.filter->push_back('\1');
  ExpectOpenRefuses("filter");
}

TEST_F(TableContentTest, VerifyFindsBlocksOutOfOrder) {
  std::swap(parts_.data[1].payload, parts_.data[2].payload);
  ExpectVerifyFinds("above its index key");
}

TEST_F(TableContentTest, VerifyFindsRepeatedBlock) {
  parts_.data[1].payload = parts_.data[0].payload;
  ExpectVerifyFinds("out of order across blocks");
}

TEST_F(TableContentTest, VerifyFindsKeyBelowTheSeparatorBeforeIt) {
  // The index key of a block may lie anywhere up to the next block's first
  // key, but not beyond it.
  const auto next = *Block::Parse(parts_.data[1].payload, kTestPath, 0);
  Block::Iterator first(next.get());
  first.SeekToFirst();
  parts_.data[0].index_key = first.key();
  ExpectVerifyFinds("at or below the index key");
}

TEST_F(TableContentTest, VerifyFindsKeyMissingInTheFilter) {
  for (size_t i = 0; i + 5 < parts_.filter->size(); ++i) {
    (*parts_.filter)[i] = 0;
  }
  ExpectVerifyFinds("not in the filter");
}

TEST_F(TableContentTest, VerifyFindsWrongProperties) {
  const TableProperties good = parts_.properties;
  TableProperties& p = parts_.properties;
  p.entries += 1;
  ExpectVerifyFinds("entries of the properties");
  p = good;
  p.tombstones += 1;
  ExpectVerifyFinds("tombstones of");
  p = good;
  p.smallest = Value("a", 1);
  ExpectVerifyFinds("smallest key of");
  p = good;
  p.largest = Value("z", 1);
  ExpectVerifyFinds("largest key of");
  p = good;
  p.smallest_sequence -= 1;
  ExpectVerifyFinds("smallest sequence of");
  p = good;
  p.largest_sequence += 1;
  ExpectVerifyFinds("largest sequence of");
  p = good;
  p.raw_key_bytes += 1;
  ExpectVerifyFinds("raw key bytes of");
  p = good;
  p.raw_value_bytes += 1;
  ExpectVerifyFinds("raw value bytes of");
}

TEST_F(TableContentTest, BlockOfGarbageIsDataLossAtItsOffset) {
  parts_.data[1].payload = "garbage garbage garbage";
  const std::string bytes = PutTogether(parts_);
  const auto table = OpenTable(bytes, bytes.size());
  ASSERT_TRUE(table.ok()) << table.status();
  const auto errors = ReadEverything(ExampleModel(), **table);
  EXPECT_FALSE(errors.empty());
  const auto offset = *std::next(TakeApart(bytes).offsets.begin());
  for (const absl::Status& error : errors) {
    EXPECT_EQ(NamedOffset(error), offset);
  }
}

}  // namespace
}  // namespace holdfast
