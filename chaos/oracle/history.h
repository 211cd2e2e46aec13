// What was written to a database, in the order of its commits, and what was
// promised about it, moment by moment. Nothing here decides what is legal: see
// chaos/oracle/oracle.h.
//
//   History history;
//   history.Begin({{"a", "1"}, {"b", std::nullopt}});   // a put, a deletion
//   status = db->Write({.sync = true}, batch);
//   if (status.ok()) {
//     history.Acknowledge();
//     history.MakeDurable(History::Scope::kLogged, "sync");
//   } else {
//     history.Fail();
//   }
//
// Each call is an event. A position is a number of events: what was known then.
//
// Invariants:
// (1) A line is the state after each acknowledged write, [0] the empty one; an
//     exposure begins it anew at its end.
// (2) Positions never change once made, so that a crash at an earlier one can
//     be judged at any time.
//
// Thread-compatible.

#ifndef HOLDFAST_CHAOS_ORACLE_HISTORY_H_
#define HOLDFAST_CHAOS_ORACLE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/oracle/contents.h"

namespace holdfast {

class History {
 public:
  struct Change {
    std::string key;
    std::optional<std::string> value;  // nullopt: a deletion.
  };
  using Batch = std::vector<Change>;

  // What a call that makes things durable covers.
  enum class Scope {
    kLogged,  // A synced write, SyncWal: not what was written without a log.
    kAll,     // Flush, Close, Resume.
  };

  // What was known at a position. Indices are into the line.
  struct Position {
    size_t last = 0;     // What readers see.
    size_t durable = 0;  // Logged writes up to it survive a loss of power.
    size_t flushed = 0;  // Those without a log, too.
    size_t exposed = 0;  // Where the life of the process began.
    std::string_view durable_by = "nothing";
    // How often writes that a crash might have left ceased to be such.
    size_t taken_back = 0;
  };

  // A write that was in flight or failed: found whole or not at all.
  struct Uncertain {
    size_t write = 0;
    size_t after = 0;  // Index of the state that it follows.
    size_t born = 0;   // From this position on,
    size_t died = 0;   // and before this one.
    State state;
  };

  struct Write {
    Batch batch;
    bool logged = true;
  };

  static constexpr size_t kNoWrite = std::numeric_limits<size_t>::max();
  struct Step {
    size_t write = kNoWrite;  // That led to the state; none of an exposure.
    State state;
  };

  History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // A write is about to be made. REQUIRES: none is in flight.
  void Begin(Batch batch, bool logged = true);
  // It returned OK: readers see it, and no death of the process takes it.
  void Acknowledge();
  // It failed: readers do not see it, and the next process may find it.
  void Fail();
  // It was refused before anything was written: nobody ever finds it.
  void Refuse();
  // A call returned OK that promises this of all that was acknowledged.
  // `how` lives as long as the history: a literal.
  void MakeDurable(Scope scope, std::string_view how);
  // Close returned OK: all is durable, and failed writes are gone.
  void Close();
  // A process that began anew showed this, which the oracle allowed.
  void Expose(const Contents& found);

  // The number of events so far.
  size_t position() const { return positions_.size() - 1; }
  const Position& at(size_t position) const { return positions_[position]; }
  // What readers must see now.
  const State& now() const { return line_.back().state; }
  size_t last() const { return line_.size() - 1; }

  const std::deque<Step>& line() const { return line_; }
  const std::deque<Write>& writes() const { return writes_; }
  const std::deque<Uncertain>& uncertain() const { return uncertain_; }

 private:
  void Apply(size_t write, State* state) const;
  void Push(const Position& position) { positions_.push_back(position); }
  void TakeBack(Position* next);

  // Deques: states point into what they hold.
  std::deque<Write> writes_;
  std::deque<Contents> exposed_;
  std::deque<Step> line_;
  std::deque<Uncertain> uncertain_;
  std::deque<Position> positions_;
  bool in_flight_ = false;  // uncertain_.back() is.
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_ORACLE_HISTORY_H_
