// Which compiled copy of the kernels runs.
#pragma once

#include "kernels/job.h"

namespace grpo4j {

// The chosen kernels; null while GRPO4J_ISA names an ISA that does not exist here.
const KernelTable* active_kernels();

}  // namespace grpo4j
