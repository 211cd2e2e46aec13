#include "engine/db/reader.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/db/core.h"
#include "engine/db/testing/harness.h"
#include "engine/format/internal_key.h"
#include "engine/memtable/memtable.h"
#include "gtest/gtest.h"
#include "holdfast/snapshot.h"

namespace holdfast {
namespace {

// As of the moment in which it is first asked, after what happens just before.
class LateSnapshot final : public Snapshot {
 public:
  LateSnapshot(const DbCore& core, std::function<void()> before)
      : core_(core), before_(std::move(before)) {}

  uint64_t sequence() const override {
    if (sequence_ == 0) {
      before_();
      sequence_ = core_.visible_sequence.load();
    }
    return sequence_;
  }

 private:
  const DbCore& core_;
  const std::function<void()> before_;
  mutable uint64_t sequence_ = 0;
};

// What writers do to what readers look at.
class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    core_.versions.CreateNew(/*db_id=*/1);
    Rotate();
  }
  ~ReaderTest() override { core_.ReleaseViews(); }

  void Rotate() {
    {
      MutexLock lock(&core_.mu);
      if (active_ != nullptr) core_.frozen.push_back({active_});
      core_.active = active_ = std::make_shared<MemTable>();
      core_.PublishView();
    }
    core_.ReleaseViews();
  }

  void Write(ValueType type, std::string_view key) {
    const SequenceNumber sequence = core_.visible_sequence.load() + 1;
    const bool cuts = core_.dead_spans.Announce(sequence);
    active_->Add(sequence, type, key, "value");
    if (cuts && type == ValueType::kValue) core_.dead_spans.Cut(key);
    core_.visible_sequence.store(sequence);
  }

  void DeleteThousand() {
    for (int i = 1000; i < 2000; ++i) {
      Write(ValueType::kDeletion, std::to_string(i));
    }
  }

  // The first key at or after `target` that an iterator shows.
  std::string KeyAt(std::string_view target, const ReadOptions& options = {}) {
    const auto it = OpenIterator(core_, options);
    it->Seek(target);
    EXPECT_TRUE(it->status().ok()) << it->status();
    return it->Valid() ? std::string(it->key()) : "none";
  }

  ManualEnv env_;
  DbCore core_{TinyOptions(), &env_, kDbDir};
  std::shared_ptr<MemTable> active_;  // core_.active.
};

TEST_F(ReaderTest, AWalkThroughDeletedKeysRecordsThem) {
  DeleteThousand();
  Write(ValueType::kValue, "3");
  EXPECT_EQ(KeyAt("1"), "3");
  EXPECT_EQ(core_.dead_spans.size(), 1u);
  EXPECT_EQ(KeyAt("1500"), "3");
}

// Between looking for the memtables and asking for a number, an iterator is
// overtaken by a write into a memtable that it does not have. To it the span
// is dead; to those after it it is not.
TEST_F(ReaderTest, WhoLacksAWriteRecordsNothing) {
  DeleteThousand();
  Write(ValueType::kValue, "3");
  const LateSnapshot late(core_, [this] {
    Rotate();
    Write(ValueType::kValue, "1500");
  });
  EXPECT_EQ(KeyAt("1", {.snapshot = &late}), "3") << "it was not overtaken";
  EXPECT_EQ(core_.dead_spans.size(), 0u);
  EXPECT_EQ(KeyAt("1"), "1500");
}

}  // namespace
}  // namespace holdfast
