#include "engine/db/core.h"

#include <utility>

namespace holdfast {

DbCore::DbCore(const Options& options_in, Env* env, std::string dir_in)
    : options(options_in),
      file_system(env->file_system()),
      clock(env->clock()),
      executor(env->executor()),
      dir(std::move(dir_in)),
      // Idle is at most what a flushed memtable leaves behind.
      pages(env, options.memtable_bytes),
      block_memory(&pages, options.block_cache_bytes),
      block_cache(options.block_cache_bytes, BlockCache::kUsualShardBits,
                  &block_memory),
      table_cache(&file_system, dir, &block_cache, &epochs,
                  options.max_open_tables),
      views(&epochs),
      versions({&file_system, dir, options.manifest_roll_bytes}) {}

std::shared_ptr<MemTable> DbCore::NewMemTable() {
  return std::make_shared<MemTable>(
      MemTable::FilterBytesFor(options.memtable_bytes), &pages);
}

void DbCore::PublishView() {
  auto view = std::make_shared<ReadView>();
  view->active = active;
  view->frozen.reserve(frozen.size());
  for (auto it = frozen.rbegin(); it != frozen.rend(); ++it) {
    view->frozen.push_back(it->table);
  }
  view->version = versions.current();
  level0_tables = static_cast<int>(view->version->files(0).size());
  replaced_views.push_back(views.Publish(std::move(view)));
}

void DbCore::MakeRoomForFiles(const absl::Status& status) {
  // Too many open files and a full disk have the same code; closing tables does
  // no harm in the other case.
  if (absl::IsResourceExhausted(status)) table_cache.CloseSome();
}

void DbCore::ReleaseViews() {
  std::vector<std::shared_ptr<const ReadView>> replaced;
  {
    MutexLock lock(&mu);
    replaced.swap(replaced_views);
  }
  for (std::shared_ptr<const ReadView>& view : replaced) {
    epochs.Retire([view = std::move(view)]() mutable { view.reset(); });
  }
  epochs.Reclaim();
}

}  // namespace holdfast
