// The device itself, as an engine that can only sync: each write goes over a
// block of a file that is all written, and is followed by fdatasync. No engine
// with a log can be faster; how near one comes is what it adds.

#ifndef HOLDFAST_BENCH_DEVICE_H_
#define HOLDFAST_BENCH_DEVICE_H_

#include "bench/engine.h"

namespace holdfast::bench {

EngineKind DeviceKind();

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_DEVICE_H_
