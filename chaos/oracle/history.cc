#include "chaos/oracle/history.h"

#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

constexpr size_t kForEver = std::numeric_limits<size_t>::max();

}  // namespace

History::History() {
  line_.emplace_back();
  positions_.emplace_back();
}

void History::Apply(size_t write, State* state) const {
  for (const Change& change : writes_[write].batch) {
    if (change.value.has_value()) {
      state->Put(change.key, *change.value);
    } else {
      state->Delete(change.key);
    }
  }
}

void History::Begin(Batch batch, bool logged) {
  HF_CHECK(!in_flight_);
  in_flight_ = true;
  writes_.push_back({std::move(batch), logged});
  Uncertain uncertain;
  uncertain.write = writes_.size() - 1;
  uncertain.after = last();
  uncertain.born = position() + 1;
  uncertain.died = kForEver;
  uncertain.state = now();
  Apply(uncertain.write, &uncertain.state);
  uncertain_.push_back(std::move(uncertain));
  Push(at(position()));
}

void History::Acknowledge() {
  HF_CHECK(in_flight_);
  in_flight_ = false;
  Uncertain& write = uncertain_.back();
  write.died = position() + 1;
  line_.push_back({write.write, write.state});
  Position next = at(position());
  next.last = last();
  Push(next);
}

void History::Fail() {
  HF_CHECK(in_flight_);
  in_flight_ = false;
  Push(at(position()));
}

void History::Refuse() {
  HF_CHECK(in_flight_);
  in_flight_ = false;
  uncertain_.back().died = position() + 1;
  Position next = at(position());
  ++next.taken_back;
  Push(next);
}

void History::MakeDurable(Scope scope, std::string_view how) {
  Position next = at(position());
  next.durable = last();
  next.durable_by = how;
  if (scope == Scope::kAll) next.flushed = last();
  Push(next);
}

void History::TakeBack(Position* next) {
  for (Uncertain& uncertain : uncertain_) {
    if (uncertain.died == kForEver) uncertain.died = position() + 1;
  }
  ++next->taken_back;
}

void History::Close() {
  Position next = at(position());
  TakeBack(&next);
  next.durable = next.flushed = last();
  next.durable_by = "Close";
  Push(next);
}

void History::Expose(const Contents& found) {
  in_flight_ = false;
  exposed_.push_back(found);
  const Contents& kept = exposed_.back();
  Step step;
  for (size_t i = 0; i < kept.size(); ++i) {
    step.state.Put(kept.key(i), kept.value(i));
  }
  line_.push_back(std::move(step));
  Position next = at(position());
  TakeBack(&next);
  next.last = last();
  next.exposed = last();
  next.flushed = last();
  Push(next);
}

}  // namespace holdfast
