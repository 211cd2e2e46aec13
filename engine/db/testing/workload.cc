#include "engine/db/testing/workload.h"

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"

namespace holdfast {

void History::Began(const WriteBatch& batch) {
  struct Apply final : WriteBatch::Handler {
    Contents state;
    void Put(std::string_view key, std::string_view value) override {
      state.insert_or_assign(std::string(key), std::string(value));
    }
    void Delete(std::string_view key) override {
      state.erase(std::string(key));
    }
  } apply;
  apply.state = states_.back();
  batch.Iterate(apply);
  uncertain_.push_back({states_.size() - 1, std::move(apply.state)});
  ++version_;
}

void History::Acknowledged(bool durable) {
  states_.push_back(std::move(uncertain_.back().state));
  uncertain_.pop_back();
  ++version_;
  if (durable) AllDurable();
}

void History::Failed() {}

void History::AllDurable() {
  durable_ = states_.size() - 1;
  uncertain_.clear();
  ++version_;
}

void History::Found(const Contents& found) {
  states_.push_back(found);
  AllDurable();
}

std::string History::WhyNot(const Contents& found) const {
  for (size_t i = durable_; i < states_.size(); ++i) {
    if (states_[i] == found) return "";
  }
  for (const Uncertain& uncertain : uncertain_) {
    if (uncertain.after >= durable_ && uncertain.state == found) return "";
  }
  const auto marker = found.find("marker");
  std::string why = absl::StrCat(
      "the marker is ", marker == found.end() ? "missing" : marker->second,
      "; ", states_.size() - 1, " commits, ", durable_, " of them durable: ");
  for (size_t i = 0; i < durable_; ++i) {
    if (states_[i] == found) {
      return absl::StrCat(why, "it is the state after ", i);
    }
  }
  return absl::StrCat(why, "it is the state after no commit");
}

absl::Status Workload::Open() {
  HF_ASSIGN_OR_RETURN(db_, OpenDb(&env_));
  return absl::OkStatus();
}

absl::Status Workload::Step() {
  const bool run_task = random_.OneIn(3);
  switch (random_.Uniform(16)) {
    case 0:
      HF_RETURN_IF_ERROR(db_->Flush());
      history_.AllDurable();
      break;
    case 1:
      HF_RETURN_IF_ERROR(db_->SyncWal());
      history_.AllDurable();
      break;
    case 2:
      HF_RETURN_IF_ERROR(db_->Flush());
      history_.AllDurable();
      HF_RETURN_IF_ERROR(db_->CompactRange(std::nullopt, std::nullopt));
      break;
    case 3:
      HF_RETURN_IF_ERROR(Reopen());
      break;
    case 4:
      Die();
      HF_RETURN_IF_ERROR(Open());
      break;
    default:
      HF_RETURN_IF_ERROR(Write());
      break;
  }
  if (run_task) env_.manual_executor.RunOne();
  return absl::OkStatus();
}

absl::Status Workload::Write() {
  WriteBatch batch;
  batch.Put("marker", absl::StrCat(++writes_));
  const uint64_t changes = 1 + random_.Uniform(4);
  for (uint64_t i = 0; i < changes; ++i) {
    const std::string key = absl::StrCat("k", random_.Uniform(12));
    if (random_.OneIn(4)) {
      batch.Delete(key);
    } else {
      batch.Put(key, BigValue(absl::StrCat(writes_, "/", i),
                              random_.OneIn(5) ? 9000 : 20));
    }
  }
  const bool sync = random_.OneIn(4);
  history_.Began(batch);
  absl::Status status = db_->Write({.sync = sync}, batch);
  if (status.ok()) {
    history_.Acknowledged(sync);
  } else {
    history_.Failed();
  }
  return status;
}

absl::Status Workload::Reopen() {
  if (db_ != nullptr) HF_RETURN_IF_ERROR(Close());
  return Open();
}

absl::Status Workload::Close() {
  absl::Status status = db_->Close();
  db_.reset();
  if (status.ok()) history_.AllDurable();
  return status;
}

void Workload::Die() {
  if (db_ == nullptr) return;
  // Nothing that the dying object still does reaches the disk.
  FsHook hook = std::move(env_.fs.before);
  env_.fs.before = [](const FsCall&) { return absl::InternalError("dead"); };
  db_.reset();
  env_.fs.before = std::move(hook);
}

}  // namespace holdfast
