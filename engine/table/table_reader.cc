#include "engine/table/table_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/table/compression.h"

namespace holdfast {
namespace {

// An index entry. REQUIRES: the index was checked when it was read.
BlockHandle HandleIn(std::string_view index_value) {
  BlockHandle handle;
  Decoder in(index_value);
  HF_CHECK(ReadBlockHandle(&in, &handle));
  return handle;
}

// Sums up the entries of a table as they come, in order, for Verify.
class Census {
 public:
  // RETURNS what is wrong with the entry, or nullptr.
  const char* Add(std::string_view key, std::string_view value,
                  const Filter* filter) {
    ParsedInternalKey parsed;
    if (!ParseInternalKey(key, &parsed)) return "bad internal key";
    if (found_.entries > 0 && CompareInternalKeys(found_.largest, key) >= 0) {
      return "keys out of order across blocks";
    }
    if (filter != nullptr && !filter->MayContain(HashKey(parsed.user_key))) {
      return "key is not in the filter";
    }
    if (found_.entries == 0) {
      found_.smallest = key;
      found_.smallest_sequence = found_.largest_sequence = parsed.sequence;
    }
    found_.largest = key;
    found_.smallest_sequence =
        std::min(found_.smallest_sequence, parsed.sequence);
    found_.largest_sequence =
        std::max(found_.largest_sequence, parsed.sequence);
    ++found_.entries;
    found_.tombstones += parsed.type == ValueType::kDeletion;
    found_.raw_key_bytes += key.size();
    found_.raw_value_bytes += value.size();
    return nullptr;
  }

  // The first property that is not what was found; nullptr when all are.
  const char* FindDifference(const TableProperties& said) const {
    if (said.entries != found_.entries) return "entries";
    if (said.tombstones != found_.tombstones) return "tombstones";
    if (said.smallest != found_.smallest) return "smallest key";
    if (said.largest != found_.largest) return "largest key";
    if (said.smallest_sequence != found_.smallest_sequence) {
      return "smallest sequence";
    }
    if (said.largest_sequence != found_.largest_sequence) {
      return "largest sequence";
    }
    if (said.raw_key_bytes != found_.raw_key_bytes) return "raw key bytes";
    if (said.raw_value_bytes != found_.raw_value_bytes) {
      return "raw value bytes";
    }
    return nullptr;
  }

  const std::string& last_key() const { return found_.largest; }

 private:
  TableProperties found_;
};

}  // namespace

// Walks the index, and the data block that the index stands on.
//
// Invariants: (1) when data_ is Valid, index_ stands on its block. (2) data_ is
// not Valid after an error. (3) We stand where data_ stands.
class TableReader::Iterator final : public InternalIterator {
 public:
  Iterator(const TableReader* table, const BlockReadOptions& options)
      : table_(table), options_(options), index_(table->tail_.index.get()) {}

  bool SeekToFirst() override {
    index_.SeekToFirst();
    if (LoadBlock()) data_.SeekToFirst();
    return StandWhere(data_);
  }

  bool SeekToLast() override {
    index_.SeekToLast();
    if (LoadBlock()) data_.SeekToLast();
    return StandWhere(data_);
  }

  bool Seek(std::string_view target) override {
    index_.Seek(target);
    if (LoadBlock()) {
      data_.Seek(target);
      // The target may lie between the last key of this block and its
      // separator.
      if (!data_.Valid()) NextBlock();
    }
    return StandWhere(data_);
  }

  bool Next() override {
    HF_DCHECK(Valid());
    data_.Next();
    if (!data_.Valid()) [[unlikely]]
      NextBlock();
    return StandWhere(data_);
  }

  bool Prev() override {
    HF_DCHECK(Valid());
    data_.Prev();
    if (!data_.Valid()) [[unlikely]] {
      index_.Prev();
      if (LoadBlock()) data_.SeekToLast();
    }
    return StandWhere(data_);
  }

  absl::Status status() const override { return status_; }

 private:
  // Makes data_ stand before the block of index_. RETURNS false, with data_ not
  // Valid, at the end of the index or after an error.
  bool LoadBlock() {
    status_ = absl::OkStatus();
    if (!index_.Valid()) {
      data_.Reset(nullptr);
      return false;
    }
    const BlockHandle handle = HandleIn(index_.value());
    if (block_ == nullptr || handle != handle_) {
      data_.Reset(nullptr);
      previous_block_ = std::move(block_);
      absl::StatusOr<std::shared_ptr<const Block>> block =
          table_->GetBlock(options_, handle, index_.key());
      if (!block.ok()) {
        block_ = nullptr;
        if (!HF_MUTANT("table_reader.bad_block_is_an_error")) {
          status_ = block.status();
        }
        return false;
      }
      block_ = *std::move(block);
      handle_ = handle;
    }
    data_.Reset(block_.get());
    return true;
  }

  void NextBlock() {
    index_.Next();
    if (LoadBlock()) data_.SeekToFirst();  // No block is empty.
  }

  const TableReader* const table_;
  const BlockReadOptions options_;
  Block::Iterator index_;
  std::shared_ptr<const Block> block_;
  BlockHandle handle_;  // Of block_.
  // The one before, whose value may still be looked at.
  std::shared_ptr<const Block> previous_block_;
  Block::Iterator data_;
  absl::Status status_;
};

TableReader::TableReader(Private, std::unique_ptr<RandomAccessFile> file,
                         std::string path, uint64_t number, uint64_t bytes,
                         uint64_t identity, BlockCache* cache)
    : file_(std::move(file)),
      path_(std::move(path)),
      number_(number),
      bytes_(bytes),
      identity_(identity),
      cache_(cache) {}

absl::StatusOr<std::shared_ptr<const TableReader>> TableReader::Open(
    const TableReadOptions& options, std::unique_ptr<RandomAccessFile> file,
    std::string path, uint64_t number, uint64_t bytes, uint64_t identity,
    BlockCache* cache) {
  auto reader =
      std::make_shared<TableReader>(Private(), std::move(file), std::move(path),
                                    number, bytes, identity, cache);
  HF_ASSIGN_OR_RETURN(reader->tail_, reader->ReadTail(options.tail_bytes));
  return reader;
}

absl::StatusOr<TableReader::Tail> TableReader::ReadTail(
    size_t tail_bytes) const {
  HF_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (size != bytes_ && !HF_MUTANT("table_reader.size")) {
    return DataLoss(path_, std::min(size, bytes_),
                    absl::StrCat("file has ", size, " bytes, not ", bytes_));
  }
  // Read the end of the file, and what is missing of the tail before it once
  // the footer tells where it begins.
  const size_t n = static_cast<size_t>(
      std::min<uint64_t>(bytes_, std::max(tail_bytes, kFooterBytes)));
  uint64_t begin = bytes_ - n;
  auto buffer = std::make_unique_for_overwrite<char[]>(n);
  HF_RETURN_IF_ERROR(ReadExactly(begin, n, buffer.get()));
  Tail tail;
  HF_ASSIGN_OR_RETURN(
      tail.footer,
      DecodeTableFooter(path_, bytes_, std::string_view(buffer.get(), n)));
  HF_RETURN_IF_ERROR(
      CheckTableIdentity(path_, bytes_, tail.footer, number_, identity_));
  const uint64_t wanted = tail.footer.data_end();
  if (wanted < begin) {
    const size_t missing = static_cast<size_t>(begin - wanted);
    auto larger = std::make_unique_for_overwrite<char[]>(missing + n);
    HF_RETURN_IF_ERROR(ReadExactly(wanted, missing, larger.get()));
    std::memcpy(larger.get() + missing, buffer.get(), n);
    buffer = std::move(larger);
    begin = wanted;
  }

  // The footer tiles the file: all handles lie in [begin, bytes_).
  const auto payload_of =
      [&](const BlockHandle& handle) -> absl::StatusOr<std::string_view> {
    const std::string_view block(buffer.get() + (handle.offset - begin),
                                 handle.size + kBlockTrailerBytes);
    Compression type;
    HF_RETURN_IF_ERROR(CheckBlockTrailer(path_, identity_, handle.offset, block,
                                         /*verify_checksum=*/true, &type));
    if (type != Compression::kNone) {
      return DataLoss(path_, handle.offset, "compressed block in the tail");
    }
    return block.substr(0, handle.size);
  };
  const BlockHandle& at = tail.footer.properties;
  HF_ASSIGN_OR_RETURN(std::string_view payload, payload_of(at));
  HF_ASSIGN_OR_RETURN(tail.properties,
                      DecodeTableProperties(path_, at.offset, payload));
  HF_ASSIGN_OR_RETURN(payload, payload_of(tail.footer.index));
  HF_ASSIGN_OR_RETURN(tail.index,
                      Block::Parse(payload, path_, tail.footer.index.offset));
  if (tail.footer.has_filter()) {
    HF_ASSIGN_OR_RETURN(payload, payload_of(tail.footer.filter));
    HF_ASSIGN_OR_RETURN(
        tail.filter, Filter::Parse(payload, path_, tail.footer.filter.offset));
  }
  HF_RETURN_IF_ERROR(HF_STEP("table_reader.index_covers", CheckIndex(tail)));
  return tail;
}

absl::Status TableReader::CheckIndex(const Tail& tail) const {
  const uint64_t offset = tail.footer.index.offset;
  const uint64_t data_end = tail.footer.data_end();
  uint64_t end = 0;
  Block::Iterator it(tail.index.get());
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    BlockHandle handle;
    Decoder in(it.value());
    const bool adjacent = ReadBlockHandle(&in, &handle) && in.done() &&
                          handle.offset == end &&
                          data_end - end >= kBlockTrailerBytes &&
                          data_end - end - kBlockTrailerBytes >= handle.size;
    if (!adjacent) {
      return DataLoss(path_, offset, "index does not follow the data blocks");
    }
    // Whoever reads a block takes memory for all of it.
    if (handle.size > kMaxBlockBytes) {
      return DataLoss(path_, offset, "index names a block larger than any");
    }
    end = handle.end();
  }
  if (end != data_end || tail.index->entries() != tail.properties.data_blocks) {
    return DataLoss(path_, offset, "index does not cover the data blocks");
  }
  return absl::OkStatus();
}

absl::Status TableReader::ReadExactly(uint64_t offset, size_t n,
                                      char* data) const {
  std::string_view result;
  HF_RETURN_IF_ERROR(file_->Read(offset, n, data, &result));
  if (result.size() != n && !HF_MUTANT("table_reader.short_read")) {
    return DataLoss(path_, offset + result.size(), "file ends too early");
  }
  if (result.data() != data) std::memcpy(data, result.data(), n);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::GetBlock(
    const BlockReadOptions& options, const BlockHandle& handle,
    std::string_view index_key) const {
  // The identity is unlike the number in not repeating in another database.
  const CacheKey key = {
      .file = HF_MUTANT("table_reader.cache_by_identity") ? 0 : identity_,
      .offset = handle.offset};
  if (cache_ != nullptr) {
    std::shared_ptr<const Block> block = cache_->Lookup(key);
    if (block != nullptr) return block;
  }
  HF_ASSIGN_OR_RETURN(std::shared_ptr<const Block> block,
                      ReadBlock(options.verify_checksums, handle));
  HF_RETURN_IF_ERROR(HF_STEP("table_reader.block_within_index_keys",
                             CheckKeys(*block, handle, index_key)));
  // What was not verified must not serve those who ask for it.
  if (cache_ == nullptr || !options.fill_cache ||
      (!options.verify_checksums &&
       !HF_MUTANT("table_reader.unverified_is_not_cached"))) {
    return block;
  }
  const size_t charge = block->memory_bytes();
  return cache_->Insert(key, std::move(block), charge);
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ReadBlock(
    bool verify_checksum, const BlockHandle& handle) const {
  const size_t n = handle.size + kBlockTrailerBytes;
  auto data = std::make_unique_for_overwrite<char[]>(n);
  HF_RETURN_IF_ERROR(ReadExactly(handle.offset, n, data.get()));
  Compression type;
  HF_RETURN_IF_ERROR(CheckBlockTrailer(path_, identity_, handle.offset,
                                       std::string_view(data.get(), n),
                                       verify_checksum, &type));
  if (type == Compression::kNone) {
    return Block::Parse(std::move(data), handle.size, path_, handle.offset);
  }
  HF_ASSIGN_OR_RETURN(
      RawBlock raw,
      DecompressBlock(type, std::string_view(data.get(), handle.size),
                      kMaxBlockBytes, path_, handle.offset));
  return Block::Parse(std::move(raw.data), raw.size, path_, handle.offset);
}

absl::Status TableReader::CheckKeys(const Block& block,
                                    const BlockHandle& handle,
                                    std::string_view index_key) const {
  Block::Iterator entry(&block);
  entry.SeekToLast();
  if (CompareInternalKeys(entry.key(), index_key) > 0) {
    return DataLoss(path_, handle.offset, "key above its index key");
  }
  Block::Iterator before(tail_.index.get());
  before.Seek(index_key);
  before.Prev();
  if (!before.Valid()) return absl::OkStatus();
  entry.SeekToFirst();
  if (CompareInternalKeys(before.key(), entry.key()) >= 0) {
    return DataLoss(path_, handle.offset,
                    "key at or below the index key of the block before");
  }
  return absl::OkStatus();
}

absl::Status TableReader::Get(const BlockReadOptions& options,
                              const LookupKey& key, uint64_t key_hash,
                              TableLookup* result) const {
  *result = TableLookup();
  if (tail_.filter.has_value() && !tail_.filter->MayContain(key_hash)) {
    result->filter_skipped = true;
    return absl::OkStatus();
  }
  Block::Iterator index(tail_.index.get());
  index.Seek(key.internal_key());
  std::shared_ptr<const Block> block;
  Block::Iterator entry;
  while (true) {
    if (!index.Valid()) return absl::OkStatus();
    HF_ASSIGN_OR_RETURN(
        block, GetBlock(options, HandleIn(index.value()), index.key()));
    entry.Reset(block.get());
    entry.Seek(key.internal_key());
    if (entry.Valid()) break;
    // One block is enough: as none of its entries is at or after the lookup
    // key, that lies between the last key and the separator, so the separator
    // was made for a next block that begins with another user key. A separator
    // of this very user key is none that we write, but may be in order all the
    // same: then the next block tells.
    if (ExtractUserKey(index.key()) != key.user_key()) return absl::OkStatus();
    index.Next();
  }
  ParsedInternalKey found;
  HF_CHECK(ParseInternalKey(entry.key(), &found));  // Block checked it.
  if (found.user_key != key.user_key()) return absl::OkStatus();
  result->kind = found.type == ValueType::kValue ? TableLookup::kValue
                                                 : TableLookup::kDeletion;
  result->value = entry.value();
  result->sequence = found.sequence;
  result->pin = std::move(block);
  return absl::OkStatus();
}

void TableReader::PrefetchFilter(uint64_t key_hash) const {
  if (tail_.filter.has_value()) tail_.filter->Prefetch(key_hash);
}

std::unique_ptr<InternalIterator> TableReader::NewIterator(
    const BlockReadOptions& options) const {
  return std::make_unique<Iterator>(this, options);
}

absl::Status TableReader::Verify() const {
  HF_ASSIGN_OR_RETURN(const Tail tail, ReadTail(TableReadOptions().tail_bytes));
  const Filter* filter = tail.filter.has_value() ? &*tail.filter : nullptr;
  Census census;
  std::string previous_separator;
  Block::Iterator index(tail.index.get());
  for (index.SeekToFirst(); index.Valid(); index.Next()) {
    const BlockHandle handle = HandleIn(index.value());
    HF_ASSIGN_OR_RETURN(const std::shared_ptr<const Block> block,
                        ReadBlock(/*verify_checksum=*/true, handle));
    Block::Iterator entry(block.get());
    for (entry.SeekToFirst(); entry.Valid(); entry.Next()) {
      const char* why = census.Add(entry.key(), entry.value(), filter);
      if (why == nullptr && !previous_separator.empty() &&
          CompareInternalKeys(previous_separator, entry.key()) >= 0) {
        why = "key at or below the index key of the block before";
      }
      if (why != nullptr) return DataLoss(path_, handle.offset, why);
    }
    if (CompareInternalKeys(census.last_key(), index.key()) > 0) {
      return DataLoss(path_, handle.offset, "key above its index key");
    }
    previous_separator = index.key();
  }
  const char* difference = census.FindDifference(tail.properties);
  if (difference != nullptr) {
    return DataLoss(path_, tail.footer.properties.offset,
                    absl::StrCat(difference, " of the properties is wrong"));
  }
  return absl::OkStatus();
}

size_t TableReader::memory_bytes() const {
  return sizeof(*this) + tail_.index->memory_bytes() +
         (tail_.filter.has_value() ? tail_.filter->memory_bytes() : 0) +
         tail_.properties.smallest.size() + tail_.properties.largest.size();
}

}  // namespace holdfast
