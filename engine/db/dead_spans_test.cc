#include "engine/db/dead_spans.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"

namespace holdfast {
namespace {

// The end of the span that holds `key` for a reader as of `as_of`: "-" when
// there is none, "*" behind all keys.
std::string EndOf(const DeadSpans& spans, std::string_view key,
                  SequenceNumber as_of) {
  DeadSpans::End end;
  if (!spans.FindEnd(key, as_of, &end)) return "-";
  return end.value_or("*");
}

std::string BeginOf(const DeadSpans& spans,
                    const std::optional<std::string_view>& end,
                    SequenceNumber as_of) {
  std::string begin;
  return spans.FindBegin(end, as_of, &begin) ? begin : "-";
}

TEST(DeadSpansTest, FindsFromBothSides) {
  DeadSpans spans;
  EXPECT_FALSE(spans.any());
  spans.Record("c", "f", 5);
  EXPECT_TRUE(spans.any());
  EXPECT_EQ(EndOf(spans, "b", 5), "-");
  EXPECT_EQ(EndOf(spans, "c", 5), "f");
  EXPECT_EQ(EndOf(spans, "ex", 9), "f");
  EXPECT_EQ(EndOf(spans, "f", 9), "-");
  EXPECT_EQ(BeginOf(spans, "c", 5), "-");
  EXPECT_EQ(BeginOf(spans, "d", 5), "c");
  EXPECT_EQ(BeginOf(spans, "f", 5), "c");
  EXPECT_EQ(BeginOf(spans, "g", 5), "-");
  EXPECT_EQ(BeginOf(spans, std::nullopt, 5), "-");
  spans.Record("x", std::nullopt, 5);
  EXPECT_EQ(EndOf(spans, "z", 5), "*");
  EXPECT_EQ(BeginOf(spans, std::nullopt, 5), "x");
  EXPECT_EQ(BeginOf(spans, "y", 5), "x");
}

TEST(DeadSpansTest, OlderReadersDoNotUseThem) {
  DeadSpans spans;
  spans.Record("a", "z", 5);
  EXPECT_EQ(EndOf(spans, "m", 4), "-");
  EXPECT_EQ(BeginOf(spans, "m", 4), "-");
  EXPECT_EQ(EndOf(spans, "m", 5), "z");
}

TEST(DeadSpansTest, AValueCutsAndLeavesTheRest) {
  DeadSpans spans;
  spans.Record("a", "z", 5);
  EXPECT_TRUE(spans.Announce(6));
  spans.Cut("m");
  EXPECT_EQ(EndOf(spans, "b", 6), "m");
  EXPECT_EQ(EndOf(spans, "m", 6), "-");
  EXPECT_EQ(EndOf(spans, std::string("m\0", 2), 6), "z");
  spans.Cut("a");
  EXPECT_EQ(EndOf(spans, "a", 6), "-");
  EXPECT_EQ(EndOf(spans, "b", 6), "m");
  spans.Cut("q");
  EXPECT_EQ(spans.size(), 3u);
  spans.Cut("0");
  spans.Cut("zz");
  EXPECT_EQ(spans.size(), 3u);
}

TEST(DeadSpansTest, NothingIsLeftOfOneKey) {
  DeadSpans spans;
  spans.Record("a", std::string("a\0", 2), 5);
  EXPECT_TRUE(spans.any());
  spans.Cut("a");
  EXPECT_EQ(spans.size(), 0u);
  EXPECT_FALSE(spans.any());
}

// Goal: a commit that its recorder did not see keeps a span from being
// recorded, whether or not it is visible yet.
TEST(DeadSpansTest, RecordsNothingOnceMoreWasAnnounced) {
  DeadSpans spans;
  EXPECT_FALSE(spans.Announce(6));
  spans.Record("a", "z", 5);
  EXPECT_EQ(spans.size(), 0u);
  EXPECT_FALSE(spans.any());
  spans.Record("a", "z", 6);
  EXPECT_EQ(spans.size(), 1u);
}

TEST(DeadSpansTest, JoinsWhatOverlapsOrTouches) {
  DeadSpans spans;
  spans.Record("c", "e", 5);
  spans.Record("g", "i", 6);
  spans.Record("k", "m", 7);
  spans.Record("e", "h", 8);
  EXPECT_EQ(spans.size(), 2u);
  EXPECT_EQ(EndOf(spans, "c", 8), "i");
  EXPECT_EQ(EndOf(spans, "c", 7), "-");  // As new as its newest part.
  EXPECT_EQ(EndOf(spans, "k", 7), "m");
  spans.Record("a", std::nullopt, 9);
  EXPECT_EQ(spans.size(), 1u);
  EXPECT_EQ(BeginOf(spans, std::nullopt, 9), "a");
}

TEST(DeadSpansTest, KeepsFewAndSmallOnes) {
  DeadSpans spans;
  spans.Record(std::string(100'000, 'a'), "b", 1);
  spans.Record("a", std::string(100'000, 'b'), 1);
  spans.Record("b", "b", 1);
  spans.Record("c", "b", 1);
  EXPECT_EQ(spans.size(), 0u);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(1000 + i);
    spans.Record(key, key + "0", 1);
  }
  EXPECT_EQ(spans.size(), 64u);
}

// Goal: with writers, recorders and readers side by side nobody is told that a
// key is dead which a visible write has given a value.
TEST(DeadSpansTest, NoReaderMissesAWriteBesideRecorders) {
  constexpr size_t kKeys = 400;
  const auto key_of = [](size_t i) { return std::to_string(1000 + i); };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    DeadSpans spans;
    std::atomic<SequenceNumber> visible{0};
    std::array<std::atomic<uint64_t>, kKeys> put{};  // At which number.
    std::atomic<bool> done{false};
    std::atomic<uint64_t> recorded{0};
    std::atomic<uint64_t> looked{0};

    std::thread recorder([&] {
      Random random(seed);
      for (; !done.load(); recorded.fetch_add(1)) {
        const SequenceNumber as_of = visible.load(std::memory_order_acquire);
        const auto dead = [&](size_t i) {
          const uint64_t at = put[i].load(std::memory_order_relaxed);
          return at == 0 || at > as_of;
        };
        const size_t begin = random.Uniform(kKeys);
        size_t end = begin;
        while (end < kKeys && end - begin < 20 && dead(end)) ++end;
        if (end > begin) spans.Record(key_of(begin), key_of(end), as_of);
      }
    });
    std::thread reader([&] {
      for (size_t i = 0; !done.load(); i = (i + 1) % kKeys) {
        looked.fetch_add(1);
        const SequenceNumber as_of = visible.load(std::memory_order_acquire);
        if (EndOf(spans, key_of(i), as_of) == "-") continue;
        const uint64_t at = put[i].load(std::memory_order_relaxed);
        EXPECT_TRUE(at == 0 || at > as_of) << i << " put at " << at;
      }
    });
    std::vector<size_t> order(kKeys);
    std::iota(order.begin(), order.end(), 0);
    Random random(seed);
    for (size_t i = kKeys; i > 1; --i) {
      std::swap(order[i - 1], order[random.Uniform(i)]);
    }
    SequenceNumber sequence = 0;
    for (const size_t i : order) {
      const bool cuts = spans.Announce(++sequence);
      put[i].store(sequence, std::memory_order_relaxed);
      if (cuts) spans.Cut(key_of(i));
      visible.store(sequence, std::memory_order_release);
      // So that they all come in between each other.
      while (recorded.load() < sequence / 4 || looked.load() < sequence * 20) {
        std::this_thread::yield();
      }
    }
    done.store(true);
    recorder.join();
    reader.join();
  }
}

// A reader beside a model of what it must see.
struct Reader {
  std::unique_ptr<Iterator> it;
  Contents state;
};

// Goal: whatever was written, deleted, flushed and compacted, and whoever
// walked where before, iterators of now and of snapshots show what a map does.
TEST(DeadSpansTest, IteratorsSeeWhatAMapHolds) {
  constexpr size_t kKeys = 1500;
  const auto key_of = [](size_t i) { return std::to_string(10'000 + i); };
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    ManualEnv env;
    auto opened = OpenDb(&env, QuietOptions());
    ASSERT_OK(opened);
    const std::unique_ptr<DB> db = *std::move(opened);
    Random random(seed);
    Contents state;
    std::vector<Reader> readers;
    const auto check = [](const Reader& reader, Contents::const_iterator at) {
      ASSERT_OK(reader.it->status());
      ASSERT_EQ(reader.it->Valid(), at != reader.state.end());
      if (!reader.it->Valid()) return;
      ASSERT_EQ(reader.it->key(), at->first);
      ASSERT_EQ(reader.it->value(), at->second);
    };
    for (int step = 0; step < 250; ++step) {
      const uint64_t what = random.Uniform(20);
      const size_t from = random.Uniform(kKeys);
      if (what == 0) {  // Many deletions, most of what is there.
        const size_t end = from + random.Uniform(kKeys);
        WriteBatch batch;
        for (size_t i = from; i < end && i < kKeys; ++i) {
          batch.Delete(key_of(i));
          state.erase(key_of(i));
        }
        ASSERT_OK(db->Write({}, batch));
      } else if (what < 4) {
        const std::string value = "v" + std::to_string(step);
        ASSERT_OK(db->Put({}, key_of(from), value));
        state[key_of(from)] = value;
      } else if (what == 4) {
        const size_t end = from + random.Uniform(700);
        WriteBatch batch;
        for (size_t i = from; i < end && i < kKeys; ++i) {
          batch.Put(key_of(i), "b" + std::to_string(step));
          state[key_of(i)] = "b" + std::to_string(step);
        }
        ASSERT_OK(db->Write({}, batch));
      } else if (what == 5) {
        ASSERT_OK(random.OneIn(4) ? db->CompactRange({}, {}) : db->Flush());
      } else if (what < 8) {
        if (readers.size() > 5) {
          readers.erase(readers.begin() + random.Uniform(readers.size()));
        }
        const auto snapshot = random.OneIn(2) ? db->GetSnapshot() : nullptr;
        readers.push_back(
            {db->NewIterator({.snapshot = snapshot.get()}), state});
      }
      if (readers.empty()) continue;
      // A new one each time, mostly, as most spans are for those.
      if (random.OneIn(2)) readers.push_back({db->NewIterator({}), state});
      Reader& reader =
          readers[random.OneIn(2) ? readers.size() - 1
                                  : random.Uniform(readers.size())];
      const Contents& seen = reader.state;
      Contents::const_iterator at;
      const std::string target = key_of(random.Uniform(kKeys));
      switch (random.Uniform(4)) {
        case 0:
          reader.it->SeekToFirst();
          at = seen.begin();
          break;
        case 1:
          reader.it->SeekToLast();
          at = seen.empty() ? seen.end() : std::prev(seen.end());
          break;
        case 2:
          reader.it->Seek(target);
          at = seen.lower_bound(target);
          break;
        default:
          reader.it->SeekForPrev(target);
          at = seen.upper_bound(target);
          at = at == seen.begin() ? seen.end() : std::prev(at);
      }
      ASSERT_NO_FATAL_FAILURE(check(reader, at));
      for (int move = 0; move < 6 && at != seen.end(); ++move) {
        if (random.OneIn(2)) {
          reader.it->Next();
          ++at;
        } else {
          reader.it->Prev();
          at = at == seen.begin() ? seen.end() : std::prev(at);
        }
        ASSERT_NO_FATAL_FAILURE(check(reader, at));
      }
    }
    readers.clear();
    ASSERT_OK(db->Close());
  }
}

}  // namespace
}  // namespace holdfast
