#include "engine/table/table_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/format_version.h"
#include "engine/format/key_step.h"

namespace holdfast {
namespace {

// Blocks are gathered to writes of this size.
constexpr size_t kWriteBytes = size_t{512} << 10;
// A compression buffer larger than this is given back after its block.
constexpr size_t kMaxKeptBytes = size_t{8} << 20;
// Restart offsets of the index are 32 bits wide; room for its last entry.
constexpr uint64_t kMaxIndexBytes = UINT32_MAX - (uint64_t{1} << 20);

}  // namespace

TableBuilder::TableBuilder(const TableOptions& options,
                           std::unique_ptr<WritableFile> file, std::string path,
                           uint64_t number, uint64_t identity,
                           BlockCache* cache)
    : options_(options),
      path_(std::move(path)),
      number_(number),
      identity_(identity),
      cache_(cache),
      file_(std::move(file)),
      data_(options.block_restart_interval),
      index_(/*restart_interval=*/1),
      compressor_(options.compression) {
  HF_CHECK(options.bloom_bits_per_key >= 0);
  if (options.bloom_bits_per_key > 0) {
    filter_.emplace(options.bloom_bits_per_key);
  }
  properties_.compression = options.compression;
  properties_.bloom_bits_per_key =
      static_cast<uint32_t>(options.bloom_bits_per_key);
}

absl::Status TableBuilder::Add(std::string_view internal_key,
                               std::string_view value) {
  if (!status_.ok()) return status_;
  HF_CHECK(file_ != nullptr);
  ParsedInternalKey parsed;
  HF_CHECK(ParseInternalKey(internal_key, &parsed));
  TableProperties& p = properties_;
  const bool first = p.entries == 0;
  KeyStep step;
  if (!first) {
    step = StepBetween(last_key(), internal_key);
    HF_CHECK(step.order < 0);
  }

  // An entry that does not fit begins a block of its own, so that no block is
  // much larger than it should be but for one huge value.
  if (!data_.empty() &&
      data_.BytesWith(internal_key, value) > options_.block_bytes) {
    HF_RETURN_IF_ERROR(FlushDataBlock());
  }
  if (pending_) {
    const std::string separator = ShortestSeparator(last_key(), internal_key);
    std::string handle;
    AppendBlockHandle(&handle, pending_handle_);
    if (index_.bytes() + separator.size() > kMaxIndexBytes) {
      return Track(absl::ResourceExhaustedError(
          absl::StrCat(path_, ": the index of the table is full")));
    }
    index_.Add(separator, handle);
    pending_ = false;
  }
  if (filter_.has_value() && !step.same_user_key) {
    filter_->AddHash(HashKey(parsed.user_key));
  }
  data_.Add(internal_key, value, step.shared);

  if (first) {
    p.smallest = internal_key;
    p.smallest_sequence = p.largest_sequence = parsed.sequence;
  }
  p.smallest_sequence = std::min(p.smallest_sequence, parsed.sequence);
  p.largest_sequence = std::max(p.largest_sequence, parsed.sequence);
  ++p.entries;
  if (parsed.type == ValueType::kDeletion) ++p.tombstones;
  p.raw_key_bytes += internal_key.size();
  p.raw_value_bytes += value.size();
  return absl::OkStatus();
}

absl::StatusOr<TableSummary> TableBuilder::Finish() {
  if (!status_.ok()) return status_;
  HF_CHECK(file_ != nullptr);
  HF_CHECK(properties_.entries > 0);
  HF_RETURN_IF_ERROR(WriteTail());
  HF_RETURN_IF_ERROR(Track(HF_STEP("table_builder.sync", file_->Sync())));
  HF_RETURN_IF_ERROR(Track(file_->Close()));
  file_.reset();
  return TableSummary{.number = number_,
                      .identity = identity_,
                      .bytes = offset_,
                      .smallest = properties_.smallest,
                      .largest = properties_.largest,
                      .smallest_sequence = properties_.smallest_sequence,
                      .largest_sequence = properties_.largest_sequence,
                      .entries = properties_.entries,
                      .tombstones = properties_.tombstones};
}

void TableBuilder::Abandon() { file_.reset(); }

uint64_t TableBuilder::bytes() const {
  const size_t filter_bytes = filter_.has_value() ? filter_->bytes() : 0;
  // The properties are the two outermost keys and some numbers; the index gets
  // an entry for the last block; then there are trailers and a footer.
  return offset_ + data_.bytes() + index_.bytes() + filter_bytes +
         properties_.smallest.size() + 2 * last_key().size() + 320;
}

absl::Status TableBuilder::FlushDataBlock() {
  HF_CHECK(!pending_);
  std::string& payload = data_.Finish();
  HF_RETURN_IF_ERROR(LeaveInCache(payload));
  absl::StatusOr<BlockHandle> handle = WriteBlock(&payload, /*compress=*/true);
  if (!handle.ok()) return handle.status();
  data_.Reset();
  pending_handle_ = *handle;
  pending_ = true;
  ++properties_.data_blocks;
  return absl::OkStatus();
}

absl::Status TableBuilder::LeaveInCache(std::string_view payload) {
  if (cache_ == nullptr) return absl::OkStatus();
  const CacheKey key = BlockCacheKey(identity_, properties_.data_blocks);
  if (!cache_->HasRoomFor(key, payload.size())) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<const Block>> block =
      Block::Parse(payload, path_, offset_, cache_->memory());
  // Were it none, nobody could read it from the file either.
  if (!block.ok()) return Track(block.status());
  const size_t charge = (*block)->memory_bytes();
  cache_->Insert(key, *std::move(block), charge);
  return absl::OkStatus();
}

absl::StatusOr<BlockHandle> TableBuilder::WriteBlock(std::string* payload,
                                                     bool compress) {
  std::string* block = payload;
  Compression type = Compression::kNone;
  if (compress && compressor_.Compress(*payload, &compressed_)) {
    block = &compressed_;
    type = options_.compression;
  }
  const BlockHandle handle = {.offset = offset_, .size = block->size()};
  AppendBlockTrailer(block, type, identity_, offset_);
  HF_RETURN_IF_ERROR(Append(*block));
  if (compressed_.capacity() > kMaxKeptBytes) std::string().swap(compressed_);
  return handle;
}

absl::Status TableBuilder::WriteTail() {
  HF_RETURN_IF_ERROR(FlushDataBlock());
  std::string handle;
  AppendBlockHandle(&handle, pending_handle_);
  properties_.largest = last_key();
  index_.Add(ShortSuccessor(properties_.largest), handle);

  TableFooter footer;
  footer.number = number_;
  footer.identity = identity_;
  footer.version = kFormatVersion;
  if (filter_.has_value()) {
    std::string payload = filter_->Finish();
    HF_ASSIGN_OR_RETURN(footer.filter, WriteBlock(&payload, false));
  }
  HF_ASSIGN_OR_RETURN(footer.index, WriteBlock(&index_.Finish(), false));
  std::string properties = EncodeTableProperties(properties_);
  HF_ASSIGN_OR_RETURN(footer.properties, WriteBlock(&properties, false));
  HF_RETURN_IF_ERROR(Append(EncodeTableFooter(footer, offset_)));
  return FlushBuffer();
}

absl::Status TableBuilder::Append(std::string_view bytes) {
  if (bytes.size() >= kWriteBytes) {
    // Too large to be worth a copy.
    HF_RETURN_IF_ERROR(FlushBuffer());
    HF_RETURN_IF_ERROR(Track(file_->Write(offset_, bytes)));
    offset_ += bytes.size();
    return absl::OkStatus();
  }
  buffer_.append(bytes);
  offset_ += bytes.size();
  return buffer_.size() >= kWriteBytes ? FlushBuffer() : absl::OkStatus();
}

absl::Status TableBuilder::FlushBuffer() {
  if (buffer_.empty()) return absl::OkStatus();
  HF_RETURN_IF_ERROR(Track(file_->Write(offset_ - buffer_.size(), buffer_)));
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status TableBuilder::Track(const absl::Status& status) {
  if (status_.ok()) status_ = status;
  return status;
}

}  // namespace holdfast
