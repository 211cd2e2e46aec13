#include "kvd/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(InterruptsTest, TellsOfASignalInsteadOfDying) {
  for (int signal : {SIGINT, SIGTERM}) {
    Interrupts interrupts;
    EXPECT_FALSE(interrupts.Requested());
    raise(signal);
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
