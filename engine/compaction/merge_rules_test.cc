#include "engine/compaction/merge_rules.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/format/internal_key.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

struct Entry {
  std::string key;
  SequenceNumber sequence;
  ValueType type;
};

MergeRules::IsBottommost Always(bool bottommost) {
  return [bottommost](std::string_view) { return bottommost; };
}

TEST(MergeRulesTest, JudgesEachVersion) {
  constexpr ValueType kPut = ValueType::kValue;
  constexpr ValueType kDel = ValueType::kDeletion;
  struct Case {
    const char* name;
    std::vector<SequenceNumber> snapshots;
    bool bottommost;
    std::vector<Entry> entries;
    std::vector<const char*> verdicts;
  };
  const Case cases[] = {
      {"only the newest is seen",
       {},
       false,
       {{"a", 9, kPut}, {"a", 5, kPut}, {"b", 3, kPut}},
       {"keep", "drop shadowed", "keep"}},
      {"a snapshot keeps what it sees",
       {5},
       false,
       {{"a", 9, kPut}, {"a", 5, kPut}, {"a", 4, kPut}},
       {"keep", "keep", "drop shadowed"}},
      {"a snapshot at the number before sees the older one",
       {4},
       false,
       {{"a", 9, kPut}, {"a", 5, kPut}, {"a", 4, kPut}},
       {"keep", "drop shadowed", "keep"}},
      {"a tombstone stays where older versions may be below",
       {},
       false,
       {{"a", 9, kDel}, {"a", 5, kPut}},
       {"keep", "drop shadowed"}},
      {"a tombstone at the bottom goes, and what it hides",
       {},
       true,
       {{"a", 9, kDel}, {"a", 5, kPut}, {"a", 4, kDel}},
       {"drop tombstone", "drop shadowed", "drop shadowed"}},
      {"a tombstone stays while a snapshot sees an older version",
       {5},
       true,
       {{"a", 9, kDel}, {"a", 5, kPut}},
       {"keep", "keep"}},
      {"a tombstone that the oldest snapshot sees hides for all",
       {9},
       true,
       {{"a", 12, kPut}, {"a", 9, kDel}, {"a", 5, kPut}},
       {"keep", "drop tombstone", "drop shadowed"}},
      {"keys do not share stripes",
       {},
       true,
       {{"", 9, kPut}, {"a", 8, kPut}, {"a", 7, kDel}, {"b", 6, kDel}},
       {"keep", "keep", "drop shadowed", "drop tombstone"}},
      {"the same entry twice is kept once",
       {},
       false,
       {{"a", 9, kPut}, {"a", 9, kPut}},
       {"keep", "drop shadowed"}},
  };
  for (const Case& c : cases) {
    MergeRules rules(c.snapshots, Always(c.bottommost));
    for (size_t i = 0; i < c.entries.size(); ++i) {
      const Entry& entry = c.entries[i];
      EXPECT_EQ(VerdictName(rules.Judge(entry.key, entry.sequence, entry.type)),
                c.verdicts[i])
          << c.name << ", entry " << i;
    }
  }
}

// Newest first.
using History =
    std::map<std::string, std::vector<std::pair<SequenceNumber, ValueType>>>;

// The sequence number of the value seen at `as_of`; nothing when there is none.
std::optional<SequenceNumber> Seen(const History& history,
                                   const std::string& key,
                                   SequenceNumber as_of) {
  const auto it = history.find(key);
  if (it == history.end()) return std::nullopt;
  for (const auto& [sequence, type] : it->second) {
    if (sequence > as_of) continue;
    if (type == ValueType::kDeletion) return std::nullopt;
    return sequence;
  }
  return std::nullopt;
}

// Inputs above, the rest of the tree below: what every snapshot and the
// present see is unchanged, and of the kept entries each is seen by someone
// (values) or hides something (tombstones, but for a spare one).
RC_GTEST_PROP(MergeRulesProperty, NobodySeesADifference, ()) {
  constexpr SequenceNumber kLast = 40;
  History input;
  History below;
  for (SequenceNumber sequence = kLast; sequence > 0; --sequence) {
    const std::string key(1, static_cast<char>(*rc::gen::inRange('a', 'e')));
    const ValueType type =
        *rc::gen::inRange(0, 3) == 0 ? ValueType::kDeletion : ValueType::kValue;
    const bool old = sequence < kLast / 4;
    (old ? below : input)[key].emplace_back(sequence, type);
  }
  // Below may lack some keys.
  for (const char key : {'a', 'b', 'c', 'd'}) {
    if (*rc::gen::arbitrary<bool>()) below.erase(std::string(1, key));
  }
  auto snapshots = *rc::gen::container<std::vector<SequenceNumber>>(
      rc::gen::inRange<SequenceNumber>(0, kLast + 1));
  std::sort(snapshots.begin(), snapshots.end());

  MergeRules rules(snapshots, [&below](std::string_view key) {
    return !below.contains(std::string(key));
  });
  History output;
  for (const auto& [key, versions] : input) {
    for (const auto& [sequence, type] : versions) {
      if (IsKept(rules.Judge(key, sequence, type))) {
        output[key].emplace_back(sequence, type);
      }
    }
  }
  const auto with_below = [&below](History history) {
    for (const auto& [key, versions] : below) {
      auto& all = history[key];
      all.insert(all.end(), versions.begin(), versions.end());
    }
    return history;
  };
  const History before = with_below(input);
  const History after = with_below(output);
  std::vector<SequenceNumber> readers = snapshots;
  readers.push_back(kLast);
  for (const SequenceNumber as_of : readers) {
    for (const char c : {'a', 'b', 'c', 'd'}) {
      const std::string key(1, c);
      RC_ASSERT(Seen(before, key, as_of) == Seen(after, key, as_of));
    }
  }
  for (const auto& [key, versions] : output) {
    for (const auto& [sequence, type] : versions) {
      if (type == ValueType::kDeletion) continue;
      const std::string& k = key;
      const SequenceNumber s = sequence;
      RC_ASSERT(std::any_of(
          readers.begin(), readers.end(),
          [&](SequenceNumber as_of) { return Seen(after, k, as_of) == s; }));
    }
  }
}

}  // namespace
}  // namespace holdfast
