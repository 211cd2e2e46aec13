#include "base/status_util.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace holdfast {

absl::Status DataLoss(std::string_view file, uint64_t offset,
                      std::string_view why) {
  return absl::DataLossError(
      absl::StrCat(file, " at offset ", offset, ": ", why));
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(),
                      absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&result](absl::string_view url, const absl::Cord& payload) {
        result.SetPayload(url, payload);
      });
  return result;
}

}  // namespace holdfast
