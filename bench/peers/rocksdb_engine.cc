#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/options.h"
#include "rocksdb/table.h"
#include "rocksdb/version.h"
#include "rocksdb/write_batch.h"

namespace holdfast::bench {
namespace {

void Check(const rocksdb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "rocksdb: %s\n", status.ToString().c_str());
  std::exit(1);
}

rocksdb::Slice ToSlice(std::string_view view) {
  return rocksdb::Slice(view.data(), view.size());
}

class RocksDbIterator final : public EngineIterator {
 public:
  explicit RocksDbIterator(std::unique_ptr<rocksdb::Iterator> it)
      : it_(std::move(it)) {}
  ~RocksDbIterator() override { Check(it_->status()); }

  void SeekToFirst() override { it_->SeekToFirst(); }
  void SeekToLast() override { it_->SeekToLast(); }
  void Seek(std::string_view key) override { it_->Seek(ToSlice(key)); }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  bool Valid() override { return it_->Valid(); }
  size_t Touch() override { return it_->key().size() + it_->value().size(); }

 private:
  const std::unique_ptr<rocksdb::Iterator> it_;
};

class RocksDbEngine final : public Engine {
 public:
  RocksDbEngine(const EngineOptions& from, const std::string& path) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = from.memtable_bytes;
    options.max_write_buffer_number = 3;
    options.target_file_size_base = from.table_bytes;
    options.max_background_jobs = from.background_threads;
    options.compression =
        from.compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
    rocksdb::BlockBasedTableOptions table;
    table.block_size = from.block_bytes;
    table.block_cache = rocksdb::NewLRUCache(from.block_cache_bytes);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(
        static_cast<double>(from.bloom_bits_per_key)));
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    Open(options, path, &db);
    db_.reset(db);
  }

  void Write(const std::vector<Change>& batch, Durability durability) override {
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::kPower;
    options.disableWAL = durability == Durability::kNone;
    if (batch.size() == 1 && batch[0].value.has_value()) {
      Check(db_->Put(options, ToSlice(batch[0].key), ToSlice(*batch[0].value)));
      return;
    }
    rocksdb::WriteBatch changes;
    for (const Change& change : batch) {
      Check(change.value.has_value()
                ? changes.Put(ToSlice(change.key), ToSlice(*change.value))
                : changes.Delete(ToSlice(change.key)));
    }
    Check(db_->Write(options, &changes));
  }

  bool Get(std::string_view key, std::string* value) override {
    rocksdb::PinnableSlice pinned;
    const rocksdb::Status status =
        db_->Get(reads_, db_->DefaultColumnFamily(), ToSlice(key), &pinned);
    if (status.IsNotFound()) return false;
    Check(status);
    value->assign(pinned.data(), pinned.size());
    return true;
  }

  std::unique_ptr<EngineIterator> NewIterator() override {
    return std::make_unique<RocksDbIterator>(
        std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(reads_)));
  }

  void Compact() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction =
        rocksdb::BottommostLevelCompaction::kForceOptimized;
    Check(db_->CompactRange(options, nullptr, nullptr));
  }

 private:
  // Newer versions hand out a unique_ptr.
  static void Open(const rocksdb::Options& options, const std::string& path,
                   auto** db) {
    if constexpr (requires { rocksdb::DB::Open(options, path, db); }) {
      Check(rocksdb::DB::Open(options, path, db));
    } else {
      std::unique_ptr<rocksdb::DB> owned;
      Check(rocksdb::DB::Open(options, path, &owned));
      *db = owned.release();
    }
  }

  rocksdb::ReadOptions reads_;  // Checksums are verified by default.
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace
}  // namespace holdfast::bench

extern "C" int HoldfastBenchInterface() { return holdfast::bench::kInterface; }

extern "C" const holdfast::bench::EngineKind* HoldfastBenchEngine() {
  using namespace holdfast::bench;
  static const EngineKind kind = {
      "rocksdb",
      std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) +
          "." + std::to_string(ROCKSDB_PATCH) + ", " PEER_BUILD ", LZ4",
      /*can_skip_log=*/true,
      [](const EngineOptions& options,
         const std::string& path) -> std::unique_ptr<Engine> {
        return std::make_unique<RocksDbEngine>(options, path);
      }};
  return &kind;
}
