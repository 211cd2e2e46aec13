// A program that knows of Holdfast only what is installed. It calls everything
// that the public headers declare and the library must therefore have.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "holdfast/env/sync.h"

namespace {

void Expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "outside: %s\n", what);
  std::exit(1);
}

void Expect(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "outside: %s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

class CountChanges final : public holdfast::WriteBatch::Handler {
 public:
  void Put(std::string_view, std::string_view) override { ++puts; }
  void Delete(std::string_view) override { ++deletes; }
  int puts = 0;
  int deletes = 0;
};

void UseBatch(holdfast::DB& db) {
  holdfast::WriteBatch batch;
  batch.Put("b", "2");
  batch.Delete("a");
  holdfast::WriteBatch more;
  more.Put("c", "3");
  batch.Append(more);
  Expect(batch.CheckLimits(), "CheckLimits");
  CountChanges count;
  batch.Iterate(count);
  Expect(count.puts == 2 && count.deletes == 1, "wrong changes in the batch");
  Expect(db.Write({}, batch), "Write");
  batch.Clear();
  Expect(batch.empty(), "the batch is not empty");
}

void UseReads(holdfast::DB& db) {
  const auto snapshot = db.GetSnapshot();
  Expect(db.Put({.sync = true}, "d", "4"), "Put");
  holdfast::PinnedValue pinned;
  Expect(db.Get({}, "d", &pinned), "Get");
  Expect(pinned.view() == "4", "wrong value");
  pinned.Reset();
  const absl::StatusOr<std::string> before =
      db.Get({.snapshot = snapshot.get()}, "d");
  Expect(absl::IsNotFound(before.status()), "the snapshot sees a later key");
  std::string seen;
  const auto it = db.NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    seen.append(it->key()).append(it->value());
  }
  Expect(it->status(), "iterator");
  Expect(seen == "b2c3d4", "the iterator saw other entries");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: outside FOLDER\n");
    return 2;
  }
  const std::unique_ptr<holdfast::Env> env = holdfast::NewPosixEnv();
  holdfast::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  for (const auto kind :
       {holdfast::Compression::kNone, holdfast::Compression::kLz4,
        holdfast::Compression::kZstd}) {
    std::printf("%s\n", std::string(holdfast::CompressionName(kind)).c_str());
    options.compression = kind;
    Expect(holdfast::ValidateOptions(options), "ValidateOptions");
    Expect(holdfast::DB::Destroy(options, argv[1]), "Destroy");
    absl::StatusOr<std::unique_ptr<holdfast::DB>> opened =
        holdfast::DB::Open(options, argv[1]);
    Expect(opened.status(), "Open");
    holdfast::DB& db = **opened;
    Expect(db.Put({}, "a", "1"), "Put");
    UseBatch(db);
    UseReads(db);
    Expect(db.Flush(), "Flush");
    Expect(db.CompactRange(std::nullopt, std::nullopt), "CompactRange");
    Expect(db.VerifyChecksums(), "VerifyChecksums");
    const holdfast::DbHealth health = db.Health();
    Expect(
        std::string_view(holdfast::HealthStateName(health.state)) == "healthy",
        "not healthy");
    Expect(db.Close(), "Close");
  }
  holdfast::Mutex mu;
  const holdfast::MutexLock lock(&mu);
  const absl::StatusOr<std::unique_ptr<holdfast::DB>> missing =
      holdfast::DB::Open({}, "/nonexistent/folder/db");
  Expect(!missing.ok(), "opened what is not there");
  std::printf("%s\n", missing.status().ToString().c_str());
  return 0;
}
