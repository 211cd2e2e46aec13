#include "chaos/oracle/oracle.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

constexpr size_t kMostKeysShown = 8;
constexpr size_t kMostBytesShown = 24;

std::string Show(std::string_view bytes) {
  if (bytes.size() <= kMostBytesShown) {
    return absl::StrCat("\"", absl::CHexEscape(bytes), "\"");
  }
  return absl::StrCat("\"", absl::CHexEscape(bytes.substr(0, kMostBytesShown)),
                      "...\" (", bytes.size(), " bytes)");
}

// --- Differences -------------------------------------------------------------

struct Difference {
  std::string_view key;
  const std::string_view* found;  // nullptr: absent.
  const std::string_view* legal;
};

// Calls `visit` with each key that differs, and what each side has.
template <typename Visitor>
void ForEachDifference(const State& state, const Contents& found,
                       Visitor visit) {
  size_t i = 0;
  size_t j = 0;
  while (i < state.entries.size() || j < found.size()) {
    const bool has_state = i < state.entries.size();
    const bool has_found = j < found.size();
    const bool take_state =
        has_state && (!has_found || state.entries[i].key <= found.key(j));
    const bool take_found =
        has_found && (!has_state || found.key(j) <= state.entries[i].key);
    std::string_view key;
    std::string_view state_value;
    std::string_view found_value;
    if (take_state) {
      key = state.entries[i].key;
      state_value = state.entries[i].value;
      ++i;
    }
    if (take_found) {
      key = found.key(j);
      found_value = found.value(j);
      ++j;
    }
    if (take_state && take_found && state_value == found_value) continue;
    visit(Difference{key, take_found ? &found_value : nullptr,
                     take_state ? &state_value : nullptr});
  }
}

size_t CountDifferences(const State& state, const Contents& found) {
  size_t count = 0;
  ForEachDifference(state, found, [&](const Difference&) { ++count; });
  return count;
}

std::string ShowDifferences(const State& state, const Contents& found) {
  std::string text;
  size_t count = 0;
  ForEachDifference(state, found, [&](const Difference& d) {
    if (++count > kMostKeysShown) return;
    absl::StrAppend(&text, "\n  key ", Show(d.key), ": found ",
                    d.found == nullptr ? "nothing" : Show(*d.found), ", not ",
                    d.legal == nullptr ? "nothing" : Show(*d.legal));
  });
  if (count > kMostKeysShown) {
    absl::StrAppend(&text, "\n  and ", count - kMostKeysShown, " more keys");
  }
  return text;
}

// --- What is legal -----------------------------------------------------------

class Judgement {
 public:
  Judgement(const History& history, size_t position,
            const Circumstances& circumstances, const Contents& found)
      : history_(history),
        position_(position),
        at_(history.at(position)),
        circumstances_(circumstances),
        found_(found) {
    if (circumstances.disk_lied) return;
    floor_ = std::max(at_.durable, at_.exposed);
    flushed_ = at_.flushed;
    if (!circumstances.power_lost) floor_ = at_.last;
  }

  Ruling Run() {
    if (IsLegal()) return {};
    return WhichBroke();
  }

 private:
  // Calls `visit` with each legal state and its index, until it says true.
  // A state after a write without a log is among them: memtables are flushed
  // by themselves as well.
  template <typename V>
  bool AnyLegal(V visit) const {
    for (size_t i = at_.last + 1; i-- > floor_;) {
      if (visit(history_.line()[i].state, i)) return true;
    }
    for (const History::Uncertain& uncertain : history_.uncertain()) {
      if (uncertain.born > position_) break;
      if (!Lives(uncertain) || uncertain.after < floor_) continue;
      if (visit(uncertain.state, uncertain.after)) return true;
    }
    return AnyWithoutUnlogged(visit);
  }

  bool Lives(const History::Uncertain& uncertain) const {
    return circumstances_.disk_lied || position_ < uncertain.died;
  }

  const History::Write* WriteOf(size_t index) const {
    const size_t write = history_.line()[index].write;
    return write == History::kNoWrite ? nullptr : &history_.writes()[write];
  }

  // States in which writes without a log are missing from some flush on, while
  // logged ones after it are there.
  template <typename V>
  bool AnyWithoutUnlogged(V visit) const {
    bool any = false;
    for (size_t i = flushed_ + 1; i <= at_.last && !any; ++i) {
      const History::Write* write = WriteOf(i);
      any = write != nullptr && !write->logged;
    }
    if (!any) return false;
    for (size_t flushed = flushed_; flushed <= at_.last; ++flushed) {
      State state = history_.line()[flushed].state;
      for (size_t i = flushed;; ++i) {
        if (i > flushed) ApplyLogged(i, &state);
        if (AllLoggedIn(i) && VisitWith(i, state, visit)) return true;
        if (i == at_.last) break;
      }
    }
    return false;
  }

  // Whether the state after `index` and logged writes up to it holds all that
  // must be there: logged writes after it are not durable.
  bool AllLoggedIn(size_t index) const {
    for (size_t i = index + 1; i <= floor_ && i <= at_.last; ++i) {
      const History::Write* write = WriteOf(i);
      if (write == nullptr || write->logged) return false;
    }
    return true;
  }

  template <typename V>
  bool VisitWith(size_t index, const State& state, V visit) const {
    if (visit(state, index)) return true;
    for (const History::Uncertain& uncertain : history_.uncertain()) {
      if (uncertain.born > position_) break;
      if (!Lives(uncertain) || uncertain.after != index) continue;
      State with = state;
      Apply(history_.writes()[uncertain.write], &with);
      if (visit(with, index)) return true;
    }
    return false;
  }

  void ApplyLogged(size_t index, State* state) const {
    const History::Write* write = WriteOf(index);
    if (write == nullptr) {
      *state = history_.line()[index].state;  // An exposure: all of it.
    } else if (write->logged) {
      Apply(*write, state);
    }
  }

  static void Apply(const History::Write& write, State* state) {
    for (const History::Change& change : write.batch) {
      if (change.value.has_value()) {
        state->Put(change.key, *change.value);
      } else {
        state->Delete(change.key);
      }
    }
  }

  bool IsLegal() const {
    return AnyLegal(
        [&](const State& state, size_t) { return Equal(state, found_); });
  }

  // --- Which promise broke, when none of the legal states was found.

  Ruling WhichBroke() const {
    std::string why;
    Promise broken = Promise::kPrefix;
    if (!FindInvented(&broken, &why) && !FindKnownState(&broken, &why) &&
        !FindPartOfBatch(&broken, &why) && !FindLostKey(&broken, &why)) {
      why =
          "each key alone may be as it was found, but no point in the order of "
          "writes has all of them";
    }
    return {broken,
            absl::StrCat(PromiseName(broken), " is broken: ", why, Nearest())};
  }

  std::string Name(size_t index) const {
    if (index == 0) return "the empty state";
    const size_t write = history_.line()[index].write;
    if (write == History::kNoWrite) return "the state shown before";
    return absl::StrCat("the state after write ", write + 1);
  }

  // The promise that keeps a state before the floor from being legal.
  Promise WhyNotBefore(size_t index) const {
    // What was shown counts as shown, even when it was made durable again.
    if (index < at_.durable && at_.durable != at_.exposed) {
      return Promise::kDurable;
    }
    return index < at_.exposed ? Promise::kFinal : Promise::kKept;
  }

  std::string AboutFloor(Promise promise) const {
    switch (promise) {
      case Promise::kDurable:
        return absl::StrCat(Name(at_.durable), " was durable by ",
                            at_.durable_by);
      case Promise::kFinal:
        return "a later state had been shown to a reader";
      default:
        return absl::StrCat(Name(at_.last),
                            " was acknowledged and power was not lost");
    }
  }

  bool FindKnownState(Promise* broken, std::string* why) const {
    for (size_t i = std::min(floor_, at_.last + 1); i-- > 0;) {
      if (!Equal(history_.line()[i].state, found_)) continue;
      *broken = WhyNotBefore(i);
      *why = absl::StrCat("found ", Name(i), ", but ", AboutFloor(*broken));
      return true;
    }
    for (const History::Uncertain& uncertain : history_.uncertain()) {
      if (uncertain.born > position_) break;
      if (!Equal(uncertain.state, found_)) continue;
      if (uncertain.after >= floor_) {
        *broken = Promise::kInvented;
        *why = absl::StrCat("found write ", uncertain.write + 1,
                            ", which nobody may find any more: it was refused, "
                            "or failed in a life that is over");
        return true;
      }
      *broken = WhyNotBefore(uncertain.after);
      *why = absl::StrCat("found ", Name(uncertain.after), " and write ",
                          uncertain.write + 1, ", but ", AboutFloor(*broken));
      return true;
    }
    return false;
  }

  bool WasEverWritten(std::string_view key, std::string_view value) const {
    for (const History::Uncertain& uncertain : history_.uncertain()) {
      if (uncertain.born > position_) break;
      for (const History::Change& change :
           history_.writes()[uncertain.write].batch) {
        if (change.key == key && change.value == value) return true;
      }
    }
    for (size_t i = 0; i <= at_.last; ++i) {
      const State::Entry* entry = history_.line()[i].state.Find(key);
      if (entry != nullptr && entry->value == value) return true;
    }
    return false;
  }

  bool FindInvented(Promise* broken, std::string* why) const {
    for (size_t i = 0; i < found_.size(); ++i) {
      if (WasEverWritten(found_.key(i), found_.value(i))) continue;
      *broken = Promise::kInvented;
      *why = absl::StrCat("nobody ever wrote ", Show(found_.value(i)),
                          " to key ", Show(found_.key(i)));
      return true;
    }
    return false;
  }

  // Whether found_ is `before` and a part of `write`.
  bool IsPartOf(const History::Write& write, const State& before) const {
    bool is_part = true;
    ForEachDifference(before, found_, [&](const Difference& d) {
      const bool of_write =
          std::any_of(write.batch.begin(), write.batch.end(),
                      [&](const History::Change& change) {
                        if (change.key != d.key) return false;
                        if (!change.value.has_value())
                          return d.found == nullptr;
                        return d.found != nullptr && *change.value == *d.found;
                      });
      is_part = is_part && of_write;
    });
    return is_part;
  }

  bool FindPartOfBatch(Promise* broken, std::string* why) const {
    for (auto it = history_.uncertain().rbegin();
         it != history_.uncertain().rend(); ++it) {
      if (it->born > position_) continue;
      const History::Write& write = history_.writes()[it->write];
      if (write.batch.size() < 2) continue;
      if (!IsPartOf(write, history_.line()[it->after].state)) continue;
      *broken = Promise::kAtomic;
      *why = absl::StrCat("found a part of write ", it->write + 1, ", of ",
                          write.batch.size(), " changes");
      return true;
    }
    return false;
  }

  // A key whose value no legal state has.
  bool FindLostKey(Promise* broken, std::string* why) const {
    std::set<std::string_view> keys;
    for (size_t i = 0; i < found_.size(); ++i) keys.insert(found_.key(i));
    for (const State::Entry& entry : history_.line()[floor_].state.entries) {
      keys.insert(entry.key);
    }
    for (const std::string_view key : keys) {
      const size_t index = found_.Find(key);
      const bool there = index < found_.size();
      const bool legal = AnyLegal([&](const State& state, size_t) {
        const State::Entry* entry = state.Find(key);
        return there ? entry != nullptr && entry->value == found_.value(index)
                     : entry == nullptr;
      });
      if (legal) continue;
      if (!there) {
        *broken = WhyNotBefore(FirstIndexOf(key));
        *why = absl::StrCat("key ", Show(key), " is gone, but ",
                            AboutFloor(*broken));
      } else {
        *broken = Promise::kInvented;
        *why = absl::StrCat("key ", Show(key), " has the old value ",
                            Show(found_.value(index)), ", though ",
                            history_.line()[floor_].state.Find(key) == nullptr
                                ? "its deletion"
                                : "a newer one",
                            " must have survived");
      }
      return true;
    }
    return false;
  }

  // The last state before the floor that does not have the key as the state at
  // the floor does.
  size_t FirstIndexOf(std::string_view key) const {
    for (size_t i = floor_; i-- > 0;) {
      if (history_.line()[i].state.Find(key) == nullptr) return i;
    }
    return 0;
  }

  std::string Nearest() const {
    const State* nearest = nullptr;
    State copy;  // Some legal states live only while they are visited.
    size_t nearest_index = 0;
    size_t fewest = std::numeric_limits<size_t>::max();
    AnyLegal([&](const State& state, size_t index) {
      const size_t count = CountDifferences(state, found_);
      if (count < fewest) {
        fewest = count;
        copy = state;
        nearest = &copy;
        nearest_index = index;
      }
      return false;
    });
    if (nearest == nullptr) return "";
    return absl::StrCat("\nThe nearest legal state is at ", Name(nearest_index),
                        ":", ShowDifferences(*nearest, found_));
  }

  const History& history_;
  const size_t position_;
  const History::Position& at_;
  const Circumstances circumstances_;
  const Contents& found_;
  size_t floor_ = 0;
  size_t flushed_ = 0;
};

}  // namespace

std::string_view PromiseName(Promise promise) {
  switch (promise) {
    case Promise::kNone:
      return "";
    case Promise::kAtomic:
      return "D1";
    case Promise::kDurable:
      return "D2";
    case Promise::kKept:
      return "D2a";
    case Promise::kPrefix:
      return "D3";
    case Promise::kInvented:
      return "D4";
    case Promise::kFinal:
      return "D5";
    case Promise::kReads:
      return "I2";
  }
  return "?";
}

Ruling Judge(const History& history, size_t position,
             const Circumstances& circumstances, const Contents& found) {
  return Judgement(history, position, circumstances, found).Run();
}

Ruling JudgeAgain(const History& history, size_t position,
                  const Circumstances& circumstances, const LaterLife& later,
                  const Contents& found) {
  if (later.logged != nullptr && Equal(*later.logged, found)) return {};
  if (later.kept || later.closed) {
    const bool kept = !later.closed;
    return {kept ? Promise::kKept : Promise::kDurable,
            absl::StrCat(kept ? "D2a" : "D2", " is broken: a later life ",
                         kept ? "was told that a write was made, and only its "
                                "process died"
                              : "closed the database after a write",
                         ShowDifferences(*later.logged, found))};
  }
  if (later.written != nullptr && Equal(*later.written, found)) return {};
  if (Equal(*later.exposed, found)) {
    if (later.written == nullptr || !later.durable) return {};
    return {Promise::kDurable,
            absl::StrCat("D2 is broken: a later life made a write durable; "
                         "found what it had begun with",
                         ShowDifferences(*later.written, found))};
  }
  Ruling first = Judge(history, position, circumstances, found);
  if (circumstances.disk_lied) return first;
  if (!first.ok() && first.broken != Promise::kPrefix) return first;
  return {Promise::kFinal,
          absl::StrCat("D5 is broken: an earlier recovery had shown another "
                       "state",
                       ShowDifferences(*later.exposed, found))};
}

Ruling JudgeRead(const State& expected, const Contents& found,
                 std::string_view who) {
  if (Equal(expected, found)) return {};
  return {Promise::kReads,
          absl::StrCat("I2 is broken: ", who, " sees what it must not",
                       ShowDifferences(expected, found))};
}

}  // namespace holdfast
