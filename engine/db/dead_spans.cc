#include "engine/db/dead_spans.h"

#include <iterator>
#include <utility>

#include "base/mutant.h"

namespace holdfast {

void DeadSpans::Cut(std::string_view user_key) {
  if (HF_MUTANT("dead_spans.a_value_cuts")) return;
  MutexLock lock(&mu_);
  auto it = spans_.upper_bound(user_key);
  if (it == spans_.begin()) return;
  --it;
  if (!EndsAfter(it->second, user_key)) return;
  // What is left of it on both sides is as dead as before.
  std::string after(user_key);
  after.push_back('\0');
  Span right{std::move(it->second.end), it->second.sequence};
  if (it->first == user_key) {
    spans_.erase(it);
  } else {
    it->second.end.emplace(user_key);
  }
  if (spans_.size() < kMaxSpans && EndsAfter(right, after)) {
    spans_.emplace(std::move(after), std::move(right));
  }
  any_.store(!spans_.empty(), std::memory_order_relaxed);
}

bool DeadSpans::FindEnd(std::string_view user_key, SequenceNumber as_of,
                        End* end) const {
  MutexLock lock(&mu_);
  auto it = spans_.upper_bound(user_key);
  if (it == spans_.begin()) return false;
  const Span& span = std::prev(it)->second;
  if (!EndsAfter(span, user_key)) return false;
  if (span.sequence > as_of && !HF_MUTANT("dead_spans.not_for_older_readers")) {
    return false;
  }
  *end = span.end;
  return true;
}

bool DeadSpans::FindBegin(const std::optional<std::string_view>& end,
                          SequenceNumber as_of, std::string* begin) const {
  MutexLock lock(&mu_);
  auto it = end.has_value() ? spans_.lower_bound(*end) : spans_.end();
  if (it == spans_.begin()) return false;
  --it;
  const Span& span = it->second;
  if (span.end.has_value() && (!end.has_value() || *span.end < *end)) {
    return false;
  }
  if (span.sequence > as_of) return false;
  *begin = it->first;
  return true;
}

void DeadSpans::Record(std::string_view begin, const End& end,
                       SequenceNumber as_of) {
  if (begin.size() > kMaxKeyBytes) return;
  if (end.has_value() && (end->size() > kMaxKeyBytes || *end <= begin)) return;
  MutexLock lock(&mu_);
  any_.store(true, std::memory_order_seq_cst);  // Partner: Announce.
  if (announced_.load(std::memory_order_seq_cst) > as_of &&
      !HF_MUTANT("dead_spans.nothing_committed_since")) {
    any_.store(!spans_.empty(), std::memory_order_relaxed);
    return;
  }
  // One span out of it and all that it overlaps or touches.
  std::string first(begin);
  Span whole{end, as_of};
  auto it = spans_.upper_bound(begin);
  if (it != spans_.begin()) {
    const auto before = std::prev(it);
    const End& its_end = before->second.end;
    if (!its_end.has_value() || *its_end >= begin) it = before;
  }
  while (it != spans_.end() &&
         (!whole.end.has_value() || it->first <= *whole.end)) {
    if (it->first < first) first = it->first;
    if (whole.end.has_value() &&
        (!it->second.end.has_value() || *it->second.end > *whole.end)) {
      whole.end = std::move(it->second.end);
    }
    if (it->second.sequence > whole.sequence) {
      whole.sequence = it->second.sequence;
    }
    it = spans_.erase(it);
  }
  if (spans_.size() < kMaxSpans) {
    spans_.emplace(std::move(first), std::move(whole));
  }
  any_.store(!spans_.empty(), std::memory_order_relaxed);
}

size_t DeadSpans::size() const {
  MutexLock lock(&mu_);
  return spans_.size();
}

}  // namespace holdfast
