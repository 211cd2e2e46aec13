#include "kvd/interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <ctime>

#include "base/check.h"

namespace holdfast::kvd {

Interrupts::Interrupts() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  HF_CHECK(pthread_sigmask(SIG_BLOCK, &signals_, &old_mask_) == 0);
  descriptor_ = signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
  HF_CHECK(descriptor_ >= 0);
}

Interrupts::~Interrupts() {
  close(descriptor_);
  HF_CHECK(pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr) == 0);
}

bool Interrupts::Requested() {
  if (requested_) return true;
  const timespec at_once = {};
  if (sigtimedwait(&signals_, nullptr, &at_once) < 0) return false;
  requested_ = true;
  HF_CHECK(pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr) == 0);
  return true;
}

}  // namespace holdfast::kvd
