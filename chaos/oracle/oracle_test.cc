#include "chaos/oracle/oracle.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "chaos/oracle/contents.h"
#include "chaos/oracle/history.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using Map = std::map<std::string, std::string>;

// "a=1 b=-": puts and deletions.
History::Batch ParseBatch(std::string_view text) {
  History::Batch batch;
  for (std::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (parts.second == "-") {
      batch.push_back({parts.first, std::nullopt});
    } else {
      batch.push_back({parts.first, parts.second});
    }
  }
  return batch;
}

Contents ParseContents(std::string_view text) {
  Map map;
  for (const History::Change& change : ParseBatch(text)) {
    map[change.key] = *change.value;
  }
  return Contents(map);
}

// Steps, divided by ";": "put BATCH", "nolog BATCH", "begin BATCH" (in flight),
// "fail BATCH", "refuse BATCH", "sync BATCH", "syncwal", "flush", "close",
// "expose CONTENTS".
void Play(std::string_view script, History* history) {
  for (std::string_view step : absl::StrSplit(script, ';')) {
    const std::pair<std::string_view, std::string_view> parts = absl::StrSplit(
        absl::StripAsciiWhitespace(step), absl::MaxSplits(' ', 1));
    const auto& [verb, rest] = parts;
    if (verb.empty()) continue;
    if (verb == "syncwal") {
      history->MakeDurable(History::Scope::kLogged, "SyncWal");
    } else if (verb == "flush") {
      history->MakeDurable(History::Scope::kAll, "Flush");
    } else if (verb == "close") {
      history->Close();
    } else if (verb == "expose") {
      history->Expose(ParseContents(rest));
    } else {
      history->Begin(ParseBatch(rest), verb != "nolog");
      if (verb == "fail") history->Fail();
      if (verb == "refuse") history->Refuse();
      if (verb == "put" || verb == "nolog" || verb == "sync") {
        history->Acknowledge();
      }
      if (verb == "sync") {
        history->MakeDurable(History::Scope::kLogged, "a synced write");
      }
    }
  }
}

struct Row {
  const char* about;
  const char* script;
  const char* found;
  const char* broken;  // "" when all is well.
  bool power_lost = true;
  bool disk_lied = false;
};

// Goal: each broken history breaks exactly the promise that it should, and what
// is legal is let through.
TEST(OracleTest, SaysWhichPromiseBroke) {
  const Row rows[] = {
      {"empty", "", "", ""},
      {"the newest state", "put a=1; put b=2", "a=1 b=2", ""},
      {"any prefix", "put a=1; put b=2", "a=1", ""},
      {"the empty prefix", "put a=1; put b=2", "", ""},
      {"in flight, there", "sync a=1; begin b=2", "a=1 b=2", ""},
      {"in flight, not there", "sync a=1; begin b=2", "a=1", ""},
      {"failed, there", "put a=1; fail b=2", "a=1 b=2", ""},
      {"failed, and what came after it", "fail a=1; put b=2", "a=1 b=2", "D3"},
      {"failed, and durable after it", "fail a=1; sync b=2", "a=1", "D2"},
      {"two failed, both there", "fail a=1; fail b=2", "a=1 b=2", "D3"},
      {"two failed, the later", "fail a=1; fail b=2", "b=2", ""},
      {"failed, and then closed", "put a=1; fail b=2; close", "a=1 b=2", "D4"},
      {"refused", "put a=1; refuse b=2", "a=1 b=2", "D4"},

      {"half a batch", "put a=1 b=2", "a=1", "D1"},
      {"half a batch in flight", "sync x=0; begin a=1 b=2", "b=2 x=0", "D1"},
      {"half a deletion", "sync a=1 b=2; begin a=- b=-", "b=2", "D1"},
      {"a put that its batch overwrote", "put a=1 a=2", "a=1", "D1"},

      {"synced and gone", "sync a=1", "", "D2"},
      {"synced, found before it", "put a=1; sync b=2; put c=3", "a=1", "D2"},
      {"before a synced one", "put a=1; sync b=2", "b=2", "D2"},
      {"SyncWal", "put a=1; syncwal", "", "D2"},
      {"Flush", "nolog a=1; flush", "", "D2"},
      {"Close", "nolog a=1; close", "", "D2"},
      {"closed, shown, and gone", "put a=1; close; expose a=1", "", "D2"},
      {"an overwritten value", "sync a=1; sync a=2", "a=1", "D2"},

      {"acknowledged and gone with the process", "put a=1; put b=2", "a=1",
       "D2a", false},
      {"in flight as the process died", "put a=1; begin b=2", "a=1", "", false},
      {"all there as the process died", "put a=1; put b=2", "a=1 b=2", "",
       false},
      {"without a log as the process died", "put a=1; nolog b=2", "a=1", "",
       false},

      {"a hole", "put a=1; put b=2; put c=3", "a=1 c=3", "D3"},
      {"order", "put a=1; put b=2", "b=2", "D3"},
      {"a hole above the floor", "sync x=0; put a=1; put b=2", "b=2 x=0", "D3"},

      {"a value of nobody", "put a=1", "a=9", "D4"},
      {"a key of nobody", "put a=1", "a=1 z=1", "D4"},
      {"a value of another key", "put a=1; put b=2", "a=2", "D4"},
      {"a deleted key", "put a=1; put b=1; sync a=-; put c=3", "a=1 b=1 c=3",
       "D4"},
      {"an older version", "put a=1; put b=1; sync a=2; put c=3", "a=1 b=1 c=3",
       "D4"},
      {"a write of the future is not known yet", "put a=1", "b=2", "D4"},

      {"shown and taken back", "put a=1; expose a=1", "", "D5"},
      {"not shown and come back", "put a=1; put b=2; expose a=1", "a=1 b=2",
       "D5"},
      {"shown, and a write after it", "put a=1; expose a=1; put b=2", "a=1",
       ""},
      {"shown, its write lost with it", "put a=1; expose a=1; sync b=2", "",
       "D2"},

      {"without a log: later logged ones may be there", "nolog a=1; sync b=2",
       "b=2", ""},
      {"without a log: found all the same", "nolog a=1; sync b=2", "a=1 b=2",
       ""},
      {"without a log, flushed", "nolog a=1; flush; sync b=2", "b=2", "D2"},
      {"without a log: the later and not the earlier",
       "nolog a=1; nolog b=2; sync c=3", "b=2 c=3", "D3"},
      {"without a log: logged ones are still in order",
       "put a=1; nolog b=2; put c=3", "c=3", "D3"},

      {"a disk that lies: an older state", "sync a=1; sync b=2", "a=1", "",
       true, true},
      {"a disk that lies: a hole", "sync a=1; sync b=2", "b=2", "D3", true,
       true},
      {"a disk that lies: taken back", "put a=1; close; expose a=1", "", "",
       true, true},
      {"a disk that lies: half a batch", "sync a=1 b=2", "a=1", "D1", true,
       true},
  };
  for (const Row& row : rows) {
    History history;
    Play(row.script, &history);
    const Ruling ruling =
        Judge(history, history.position(),
              {.power_lost = row.power_lost, .disk_lied = row.disk_lied},
              ParseContents(row.found));
    EXPECT_EQ(PromiseName(ruling.broken), row.broken)
        << row.about << ": " << ruling.text;
    EXPECT_EQ(ruling.ok(), ruling.text.empty()) << row.about;
    if (!ruling.ok()) {
      EXPECT_TRUE(
          absl::StartsWith(ruling.text, absl::StrCat(row.broken, " is broken")))
          << ruling.text;
    }
  }
}

// Goal: the report shows the smallest difference, abbreviated.
TEST(OracleTest, ShowsTheNearestLegalState) {
  History history;
  Play("put a=1; put b=2; sync c=3; put d=4", &history);
  const Ruling ruling =
      Judge(history, history.position(), {}, ParseContents("a=1 c=3 d=4"));
  EXPECT_EQ(ruling.text,
            "D2 is broken: key \"b\" is gone, but the state after write 3 was "
            "durable by a synced write\n"
            "The nearest legal state is at the state after write 4:\n"
            "  key \"b\": found nothing, not \"2\"");
}

TEST(OracleTest, AbbreviatesLongValues) {
  History history;
  history.Begin({{"k", std::string(1000, 'v')}});
  history.Acknowledge();
  history.MakeDurable(History::Scope::kAll, "Flush");
  const Ruling ruling = Judge(history, history.position(), {}, Contents());
  EXPECT_TRUE(
      absl::StrContains(ruling.text,
                        "found nothing, not \"vvvvvvvvvvvvvvvvvvvvvvvv...\" "
                        "(1000 bytes)"))
      << ruling.text;
}

// Goal: an earlier crash is judged by what was known then.
TEST(OracleTest, JudgesAtEachPosition) {
  History history;
  Play("put a=1; sync b=2", &history);
  const Contents nothing;
  // Begin, acknowledge, begin, acknowledge, durable.
  ASSERT_EQ(history.position(), 5u);
  for (size_t position = 0; position <= 4; ++position) {
    EXPECT_TRUE(Judge(history, position, {}, nothing).ok()) << position;
  }
  EXPECT_FALSE(Judge(history, 5, {}, nothing).ok());
  EXPECT_FALSE(Judge(history, 0, {}, ParseContents("a=1")).ok());
  EXPECT_TRUE(Judge(history, 1, {}, ParseContents("a=1")).ok());
  EXPECT_FALSE(Judge(history, 2, {}, ParseContents("a=1 b=2")).ok());
  EXPECT_TRUE(Judge(history, 3, {}, ParseContents("a=1 b=2")).ok());
}

TEST(OracleTest, JudgesLaterLives) {
  History history;
  Play("put a=1; put b=2", &history);
  State exposed;
  exposed.Put("a", "1");
  State written = exposed;
  written.Put("z", "9");
  const auto judge = [&](const LaterLife& later, const char* found) {
    const Ruling ruling = JudgeAgain(history, history.position(), {}, later,
                                     ParseContents(found));
    return std::string(PromiseName(ruling.broken));
  };
  const LaterLife shown{.exposed = &exposed};
  EXPECT_EQ(judge(shown, "a=1"), "");
  EXPECT_EQ(judge(shown, ""), "D5");
  EXPECT_EQ(judge(shown, "a=1 b=2"), "D5");
  EXPECT_EQ(judge(shown, "a=1 b=3"), "D4");
  const LaterLife begun{.exposed = &exposed, .written = &written};
  EXPECT_EQ(judge(begun, "a=1"), "");
  EXPECT_EQ(judge(begun, "a=1 z=9"), "");
  const LaterLife durable{
      .exposed = &exposed, .written = &written, .durable = true};
  EXPECT_EQ(judge(durable, "a=1 z=9"), "");
  EXPECT_EQ(judge(durable, "a=1"), "D2");
  // And one that nobody synced: only a process that died takes nothing of it.
  State logged = written;
  logged.Put("zz", "9");
  LaterLife unsynced = durable;
  unsynced.logged = &logged;
  EXPECT_EQ(judge(unsynced, "a=1 z=9 zz=9"), "");
  EXPECT_EQ(judge(unsynced, "a=1 z=9"), "");
  EXPECT_EQ(judge(unsynced, "a=1"), "D2");
  unsynced.kept = true;
  EXPECT_EQ(judge(unsynced, "a=1 z=9 zz=9"), "");
  EXPECT_EQ(judge(unsynced, "a=1 z=9"), "D2a");
  unsynced.closed = true;
  EXPECT_EQ(judge(unsynced, "a=1 z=9 zz=9"), "");
  EXPECT_EQ(judge(unsynced, "a=1 z=9"), "D2");
}

TEST(OracleTest, JudgesReaders) {
  State expected;
  expected.Put("a", "1");
  EXPECT_TRUE(JudgeRead(expected, ParseContents("a=1"), "a snapshot").ok());
  const Ruling ruling = JudgeRead(expected, ParseContents("a=2"), "a snapshot");
  EXPECT_EQ(ruling.broken, Promise::kReads);
  EXPECT_EQ(ruling.text,
            "I2 is broken: a snapshot sees what it must not\n"
            "  key \"a\": found \"2\", not \"1\"");
}

// --- Against an oracle that tries everything ---------------------------------

struct Event {
  enum Kind { kWrite, kSyncWal, kFlush, kClose, kExpose } kind = kWrite;
  History::Batch batch;
  bool logged = true;
  enum Fate {
    kAcknowledged,
    kSynced,
    kFailed,
    kRefused,
    kInFlight
  } fate = kAcknowledged;
};

void ApplyTo(const History::Batch& batch, Map* map) {
  for (const History::Change& change : batch) {
    if (change.value.has_value()) {
      (*map)[change.key] = *change.value;
    } else {
      map->erase(change.key);
    }
  }
}

// Every legal state, by trying every number of logged writes, every flush and
// every uncertain write.
struct BruteForce {
  struct Done {
    History::Batch batch;
    bool logged;
  };
  Map base;
  std::vector<Done> done;
  std::vector<std::pair<size_t, History::Batch>> uncertain;
  size_t durable = 0;
  size_t flushed = 0;

  void Play(const Event& event) {
    switch (event.kind) {
      case Event::kWrite:
        if (event.fate <= Event::kSynced) {
          done.push_back({event.batch, event.logged});
          if (event.fate == Event::kSynced) durable = done.size();
        } else if (event.fate != Event::kRefused) {
          uncertain.emplace_back(done.size(), event.batch);
        }
        break;
      case Event::kSyncWal:
        durable = done.size();
        break;
      case Event::kFlush:
      case Event::kClose:
        durable = flushed = done.size();
        if (event.kind == Event::kClose) uncertain.clear();
        break;
      case Event::kExpose:
        base = Now();
        done.clear();
        uncertain.clear();
        durable = flushed = 0;
        break;
    }
  }

  Map Now() const {
    Map map = base;
    for (const Done& one : done) ApplyTo(one.batch, &map);
    return map;
  }

  std::vector<Map> Legal(bool power_lost) const {
    std::vector<Map> legal;
    const size_t floor = power_lost ? durable : done.size();
    for (size_t n = 0; n <= done.size(); ++n) {
      bool all_there = true;
      for (size_t i = n; i < floor; ++i) all_there &= !done[i].logged;
      if (!all_there) continue;
      for (size_t f = flushed; f <= n; ++f) {
        Map map = base;
        for (size_t i = 0; i < n; ++i) {
          if (i < f || done[i].logged) ApplyTo(done[i].batch, &map);
        }
        legal.push_back(map);
        for (const auto& [after, batch] : uncertain) {
          if (after != n) continue;
          Map with = map;
          ApplyTo(batch, &with);
          legal.push_back(with);
        }
      }
    }
    return legal;
  }
};

rc::Gen<History::Batch> BatchGen() {
  const auto change = rc::gen::map(
      rc::gen::tuple(rc::gen::inRange(0, 4), rc::gen::inRange(0, 4)),
      [](const std::tuple<int, int>& numbers) {
        History::Change one{std::string(1, 'a' + std::get<0>(numbers)), {}};
        if (std::get<1>(numbers) > 0) {
          one.value = absl::StrCat(std::get<1>(numbers));
        }
        return one;
      });
  return rc::gen::mapcat(rc::gen::inRange<size_t>(1, 4), [change](size_t n) {
    return rc::gen::container<History::Batch>(n, change);
  });
}

rc::Gen<Event> EventGen() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::weightedElement<Event::Kind>({{12, Event::kWrite},
                                                 {1, Event::kSyncWal},
                                                 {1, Event::kFlush},
                                                 {1, Event::kClose},
                                                 {1, Event::kExpose}}),
          BatchGen(), rc::gen::inRange(0, 4),
          rc::gen::weightedElement<Event::Fate>({{6, Event::kAcknowledged},
                                                 {1, Event::kSynced},
                                                 {2, Event::kFailed},
                                                 {1, Event::kRefused}})),
      [](const std::tuple<Event::Kind, History::Batch, int, Event::Fate>& t) {
        Event event;
        event.kind = std::get<0>(t);
        event.batch = std::get<1>(t);
        event.fate = std::get<3>(t);
        event.logged = std::get<2>(t) > 0 || event.fate == Event::kSynced;
        return event;
      });
}

void PlayOn(const Event& event, const Map& now, History* history) {
  switch (event.kind) {
    case Event::kWrite:
      history->Begin(event.batch, event.logged);
      if (event.fate <= Event::kSynced) history->Acknowledge();
      if (event.fate == Event::kFailed) history->Fail();
      if (event.fate == Event::kRefused) history->Refuse();
      if (event.fate == Event::kSynced) {
        history->MakeDurable(History::Scope::kLogged, "sync");
      }
      break;
    case Event::kSyncWal:
      history->MakeDurable(History::Scope::kLogged, "SyncWal");
      break;
    case Event::kFlush:
      history->MakeDurable(History::Scope::kAll, "Flush");
      break;
    case Event::kClose:
      history->Close();
      break;
    case Event::kExpose:
      history->Expose(Contents(now));
      break;
  }
}

RC_GTEST_PROP(OraclePropTest, AgreesWithTryingEverything, ()) {
  const auto events = *rc::gen::container<std::vector<Event>>(EventGen());
  const bool power_lost = *rc::gen::arbitrary<bool>();
  const bool in_flight = *rc::gen::arbitrary<bool>();
  History history;
  BruteForce brute;
  for (const Event& event : events) {
    PlayOn(event, brute.Now(), &history);
    brute.Play(event);
  }
  if (in_flight) {
    Event last;
    last.batch = *BatchGen();
    last.fate = Event::kInFlight;
    history.Begin(last.batch);
    brute.Play(last);
  }
  const std::vector<Map> legal = brute.Legal(power_lost);
  const Circumstances circumstances{.power_lost = power_lost};
  // Half of the states that are tried are legal ones with a change.
  Map found = *rc::gen::elementOf(legal);
  if (*rc::gen::arbitrary<bool>()) ApplyTo(*BatchGen(), &found);
  bool expected = false;
  for (const Map& one : legal) expected = expected || one == found;
  const Ruling ruling =
      Judge(history, history.position(), circumstances, Contents(found));
  RC_ASSERT(ruling.ok() == expected);
  RC_ASSERT(ruling.text.empty() == expected);
}

}  // namespace
}  // namespace holdfast
