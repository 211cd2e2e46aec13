// SimDisk::State, for the sources of SimDisk.

#ifndef HOLDFAST_ENV_SIM_SIM_DISK_STATE_H_
#define HOLDFAST_ENV_SIM_SIM_DISK_STATE_H_

#include "env/sim/disk_state.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {

struct SimDisk::State : DiskState {};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_SIM_DISK_STATE_H_
