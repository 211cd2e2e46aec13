#include "engine/compaction/table_sink.h"

#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"

namespace holdfast {

uint64_t TableIdentity(uint64_t identity_seed, uint64_t number) {
  return MixContext(identity_seed, number);
}

TableSink::TableSink(TableSinkOptions options) : options_(std::move(options)) {}

TableSink::~TableSink() {
  if (finished_ || HF_MUTANT("table_sink.failed_tables_removed")) return;
  HF_SOMETIMES(!paths_.empty(), "tables of a failed job are removed");
  if (builder_ != nullptr) builder_->Abandon();
  // Nothing names them. One that stays is obsolete and goes later.
  for (const std::string& path : paths_) {
    options_.file_system->RemoveFile(path).IgnoreError();
  }
}

bool TableSink::ShouldCut(std::string_view user_key) {
  const FileList& grandparents = options_.grandparents;
  const size_t before = grandparent_;
  while (grandparent_ < grandparents.size() &&
         grandparents[grandparent_]->largest_user_key() < user_key) {
    overlapped_bytes_ += grandparents[grandparent_]->bytes;
    ++grandparent_;
  }
  if (builder_ == nullptr) {
    overlapped_bytes_ = 0;  // What lies before the table's first key.
    return false;
  }
  // Where one of them ends, so that a merge of this table into their level need
  // not write one anew for a few of its keys.
  const bool at_boundary = grandparent_ > before;
  return builder_->bytes() >= options_.table_bytes ||
         (at_boundary && builder_->bytes() >= options_.table_bytes / 2) ||
         overlapped_bytes_ > options_.max_grandparent_bytes;
}

absl::Status TableSink::Add(std::string_view internal_key,
                            std::string_view value) {
  const std::string_view user_key = ExtractUserKey(internal_key);
  // Invariant (1): between versions of one user key nothing is cut.
  if (ShouldCut(user_key) &&
      (user_key != ExtractUserKey(builder_->last_key()) ||
       HF_MUTANT("table_sink.versions_stay_together"))) {
    HF_RETURN_IF_ERROR(EndTable());
    overlapped_bytes_ = 0;
  }
  if (builder_ == nullptr) {
    HF_RETURN_IF_ERROR(BeginTable());
  }
  return builder_->Add(internal_key, value);
}

absl::Status TableSink::BeginTable() {
  const uint64_t number = options_.new_file_number();  // Invariant (2).
  std::string path = TableFileName(options_.dir, number);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                      options_.file_system->CreateFile(path));
  paths_.push_back(path);
  builder_ = std::make_unique<TableBuilder>(
      options_.table, std::move(file), std::move(path), number,
      TableIdentity(options_.identity_seed, number), options_.block_cache);
  return absl::OkStatus();
}

absl::Status TableSink::EndTable() {
  HF_ASSIGN_OR_RETURN(TableSummary made, builder_->Finish());
  builder_.reset();
  tables_.push_back(TableRecord{.level = options_.level,
                                .number = made.number,
                                .bytes = made.bytes,
                                .identity = made.identity,
                                .entries = made.entries,
                                .tombstones = made.tombstones,
                                .smallest = std::move(made.smallest),
                                .largest = std::move(made.largest),
                                .smallest_sequence = made.smallest_sequence,
                                .largest_sequence = made.largest_sequence});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TableRecord>> TableSink::Finish() {
  HF_CHECK(!finished_);
  if (builder_ != nullptr) {
    HF_RETURN_IF_ERROR(EndTable());
  }
  if (!tables_.empty()) {
    HF_RETURN_IF_ERROR(
        HF_STEP("table_sink.name_sync",
                options_.file_system->SyncDirectory(options_.dir)));
  }
  finished_ = true;
  return std::move(tables_);
}

}  // namespace holdfast
