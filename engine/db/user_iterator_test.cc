#include "engine/db/user_iterator.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "engine/memtable/memtable.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_reader.h"
#include "engine/table/table_testing.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

// One change of a generated history; its number is its place, from 1.
struct TestChange {
  std::string key;
  bool deletes = false;
};

std::shared_ptr<MemTable> TableOf(const std::vector<TestChange>& history) {
  auto table = std::make_shared<MemTable>();
  SequenceNumber sequence = 0;
  for (const TestChange& change : history) {
    ++sequence;
    table->Add(sequence,
               change.deletes ? ValueType::kDeletion : ValueType::kValue,
               change.key, "v" + std::to_string(sequence));
  }
  return table;
}

std::map<std::string, std::string> StateAt(
    const std::vector<TestChange>& history, SequenceNumber sequence,
    const KeyBounds& bounds) {
  std::map<std::string, std::string> state;
  for (size_t i = 0; i < history.size() && i < sequence; ++i) {
    const std::string& key = history[i].key;
    if (history[i].deletes) {
      state.erase(key);
    } else if ((!bounds.lower.has_value() || key >= *bounds.lower) &&
               (!bounds.upper.has_value() || key < *bounds.upper)) {
      state[key] = "v" + std::to_string(i + 1);
    }
  }
  return state;
}

std::unique_ptr<Iterator> IteratorOver(std::shared_ptr<MemTable> table,
                                       SequenceNumber sequence,
                                       KeyBounds bounds) {
  auto source = table->NewIterator();
  return NewUserIterator(std::move(source), sequence, std::move(bounds),
                         std::move(table));
}

using Opener = std::function<std::unique_ptr<Iterator>(SequenceNumber sequence,
                                                       KeyBounds bounds)>;

// A random walk stands where the same walk over the std::map of the visible
// state stands, at every step. `between` runs before each.
void WalkLikeAMap(
    const std::vector<TestChange>& history, const rc::Gen<std::string>& key,
    const Opener& open, const std::function<void()>& between = [] {}) {
  // Mostly late: generated numbers are small as a rule.
  const SequenceNumber sequence =
      history.size() - *rc::gen::inRange<SequenceNumber>(0, history.size() + 1);
  KeyBounds bounds;
  if (*rc::gen::arbitrary<bool>()) bounds.lower = *key;
  if (*rc::gen::arbitrary<bool>()) bounds.upper = *key;

  const auto state = StateAt(history, sequence, bounds);
  const auto it = open(sequence, bounds);
  const std::vector<int> moves = {0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5};
  auto at = state.end();
  const int steps = *rc::gen::inRange(1, 80);
  for (int i = 0; i < steps; ++i) {
    between();
    // Steps forward are likely: runs begin with the second.
    switch (*rc::gen::elementOf(moves)) {
      case 0:
        it->SeekToFirst();
        at = state.begin();
        break;
      case 1:
        it->SeekToLast();
        at = state.empty() ? state.end() : std::prev(state.end());
        break;
      case 2: {
        const std::string target = *key;
        it->Seek(target);
        at = state.lower_bound(target);
        break;
      }
      case 3: {
        const std::string target = *key;
        it->SeekForPrev(target);
        at = state.upper_bound(target);
        at = at == state.begin() ? state.end() : std::prev(at);
        break;
      }
      case 4:
        if (at == state.end()) continue;
        it->Next();
        ++at;
        break;
      case 5:
        if (at == state.end()) continue;
        it->Prev();
        at = at == state.begin() ? state.end() : std::prev(at);
        break;
    }
    RC_ASSERT(it->status().ok());
    RC_ASSERT(it->Valid() == (at != state.end()));
    if (it->Valid()) {
      RC_ASSERT(it->key() == at->first);
      RC_ASSERT(it->value() == at->second);
    }
  }
}

void WalkOverAMemTable(const std::vector<TestChange>& history,
                       const rc::Gen<std::string>& key) {
  WalkLikeAMap(history, key, [&](SequenceNumber sequence, KeyBounds bounds) {
    return IteratorOver(TableOf(history), sequence, std::move(bounds));
  });
}

RC_GTEST_PROP(UserIteratorTest, WalksLikeAMap, ()) {
  const auto key = rc::gen::map(rc::gen::container<std::string>(
                                    rc::gen::elementOf(std::string("ab\xff"))),
                                [](std::string k) { return k.substr(0, 3); });
  WalkOverAMemTable(
      *rc::gen::container<std::vector<TestChange>>(rc::gen::build<TestChange>(
          rc::gen::set(&TestChange::key, key),
          rc::gen::set(&TestChange::deletes, rc::gen::arbitrary<bool>()))),
      key);
}

// Goal: the same where a key has so many versions that walking over them is
// given up for searches.
RC_GTEST_PROP(UserIteratorTest, WalksOverManyVersionsLikeAMap, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const std::vector<std::string> keys = {"", "a", "a\xff",
                                         std::string(70, 'b')};
  std::vector<TestChange> history;
  while (history.size() < 400) {
    const std::string& key = keys[random.Uniform(keys.size())];
    const bool deletes = random.OneIn(2);
    for (uint64_t n = random.Uniform(60); n > 0; --n) {
      history.push_back({key, random.OneIn(8) ? !deletes : deletes});
    }
  }
  WalkOverAMemTable(history, rc::gen::elementOf(keys));
}

// The changes from `begin` to before `end`, as sorted entries.
TableModel EntriesOf(const std::vector<TestChange>& history, size_t begin,
                     size_t end) {
  TableModel entries;
  for (size_t i = begin; i < end; ++i) {
    const TestChange& change = history[i];
    entries[MakeInternalKey(
        change.key, i + 1,
        change.deletes ? ValueType::kDeletion : ValueType::kValue)] =
        change.deletes ? "" : "v" + std::to_string(i + 1);
  }
  return entries;
}

// Goal: the same over tables, where the walk moves on in runs, merged with a
// memtable that is written meanwhile.
RC_GTEST_PROP(UserIteratorTest, WalksOverTablesLikeAMap, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const uint64_t keys = 1 + random.Uniform(120);
  // Of several lengths: what is kept of a key that a run has passed shows then.
  const auto key_of = [](uint64_t number) {
    const std::string digits = std::to_string(1000 + number);
    return "k" + digits.substr(1) + std::string(number * 7 % 12, 'x');
  };
  // Old tables are sorted and have every key, as a compaction leaves them.
  std::vector<TestChange> history;
  for (uint64_t i = 0; i < keys; ++i) history.push_back({key_of(i)});
  std::vector<size_t> cuts = {0, history.size()};
  for (uint64_t part = random.Uniform(3); part > 0; --part) {
    for (uint64_t i = random.Uniform(30); i > 0; --i) {
      history.push_back({key_of(random.Uniform(keys)), random.OneIn(2)});
    }
    cuts.push_back(history.size());
  }

  const size_t in_tables = cuts.size() - (random.OneIn(2) ? 1 : 2);
  std::vector<std::shared_ptr<const TableReader>> tables;
  auto memtable = std::make_shared<MemTable>();
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const TableModel entries = EntriesOf(history, cuts[i], cuts[i + 1]);
    if (entries.empty()) continue;
    if (i < in_tables) {
      TableOptions options;
      options.block_bytes = 100 + random.Uniform(600);
      options.block_restart_interval = 1 + static_cast<int>(random.Uniform(16));
      const BuiltTable built = BuildTable(options, entries);
      tables.push_back(*OpenTable(built.bytes, built.summary.bytes));
      continue;
    }
    for (const auto& [key, value] : entries) {
      ParsedInternalKey parsed;
      ASSERT_TRUE(ParseInternalKey(key, &parsed));
      memtable->Add(parsed.sequence, parsed.type, parsed.user_key, value);
    }
  }
  const bool merges = !memtable->empty() || random.OneIn(2);
  SequenceNumber last = history.size();
  WalkLikeAMap(
      history,
      rc::gen::map(rc::gen::inRange<uint64_t>(0, keys + 1),
                   [&](uint64_t number) { return key_of(number); }),
      [&](SequenceNumber sequence, KeyBounds bounds) {
        std::vector<std::unique_ptr<InternalIterator>> sources;
        for (const auto& table : tables) {
          sources.push_back(table->NewIterator({}));
        }
        if (merges) sources.push_back(memtable->NewIterator());
        return NewUserIterator(NewMergingIterator(std::move(sources)), sequence,
                               std::move(bounds), memtable);
      },
      [&] {
        if (!merges || !random.OneIn(3)) return;
        memtable->Add(++last, ValueType::kValue, key_of(random.Uniform(keys)),
                      "late");
      });
}

TEST(UserIteratorTest, BoundsAreNarrowedByThePrefix) {
  ReadOptions options;
  options.prefix = "b";
  KeyBounds bounds = BoundsOf(options);
  EXPECT_EQ(bounds.lower, "b");
  EXPECT_EQ(bounds.upper, "c");
  options.lower_bound = "ba";
  options.upper_bound = "x";
  bounds = BoundsOf(options);
  EXPECT_EQ(bounds.lower, "ba");
  EXPECT_EQ(bounds.upper, "c");
  options.upper_bound = "bb";
  EXPECT_EQ(BoundsOf(options).upper, "bb");
}

TEST(UserIteratorTest, PrefixOfLargestBytesHasNoUpperBound) {
  ReadOptions options;
  options.prefix = "\xff\xff";
  EXPECT_EQ(BoundsOf(options).upper, std::nullopt);
  options.prefix = "a\xff";
  EXPECT_EQ(BoundsOf(options).upper, "b");
  options.prefix = "";
  EXPECT_EQ(BoundsOf(options).upper, std::nullopt);
}

// A source that fails at its N-th step: nothing is shown as if it were the end.
class FailingIterator final : public InternalIterator {
 public:
  FailingIterator(std::unique_ptr<InternalIterator> source, int steps)
      : source_(std::move(source)), steps_left_(steps) {}

  bool SeekToFirst() override {
    return Step([&] { source_->SeekToFirst(); });
  }
  bool SeekToLast() override {
    return Step([&] { source_->SeekToLast(); });
  }
  bool Seek(std::string_view target) override {
    return Step([&] { source_->Seek(target); });
  }
  bool Next() override {
    return Step([&] { source_->Next(); });
  }
  bool Prev() override {
    return Step([&] { source_->Prev(); });
  }
  absl::Status status() const override {
    return steps_left_ > 0 ? source_->status()
                           : absl::DataLossError("injected");
  }

 private:
  template <class F>
  bool Step(F step) {
    if (steps_left_ > 0 && --steps_left_ > 0) step();
    return steps_left_ > 0 ? StandWhere(*source_) : StandNowhere();
  }

  const std::unique_ptr<InternalIterator> source_;
  int steps_left_;
};

TEST(UserIteratorTest, ErrorOfTheSourceIsNeverTheEnd) {
  const std::vector<TestChange> history = {
      {"a", false}, {"b", false}, {"b", false}, {"c", false}, {"c", true}};
  for (const bool forward : {true, false}) {
    for (int steps = 1; steps < 12; ++steps) {
      const auto table = TableOf(history);
      const auto it = NewUserIterator(
          std::make_unique<FailingIterator>(table->NewIterator(), steps),
          kMaxSequenceNumber, {}, table);
      std::vector<std::string> seen;
      for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
           forward ? it->Next() : it->Prev()) {
        seen.push_back(std::string(it->key()) + std::string(it->value()));
      }
      const std::vector<std::string> all =
          forward ? std::vector<std::string>{"av1", "bv3"}
                  : std::vector<std::string>{"bv3", "av1"};
      if (it->status().ok()) {
        EXPECT_EQ(seen, all) << "steps " << steps;
      } else {
        EXPECT_TRUE(absl::IsDataLoss(it->status()));
        ASSERT_LE(seen.size(), all.size());
        for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], all[i]);
      }
    }
  }
}

// Runs `before_move` ahead of each move that depends on where the one before it
// came to.
class InterruptedIterator final : public InternalIterator {
 public:
  InterruptedIterator(std::unique_ptr<InternalIterator> source,
                      std::function<void()> before_move)
      : source_(std::move(source)), before_move_(std::move(before_move)) {}

  bool SeekToFirst() override {
    source_->SeekToFirst();
    return StandWhere(*source_);
  }
  bool Seek(std::string_view target) override {
    source_->Seek(target);
    return StandWhere(*source_);
  }
  bool SeekToLast() override {
    before_move_();
    source_->SeekToLast();
    return StandWhere(*source_);
  }
  bool Next() override {
    before_move_();
    source_->Next();
    return StandWhere(*source_);
  }
  bool Prev() override {
    before_move_();
    source_->Prev();
    return StandWhere(*source_);
  }
  absl::Status status() const override { return source_->status(); }

 private:
  const std::unique_ptr<InternalIterator> source_;
  const std::function<void()> before_move_;
};

// Goal: a writer that puts newer versions and new keys between any two moves
// changes nothing of what a walk shows, and is not taken for damage.
TEST(UserIteratorTest, StandsStillBesideAWriter) {
  // "d" has so many versions that a walk searches behind them.
  std::vector<TestChange> history = {{"b"}, {"d"}, {"f"}, {"f", true}, {"h"}};
  for (int i = 0; i < 40; ++i) history.push_back({"d"});
  const SequenceNumber sequence = history.size();
  using Seen = std::vector<std::string>;
  const Seen rising = {"b=v1", "d=v45", "h=v5"};
  const Seen falling(rising.rbegin(), rising.rend());

  const auto walk = [&](const std::optional<std::string>& upper, bool forward,
                        std::optional<std::string> target) {
    const auto table = TableOf(history);
    SequenceNumber last = sequence;
    // A walk backward over one that never rests has no end.
    int rounds = 60;
    const auto it = NewUserIterator(
        std::make_unique<InterruptedIterator>(
            table->NewIterator(),
            [&] {
              if (rounds-- <= 0) return;
              for (const char* key : {"a", "b", "c", "d", "e", "f", "h", "i"}) {
                table->Add(++last, ValueType::kValue, key, "late");
              }
            }),
        sequence, {std::nullopt, upper}, table);
    Seen seen;
    if (forward) {
      target.has_value() ? it->Seek(*target) : it->SeekToFirst();
    } else {
      target.has_value() ? it->SeekForPrev(*target) : it->SeekToLast();
    }
    for (; it->Valid(); forward ? it->Next() : it->Prev()) {
      seen.push_back(std::string(it->key()) + "=" + std::string(it->value()));
    }
    EXPECT_TRUE(it->status().ok()) << it->status();
    return seen;
  };
  EXPECT_EQ(walk(std::nullopt, true, std::nullopt), rising);
  EXPECT_EQ(walk(std::nullopt, true, "a"), rising);
  EXPECT_EQ(walk(std::nullopt, false, std::nullopt), falling);
  EXPECT_EQ(walk("i", false, std::nullopt), falling);
  EXPECT_EQ(walk(std::nullopt, false, "h"), falling);
  EXPECT_EQ(walk(std::nullopt, false, "z"), falling);
  EXPECT_EQ(walk("h", false, "z"), (Seen{"d=v45", "b=v1"}));
  EXPECT_EQ(walk(std::nullopt, false, "e"), (Seen{"d=v45", "b=v1"}));
  EXPECT_EQ(walk(std::nullopt, false, "a"), Seen());
}

}  // namespace
}  // namespace holdfast
