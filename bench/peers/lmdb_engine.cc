// LMDB: a B-tree in shared memory, with its defaults. It has no log: without a
// sync (MDB_NOSYNC) a commit survives the death of the process, with one the
// loss of power. Nothing is compressed, cached or filtered.

#include <lmdb.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"

namespace holdfast::bench {
namespace {

void Check(int code) {
  if (code == 0) return;
  std::fprintf(stderr, "lmdb: %s\n", mdb_strerror(code));
  std::exit(1);
}

MDB_val ToValue(std::string_view view) {
  return {view.size(), const_cast<char*>(view.data())};
}

class LmdbIterator final : public EngineIterator {
 public:
  LmdbIterator(MDB_env* env, MDB_dbi dbi) {
    Check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn_));
    Check(mdb_cursor_open(txn_, dbi, &cursor_));
  }
  ~LmdbIterator() override {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(txn_);
  }

  void SeekToFirst() override { Move(MDB_FIRST); }
  void SeekToLast() override { Move(MDB_LAST); }
  void Seek(std::string_view key) override {
    key_ = ToValue(key);
    Move(MDB_SET_RANGE);
  }
  void Next() override { Move(MDB_NEXT); }
  void Prev() override { Move(MDB_PREV); }
  bool Valid() override { return valid_; }
  size_t Touch() override { return key_.mv_size + value_.mv_size; }

 private:
  void Move(MDB_cursor_op op) {
    const int code = mdb_cursor_get(cursor_, &key_, &value_, op);
    if (code != MDB_NOTFOUND) Check(code);
    valid_ = code == 0;
  }

  MDB_txn* txn_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
  bool valid_ = false;
};

class LmdbEngine final : public Engine {
 public:
  explicit LmdbEngine(const std::string& path) {
    std::filesystem::create_directories(path);
    Check(mdb_env_create(&env_));
    Check(mdb_env_set_mapsize(env_, size_t{256} << 30));
    Check(mdb_env_open(env_, path.c_str(), MDB_NOSYNC | MDB_NOTLS, 0644));
    MDB_txn* txn = nullptr;
    Check(mdb_txn_begin(env_, nullptr, 0, &txn));
    Check(mdb_dbi_open(txn, nullptr, 0, &dbi_));
    Check(mdb_txn_commit(txn));
  }
  ~LmdbEngine() override { mdb_env_close(env_); }

  void Write(const std::vector<Change>& batch, Durability durability) override {
    MDB_txn* txn = nullptr;
    Check(mdb_txn_begin(env_, nullptr, 0, &txn));
    for (const Change& change : batch) {
      MDB_val key = ToValue(change.key);
      if (change.value.has_value()) {
        MDB_val value = ToValue(*change.value);
        Check(mdb_put(txn, dbi_, &key, &value, 0));
      } else {
        const int code = mdb_del(txn, dbi_, &key, nullptr);
        if (code != MDB_NOTFOUND) Check(code);
      }
    }
    Check(mdb_txn_commit(txn));
    if (durability == Durability::kPower) Check(mdb_env_sync(env_, 1));
  }

  bool Get(std::string_view key, std::string* value) override {
    MDB_txn* txn = nullptr;
    Check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
    MDB_val wanted = ToValue(key);
    MDB_val found;
    const int code = mdb_get(txn, dbi_, &wanted, &found);
    if (code == 0) {
      value->assign(static_cast<const char*>(found.mv_data), found.mv_size);
    } else if (code != MDB_NOTFOUND) {
      Check(code);
    }
    mdb_txn_abort(txn);
    return code == 0;
  }

  std::unique_ptr<EngineIterator> NewIterator() override {
    return std::make_unique<LmdbIterator>(env_, dbi_);
  }

  void Compact() override {}

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

}  // namespace
}  // namespace holdfast::bench

extern "C" int HoldfastBenchInterface() { return holdfast::bench::kInterface; }

extern "C" const holdfast::bench::EngineKind* HoldfastBenchEngine() {
  using namespace holdfast::bench;
  static const EngineKind kind = {
      "lmdb",
      std::to_string(MDB_VERSION_MAJOR) + "." +
          std::to_string(MDB_VERSION_MINOR) + "." +
          std::to_string(MDB_VERSION_PATCH) + ", " PEER_BUILD,
      /*can_skip_log=*/false,
      [](const EngineOptions&,
         const std::string& path) -> std::unique_ptr<Engine> {
        return std::make_unique<LmdbEngine>(path);
      }};
  return &kind;
}
