#include <memory>
#include <string_view>
#include <utility>

#include "base/status_util.h"
#include "engine/db/db_impl.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"

// The one place where the engine meets the operating system: a database that
// was given no environment gets one of its own.

namespace holdfast {

absl::StatusOr<std::unique_ptr<DB>> DB::Open(const Options& options,
                                             std::string_view path) {
  HF_RETURN_IF_ERROR(ValidateOptions(options));
  std::unique_ptr<Env> own_env;
  if (options.env == nullptr) {
    own_env = NewPosixEnv({.background_threads = options.background_threads});
  }
  Env* const env = options.env != nullptr ? options.env : own_env.get();
  return DbImpl::Open(options, env, std::move(own_env), path);
}

absl::Status DB::Destroy(const Options& options, std::string_view path) {
  if (options.env != nullptr) return DbImpl::Destroy(options.env, path);
  const std::unique_ptr<Env> env = NewPosixEnv();
  return DbImpl::Destroy(env.get(), path);
}

}  // namespace holdfast
