// A workload over a database that may crash or fail, and which states of it are
// legal afterwards.

#ifndef HOLDFAST_ENGINE_DB_TESTING_WORKLOAD_H_
#define HOLDFAST_ENGINE_DB_TESTING_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "engine/db/testing/harness.h"
#include "holdfast/db.h"
#include "holdfast/write_batch.h"

namespace holdfast {

// What was written, commit by commit, and how much of it must survive.
class History {
 public:
  // A write begins: from now on a crash may find it.
  void Began(const WriteBatch& batch);
  // It was acknowledged; with `durable`, no crash takes it back.
  void Acknowledged(bool durable);
  // It failed: readers do not see it, but a crash may find it, whole, as long
  // as nothing after it is durable.
  void Failed();
  // Everything acknowledged so far is durable, and no failed write is left.
  void AllDurable();

  // A process that began anew found this, which WhyNot allows.
  void Found(const Contents& found);

  size_t durable() const { return durable_; }
  size_t version() const { return version_; }  // Grows with each change.
  // What readers see.
  const Contents& now() const { return states_.back(); }

  // Empty, or why a crash cannot leave `found`.
  std::string WhyNot(const Contents& found) const;

 private:
  struct Uncertain {
    size_t after = 0;  // It follows this state.
    Contents state;
  };

  std::vector<Contents> states_ = {{}};  // After each acknowledged commit.
  std::vector<Uncertain> uncertain_;     // Begun or failed.
  size_t durable_ = 0;                   // States before this one are gone.
  size_t version_ = 0;
};

// Random steps on a database, decided by a seed. On an error the history knows
// what may have happened, and status() says what it was.
class Workload {
 public:
  // Both outlive the workload.
  Workload(ManualEnv* env, History* history, uint64_t seed)
      : env_(*env), history_(*history), random_(seed) {}

  absl::Status Open();
  // REQUIRES: Open.
  absl::Status Step();
  absl::Status Write();
  // Closes, when it is open, and opens again.
  absl::Status Reopen();
  absl::Status Close();
  // As if killed: what is under way is lost, what was written stays.
  void Die();

  // nullptr when it is not open.
  DB* db() { return db_.get(); }

 private:
  ManualEnv& env_;
  History& history_;
  Random random_;
  std::unique_ptr<DB> db_;
  int writes_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_TESTING_WORKLOAD_H_
