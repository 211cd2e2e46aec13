#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "leveldb/cache.h"
#include "leveldb/db.h"
#include "leveldb/filter_policy.h"
#include "leveldb/write_batch.h"

namespace holdfast::bench {
namespace {

void Check(const leveldb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "leveldb: %s\n", status.ToString().c_str());
  std::exit(1);
}

leveldb::Slice ToSlice(std::string_view view) {
  return leveldb::Slice(view.data(), view.size());
}

leveldb::ReadOptions CheckedReads() {
  leveldb::ReadOptions options;
  options.verify_checksums = true;  // As the others do.
  return options;
}

class LevelDbIterator final : public EngineIterator {
 public:
  explicit LevelDbIterator(std::unique_ptr<leveldb::Iterator> it)
      : it_(std::move(it)) {}
  ~LevelDbIterator() override { Check(it_->status()); }

  void SeekToFirst() override { it_->SeekToFirst(); }
  void SeekToLast() override { it_->SeekToLast(); }
  void Seek(std::string_view key) override { it_->Seek(ToSlice(key)); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  bool Valid() override { return it_->Valid(); }
  size_t Touch() override { return it_->key().size() + it_->value().size(); }

 private:
  const std::unique_ptr<leveldb::Iterator> it_;
};

class LevelDbEngine final : public Engine {
 public:
  LevelDbEngine(const EngineOptions& from, const std::string& path)
      : cache_(leveldb::NewLRUCache(from.block_cache_bytes)),
        filter_(leveldb::NewBloomFilterPolicy(from.bloom_bits_per_key)) {
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = from.memtable_bytes;
    options.max_file_size = from.table_bytes;
    options.block_size = from.block_bytes;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    options.compression =
        from.compress ? leveldb::kSnappyCompression : leveldb::kNoCompression;
    leveldb::DB* db = nullptr;
    Check(leveldb::DB::Open(options, path, &db));
    db_.reset(db);
  }

  void Write(const std::vector<Change>& batch, Durability durability) override {
    leveldb::WriteOptions options;
    options.sync = durability == Durability::kPower;
    leveldb::WriteBatch changes;
    for (const Change& change : batch) {
      if (change.value.has_value()) {
        changes.Put(ToSlice(change.key), ToSlice(*change.value));
      } else {
        changes.Delete(ToSlice(change.key));
      }
    }
    Check(db_->Write(options, &changes));
  }

  bool Get(std::string_view key, std::string* value) override {
    const leveldb::Status status =
        db_->Get(CheckedReads(), ToSlice(key), value);
    if (status.IsNotFound()) return false;
    Check(status);
    return true;
  }

  std::unique_ptr<EngineIterator> NewIterator() override {
    return std::make_unique<LevelDbIterator>(
        std::unique_ptr<leveldb::Iterator>(db_->NewIterator(CheckedReads())));
  }

  void Compact() override { db_->CompactRange(nullptr, nullptr); }

 private:
  // Outlive the database.
  const std::unique_ptr<leveldb::Cache> cache_;
  const std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace
}  // namespace holdfast::bench

extern "C" int HoldfastBenchInterface() { return holdfast::bench::kInterface; }

extern "C" const holdfast::bench::EngineKind* HoldfastBenchEngine() {
  using namespace holdfast::bench;
  static const EngineKind kind = {
      "leveldb",
      std::to_string(leveldb::kMajorVersion) + "." +
          std::to_string(leveldb::kMinorVersion) + ", " PEER_BUILD ", Snappy",
      /*can_skip_log=*/false,
      [](const EngineOptions& options,
         const std::string& path) -> std::unique_ptr<Engine> {
        return std::make_unique<LevelDbEngine>(options, path);
      }};
  return &kind;
}
