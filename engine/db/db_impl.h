// The database: owns the parts and delegates to them. No algorithm here.
//
// The way of a write: Write → CommitPipeline → (WriteRoom) → LogWriter →
// MemTable → visible. The way of a read: Get → ReadView → MemTable, frozen
// memtables, Version → TableReader → value.

#ifndef HOLDFAST_ENGINE_DB_DB_IMPL_H_
#define HOLDFAST_ENGINE_DB_DB_IMPL_H_

#include <atomic>
#include <memory>
#include <string>

#include "engine/db/background.h"
#include "engine/db/commit_pipeline.h"
#include "engine/db/core.h"
#include "engine/db/wal_chain.h"
#include "engine/db/write_room.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"

namespace holdfast {

class DbImpl final : public DB {
 public:
  // See DB::Open. `env` outlives the database, which keeps `own_env`: null, or
  // the same one.
  static absl::StatusOr<std::unique_ptr<DB>> Open(const Options& options,
                                                  Env* env,
                                                  std::unique_ptr<Env> own_env,
                                                  std::string_view path);
  static absl::Status Destroy(Env* env, std::string_view path);

  ~DbImpl() override;

  absl::Status Put(const WriteOptions& options, std::string_view key,
                   std::string_view value) override;
  absl::Status Delete(const WriteOptions& options,
                      std::string_view key) override;
  absl::Status Write(const WriteOptions& options,
                     const WriteBatch& batch) override;
  absl::StatusOr<std::string> Get(const ReadOptions& options,
                                  std::string_view key) override;
  absl::Status Get(const ReadOptions& options, std::string_view key,
                   PinnedValue* value) override;
  std::unique_ptr<Iterator> NewIterator(const ReadOptions& options) override;
  std::shared_ptr<const Snapshot> GetSnapshot() override;
  absl::Status Flush() override;
  absl::Status SyncWal() override;
  absl::Status CompactRange(std::optional<std::string_view> begin,
                            std::optional<std::string_view> end) override;
  absl::Status WaitForBackgroundWork() override;
  absl::Status Resume() override;
  absl::Status VerifyChecksums() override;
  absl::Status Close() override;
  DbStats Stats() override;
  DbHealth Health() override;

 private:
  DbImpl(const Options& options, Env* env, std::unique_ptr<Env> own_env,
         std::string dir, std::unique_ptr<FileLock> lock);

  absl::Status CheckOpen() const;
  absl::Status CheckSnapshot(const ReadOptions& options) const;
  absl::Status ResumeExclusively();
  absl::Status CloseExclusively();
  void FillLevelStats(DbStats* stats);

  const std::unique_ptr<Env> own_env_;  // Outlives all that uses it.
  // Released by Close: until then no other process may open the directory.
  std::unique_ptr<FileLock> lock_;
  DbCore core_;
  Background background_;
  // Set by Open, before the database is shared.
  std::unique_ptr<WalChain> wal_;
  std::unique_ptr<WriteRoom> room_;
  std::unique_ptr<CommitPipeline> pipeline_;
  // An unlogged write is in a memtable that is not in a table yet, perhaps.
  std::atomic<bool> unlogged_writes_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_DB_IMPL_H_
