#include "chaos/db/read_all.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/pinned_value.h"

namespace holdfast {
namespace {

absl::Status ReadBackward(DB& db, const ReadOptions& options,
                          const Contents& contents, std::string* wrong) {
  const std::unique_ptr<Iterator> it = db.NewIterator(options);
  size_t left = contents.size();
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    if (left == 0 || it->key() != contents.key(left - 1) ||
        it->value() != contents.value(left - 1)) {
      *wrong = absl::StrCat("backward, key \"", absl::CHexEscape(it->key()),
                            "\" is not as forward");
      return absl::OkStatus();
    }
    --left;
  }
  HF_RETURN_IF_ERROR(it->status());
  if (left > 0) {
    *wrong = absl::StrCat("backward, the first ", left, " entries are missing");
  }
  return absl::OkStatus();
}

absl::Status ReadKeys(DB& db, const ReadOptions& options,
                      const Contents& contents,
                      absl::Span<const std::string> keys, std::string* wrong) {
  PinnedValue value;
  for (const std::string& key : keys) {
    const absl::Status status = db.Get(options, key, &value);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    const size_t index = contents.Find(key);
    const bool there = index < contents.size();
    if (there == status.ok() &&
        (!there || value.view() == contents.value(index))) {
      continue;
    }
    *wrong =
        absl::StrCat("Get of key \"", absl::CHexEscape(key), "\" ",
                     status.ok() ? "gives a value" : "finds nothing",
                     "; an iterator ", there ? "shows another" : "shows none");
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadForward(Iterator& it, Contents* contents) {
  contents->Clear();
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    contents->Add(it.key(), it.value());
  }
  return it.status();
}

absl::Status ReadOtherwise(DB& db, const ReadOptions& options,
                           const Contents& contents,
                           absl::Span<const std::string> keys, bool backward,
                           std::string* wrong) {
  if (backward) {
    HF_RETURN_IF_ERROR(ReadBackward(db, options, contents, wrong));
  }
  if (!wrong->empty()) return absl::OkStatus();
  return ReadKeys(db, options, contents, keys, wrong);
}

}  // namespace holdfast
