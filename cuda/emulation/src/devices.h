// The emulated devices, and what a launch may ask of one.
#pragma once

#include "emulation/launch.h"

namespace grpo4j::emulation {

// False for names that are none; a comma between two.
bool use_devices(const char* names);
void set_capturing(bool on);
void unload_kernels();
// What the driver would say.
cudaError_t check_launch(const LaunchConfiguration& configuration);
// The L2 bytes that each of the launch's resident blocks has if they share it evenly.
int64_t l2_share(const LaunchConfiguration& configuration);

// For cudaGetLastError of this host thread.
cudaError_t set_last_error(cudaError_t error);

// Of the settings:
uint32_t fill_pattern();
void count_allocation();
void count_synchronization();

}  // namespace grpo4j::emulation
