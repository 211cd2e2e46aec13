#include "engine/table/block_builder.h"

#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "engine/format/key_step.h"
#include "engine/format/table_layout.h"

namespace holdfast {
namespace {

// A buffer larger than this is given back after its block.
constexpr size_t kMaxKeptBytes = size_t{8} << 20;

}  // namespace

BlockBuilder::BlockBuilder(int restart_interval)
    : restart_interval_(static_cast<size_t>(restart_interval)) {
  HF_CHECK(restart_interval > 0);
  HF_CHECK(restart_interval <= kMaxRestartInterval);
}

void BlockBuilder::Add(std::string_view key, std::string_view value) {
  Add(key, value, SharedPrefix(last_key_, key));
}

void BlockBuilder::Add(std::string_view key, std::string_view value,
                       size_t shared) {
  HF_CHECK(BytesWith(key, value) <= UINT32_MAX);
  HF_DCHECK(shared == SharedPrefix(last_key_, key));
  last_key_.resize(shared);
  last_key_.append(key.substr(shared));
  if (restarts_.empty() || since_restart_ == restart_interval_) {
    restarts_.push_back(static_cast<uint32_t>(payload_.size()));
    since_restart_ = 0;
    shared = 0;
  }
  ++since_restart_;
  const size_t own = key.size() - shared;
  char lengths[3 * kMaxVarint32Bytes];
  char* end = EncodeVarint32(lengths, static_cast<uint32_t>(shared));
  end = EncodeVarint32(end, static_cast<uint32_t>(own));
  end = EncodeVarint32(end, static_cast<uint32_t>(value.size()));
  payload_.append(lengths, static_cast<size_t>(end - lengths));
  payload_.append(key.substr(shared));
  payload_.append(value);
}

std::string& BlockBuilder::Finish() {
  HF_CHECK(!empty());
  for (const uint32_t restart : restarts_) PutFixed32(&payload_, restart);
  PutFixed32(&payload_, static_cast<uint32_t>(restarts_.size()));
  return payload_;
}

void BlockBuilder::Reset() {
  if (payload_.capacity() > kMaxKeptBytes) std::string().swap(payload_);
  payload_.clear();
  restarts_.clear();
  since_restart_ = 0;
}

size_t BlockBuilder::BytesWith(std::string_view key,
                               std::string_view value) const {
  return bytes() + 3 * kMaxVarint32Bytes + key.size() + value.size() +
         sizeof(uint32_t);
}

}  // namespace holdfast
