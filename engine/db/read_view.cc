#include "engine/db/read_view.h"

#include <utility>

namespace holdfast {

ReadViewSlot::~ReadViewSlot() {
  current_.store(nullptr, std::memory_order_relaxed);
}

std::shared_ptr<const ReadView> ReadViewSlot::Publish(
    std::shared_ptr<const ReadView> view) {
  // Pairs with the acquire in Load.
  current_.store(view.get(), std::memory_order_release);
  return std::exchange(owner_, std::move(view));
}

}  // namespace holdfast
