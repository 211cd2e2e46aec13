#include "engine/db/wal_chain.h"

#include <utility>

#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"
#include "engine/format/log_frame.h"

namespace holdfast {

absl::StatusOr<std::unique_ptr<LogWriter>> WalChain::CreateAt(
    const std::string& path, uint64_t number, SequenceNumber next_sequence,
    const Before& before, bool* names_in_doubt) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                      file_system_.CreateFile(path));
  const LogIdentity identity{db_id_, LogKind::kWal, number};
  auto log = std::make_unique<LogWriter>(std::move(file), path, identity);
  LogHeader header;
  header.version = kFormatVersion;
  header.kind = LogKind::kWal;
  header.db_id = db_id_;
  header.number = number;
  header.previous_number = before.number;
  header.previous_bytes = before.bytes;
  if (HF_MUTANT("wal_chain.header_proves_bytes")) header.previous_bytes = 0;
  header.first_sequence = next_sequence;
  HF_RETURN_IF_ERROR(log->AddHeader(header));
  // Invariant (1): content, then name.
  HF_RETURN_IF_ERROR(HF_STEP("wal_chain.header_sync", log->Sync()));
  *names_in_doubt = true;
  HF_RETURN_IF_ERROR(
      HF_STEP("wal_chain.name_sync", file_system_.SyncDirectory(dir_)));
  *names_in_doubt = false;
  return log;
}

absl::StatusOr<std::unique_ptr<LogWriter>> WalChain::Create(
    uint64_t number, SequenceNumber next_sequence, const Before& before,
    bool* names_in_doubt) {
  const std::string path = WalFileName(dir_, number);
  *names_in_doubt = false;
  absl::StatusOr<std::unique_ptr<LogWriter>> log =
      CreateAt(path, number, next_sequence, before, names_in_doubt);
  if (!log.ok() && !absl::IsAlreadyExists(log.status()) &&
      !HF_MUTANT("wal_chain.failed_log_removed")) {
    HF_SOMETIMES(true, "a log could not be made and is removed");
    // Best effort: nobody names the file, and recovery removes it too.
    file_system_.RemoveFile(path).IgnoreError();
  }
  return log;
}

WalChain::Before WalChain::BeforeNext() const {
  return {.number = current_number_,
          .bytes = current_ == nullptr ? 0 : current_->synced_bytes()};
}

void WalChain::Use(std::unique_ptr<LogWriter> log, uint64_t number) {
  std::unique_ptr<LogWriter> unused;
  {
    MutexLock lock(&mu_);
    current_.swap(log);  // The old one is closed without the mutex.
    current_number_ = number;
    unused = std::move(ahead_);  // It follows the one before.
  }
  Remove(std::move(unused));
}

absl::Status WalChain::Begin(uint64_t number, SequenceNumber next_sequence) {
  bool names_in_doubt;  // As the whole of it.
  HF_ASSIGN_OR_RETURN(
      std::unique_ptr<LogWriter> log,
      Create(number, next_sequence, BeforeNext(), &names_in_doubt));
  Use(std::move(log), number);
  sync_failed_ = false;
  next_.reset();
  return absl::OkStatus();
}

absl::Status WalChain::PrepareNext(uint64_t follows, uint64_t number,
                                   SequenceNumber next_sequence,
                                   bool* names_in_doubt) {
  *names_in_doubt = false;
  Before before;
  {
    MutexLock lock(&mu_);
    if (ahead_ != nullptr) return absl::OkStatus();
    // Then `number` may be below that of the current log, and a chain that goes
    // back is damage.
    if (current_number_ != follows &&
        !HF_MUTANT("wal_chain.ahead_comes_in_time")) {
      return absl::OkStatus();
    }
    before = BeforeNext();
  }
  HF_ASSIGN_OR_RETURN(std::unique_ptr<LogWriter> log,
                      Create(number, next_sequence, before, names_in_doubt));
  {
    MutexLock lock(&mu_);
    if (current_number_ == before.number ||
        HF_MUTANT("wal_chain.ahead_follows_current")) {
      HF_SOMETIMES(true, "a log is made ahead");
      ahead_ = std::move(log);
      ahead_number_ = number;
      ahead_proves_bytes_ = before.bytes;
      return absl::OkStatus();
    }
  }
  HF_SOMETIMES(true, "a log made ahead comes too late");
  Remove(std::move(log));
  return absl::OkStatus();
}

void WalChain::TakeAhead(Next next) {
  MutexLock lock(&mu_);
  if (ahead_ == nullptr) return;
  if (next == Next::kProvesAll && ahead_proves_bytes_ < current_->bytes() &&
      !HF_MUTANT("wal_chain.ahead_proves_all")) {
    return;
  }
  HF_SOMETIMES(true, "a rotation takes the log made ahead");
  next_ = std::move(ahead_);
  next_number_ = ahead_number_;
  next_follows_bytes_ = current_->bytes();
}

void WalChain::RemoveAhead() {
  std::unique_ptr<LogWriter> unused;
  {
    MutexLock lock(&mu_);
    unused = std::move(ahead_);
  }
  Remove(std::move(unused));
}

void WalChain::Remove(std::unique_ptr<LogWriter> ahead) {
  if (ahead == nullptr || HF_MUTANT("wal_chain.unused_ahead_removed")) return;
  HF_SOMETIMES(true, "a log made ahead is not used");
  // Best effort, and safe: no seal names it.
  file_system_.RemoveFile(ahead->path()).IgnoreError();
}

absl::Status WalChain::CreateNext(uint64_t number,
                                  SequenceNumber next_sequence) {
  // First, so that the new log's header can tell how long this one must be.
  HF_RETURN_IF_ERROR(HF_STEP("wal_chain.sync_before_next", SyncCurrent()));
  bool names_in_doubt;  // As the whole of it.
  HF_ASSIGN_OR_RETURN(
      std::unique_ptr<LogWriter> next,
      Create(number, next_sequence, BeforeNext(), &names_in_doubt));
  if (next_ != nullptr && !HF_MUTANT("wal_chain.replaced_next_removed")) {
    // Best effort, and safe: what a failed seal may have left on disk was
    // overwritten, and that is durable now.
    file_system_.RemoveFile(next_->path()).IgnoreError();
  }
  next_ = std::move(next);
  next_number_ = number;
  next_follows_bytes_ = current_->bytes();
  return absl::OkStatus();
}

absl::Status WalChain::Rotate(uint64_t number, SequenceNumber next_sequence,
                              Next next) {
  const bool seal_failed = next_ != nullptr;
  if (!seal_failed) TakeAhead(next);
  // Also when the current log has grown since the next one was made.
  const bool outgrown = next_ != nullptr &&
                        current_->bytes() > next_follows_bytes_ &&
                        !HF_MUTANT("wal_chain.outgrown_next_is_replaced");
  HF_SOMETIMES(outgrown, "a log grew after its seal had failed");
  HF_SOMETIMES(seal_failed && !outgrown,
               "the next log of a failed seal is used");
  if (next_ == nullptr || outgrown || HF_MUTANT("wal_chain.next_is_kept")) {
    HF_RETURN_IF_ERROR(CreateNext(number, next_sequence));
  }
  // Invariant (2): the old log is whole on disk before the new one is used.
  HF_RETURN_IF_ERROR(
      HF_STEP("wal_chain.seal", current_->AddSeal(next_number_)));
  HF_RETURN_IF_ERROR(HF_STEP("wal_chain.seal_sync", SyncCurrent()));
  // Everything in it is durable; a failing close takes nothing back.
  current_->Close().IgnoreError();
  Use(std::move(next_), next_number_);
  return absl::OkStatus();
}

absl::Status WalChain::SyncCurrent() {
  const absl::Status status = current_->Sync();
  HF_SOMETIMES(!status.ok(), "the sync of a log fails in a rotation");
  if (!status.ok() && !HF_MUTANT("wal_chain.sync_failure_is_told")) {
    sync_failed_ = true;
  }
  return status;
}

bool WalChain::has_ahead() {
  MutexLock lock(&mu_);
  return ahead_ != nullptr;
}

bool WalChain::unused() const {
  return !sync_failed_ && current_->bytes() == kLogHeaderFrameBytes;
}

absl::Status WalChain::SealForClose() {
  RemoveAhead();
  // Then nothing more goes to this log, which may have a seal already.
  if (sync_failed_) return SyncCurrent();
  const absl::Status sealed =
      HF_STEP("wal_chain.close_seal", current_->AddSeal(/*successor=*/0));
  // Also without the seal: what is in the log should not need luck.
  HF_RETURN_IF_ERROR(HF_STEP("wal_chain.close_sync", SyncCurrent()));
  HF_RETURN_IF_ERROR(sealed);
  return current_->Close();
}

}  // namespace holdfast
