#include "tests/util/numbered_writes.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

constexpr uint64_t kKeys = 100;

class ToBatch final : public WriteBatch::Handler {
 public:
  void Put(std::string_view key, std::string_view value) override {
    batch.Put(key, value);
  }
  void Delete(std::string_view key) override { batch.Delete(key); }

  WriteBatch batch;
};

class ToContents final : public WriteBatch::Handler {
 public:
  void Put(std::string_view key, std::string_view value) override {
    contents[std::string(key)] = value;
  }
  void Delete(std::string_view key) override {
    contents.erase(std::string(key));
  }

  Contents contents;
};

}  // namespace

void NumberedWrites::Changes(int i, WriteBatch::Handler& handler) const {
  Random random(seed_ * 1'000'003 + static_cast<uint64_t>(i));
  handler.Put("last", absl::StrCat(i));
  const uint64_t puts = 1 + random.Uniform(3);
  for (uint64_t change = 0; change < puts; ++change) {
    const char fill = static_cast<char>('a' + random.Uniform(26));
    handler.Put(
        absl::StrCat("key", random.Uniform(kKeys)),
        absl::StrCat(i, ":", std::string(random.Uniform(value_bytes_), fill)));
  }
  handler.Delete(absl::StrCat("key", random.Uniform(kKeys)));
}

WriteBatch NumberedWrites::Batch(int i) const {
  ToBatch to;
  Changes(i, to);
  return to.batch;
}

Contents NumberedWrites::After(int count) const {
  ToContents to;
  for (int i = 1; i <= count; ++i) Changes(i, to);
  return to.contents;
}

absl::StatusOr<int> NumberedWrites::Recovered(DB& db) const {
  HF_ASSIGN_OR_RETURN(const Contents contents, ReadForward(db));
  int count = 0;
  const auto last = contents.find("last");
  if (last != contents.end() && !absl::SimpleAtoi(last->second, &count)) {
    return absl::InternalError(
        absl::StrCat("the key last is ", Shown(last->second)));
  }
  const testing::AssertionResult same = Holds(db, After(count));
  if (!same) {
    return absl::InternalError(
        absl::StrCat("the key last is ", count, ", but ", same.message()));
  }
  return count;
}

}  // namespace holdfast
