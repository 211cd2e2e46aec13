#include "kvd/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(InterruptsTest, TellsOfASignalInsteadOfDying) {
  for (int signal : {SIGINT, SIGTERM}) {
    Interrupts interrupts;
    EXPECT_FALSE(interrupts.Requested());
    pollfd ready = {interrupts.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&ready, 1, 0), 0);
    raise(signal);
    EXPECT_EQ(poll(&ready, 1, 0), 1);
    EXPECT_TRUE(interrupts.Requested());
    EXPECT_TRUE(interrupts.Requested());
  }
}

TEST(InterruptsDeathTest, ASecondSignalEndsTheProcess) {
  const auto interrupt_twice = [] {
    Interrupts interrupts;
    raise(SIGINT);
    if (!interrupts.Requested()) _exit(1);
    raise(SIGINT);
    _exit(2);
  };
  EXPECT_EXIT(interrupt_twice(), testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace holdfast::kvd
