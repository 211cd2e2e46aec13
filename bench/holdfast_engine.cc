#include "bench/holdfast_engine.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "bench/engine.h"
#include "holdfast/db.h"

namespace holdfast::bench {
namespace {

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "holdfast: %s\n", status.ToString().c_str());
  std::exit(1);
}

class HoldfastIterator final : public EngineIterator {
 public:
  explicit HoldfastIterator(std::unique_ptr<Iterator> it)
      : it_(std::move(it)) {}
  ~HoldfastIterator() override { Check(it_->status()); }

  void SeekToFirst() override { it_->SeekToFirst(); }
  void SeekToLast() override { it_->SeekToLast(); }
  void Seek(std::string_view key) override { it_->Seek(key); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  bool Valid() override { return it_->Valid(); }
  size_t Touch() override { return it_->key().size() + it_->value().size(); }

 private:
  const std::unique_ptr<Iterator> it_;
};

class HoldfastEngine final : public Engine {
 public:
  HoldfastEngine(const EngineOptions& from, const std::string& path) {
    Options options;
    options.create_if_missing = true;
    options.memtable_bytes = from.memtable_bytes;
    options.block_cache_bytes = from.block_cache_bytes;
    options.block_bytes = from.block_bytes;
    options.table_bytes = from.table_bytes;
    options.bloom_bits_per_key = from.bloom_bits_per_key;
    options.background_threads = from.background_threads;
    options.compression =
        from.compress ? Compression::kLz4 : Compression::kNone;
    auto db = DB::Open(options, path);
    Check(db.status());
    db_ = *std::move(db);
  }
  ~HoldfastEngine() override { Check(db_->Close()); }

  void Write(const std::vector<Change>& batch, Durability durability) override {
    WriteOptions options;
    options.sync = durability == Durability::kPower;
    options.disable_wal = durability == Durability::kNone;
    if (batch.size() == 1 && batch[0].value.has_value()) {
      Check(db_->Put(options, batch[0].key, *batch[0].value));
      return;
    }
    WriteBatch changes;
    for (const Change& change : batch) {
      if (change.value.has_value()) {
        changes.Put(change.key, *change.value);
      } else {
        changes.Delete(change.key);
      }
    }
    Check(db_->Write(options, changes));
  }

  bool Get(std::string_view key, std::string* value) override {
    PinnedValue pinned;
    const absl::Status status = db_->Get({}, key, &pinned);
    if (absl::IsNotFound(status)) return false;
    Check(status);
    value->assign(pinned.view());
    return true;
  }

  std::unique_ptr<EngineIterator> NewIterator() override {
    return std::make_unique<HoldfastIterator>(db_->NewIterator({}));
  }

  void Compact() override {
    Check(db_->CompactRange(std::nullopt, std::nullopt));
    Check(db_->WaitForBackgroundWork());
  }

 private:
  std::unique_ptr<DB> db_;
};

}  // namespace

EngineKind HoldfastKind() {
  return {"holdfast", "this tree, LZ4", /*can_skip_log=*/true,
          [](const EngineOptions& options,
             const std::string& path) -> std::unique_ptr<Engine> {
            return std::make_unique<HoldfastEngine>(options, path);
          }};
}

}  // namespace holdfast::bench
