#include "engine/db/read_view.h"

#include <memory>
#include <utility>

#include "engine/epoch/epoch.h"
#include "engine/memtable/memtable.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::shared_ptr<ReadView> NewView() {
  auto view = std::make_shared<ReadView>();
  view->active = std::make_shared<MemTable>();
  return view;
}

TEST(ReadViewTest, PublishGivesBackTheViewBefore) {
  EpochDomain epochs;
  ReadViewSlot slot(&epochs);
  const auto first = NewView();
  const auto second = NewView();
  EXPECT_EQ(slot.Publish(first), nullptr);
  EXPECT_EQ(slot.Publish(second), first);
  EXPECT_EQ(&slot.Load(epochs.Pin()), second.get());
  EXPECT_EQ(slot.Acquire(), second);
}

TEST(ReadViewTest, AViewLivesAsLongAsAGuardThatMayHaveIt) {
  EpochDomain epochs;
  ReadViewSlot slot(&epochs);
  std::weak_ptr<const ReadView> weak;
  {
    auto first = NewView();
    weak = first;
    EXPECT_EQ(slot.Publish(std::move(first)), nullptr);
  }
  {
    const EpochDomain::Guard guard = epochs.Pin();
    const ReadView& loaded = slot.Load(guard);
    std::shared_ptr<const ReadView> replaced = slot.Publish(NewView());
    epochs.Retire([view = std::move(replaced)]() mutable { view.reset(); });
    epochs.Reclaim();
    EXPECT_FALSE(weak.expired());
    EXPECT_NE(loaded.active, nullptr);
  }
  epochs.Reclaim();
  EXPECT_TRUE(weak.expired());
}

TEST(ReadViewTest, AnAcquiredViewNeedsNoGuard) {
  EpochDomain epochs;
  ReadViewSlot slot(&epochs);
  EXPECT_EQ(slot.Publish(NewView()), nullptr);
  const std::shared_ptr<const ReadView> held = slot.Acquire();
  std::shared_ptr<const ReadView> replaced = slot.Publish(NewView());
  epochs.Retire([view = std::move(replaced)]() mutable { view.reset(); });
  epochs.Reclaim();
  EXPECT_NE(held->active, nullptr);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace holdfast
