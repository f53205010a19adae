// Which objective a call asks for, and its sums over rows and sequences.
#pragma once

#include "kernels/job.h"

namespace grpo4j {

const ObjectiveFunctions& objective_functions(int32_t objective);

// Loss, metrics and, unless slopes is null, the slopes of every row from the stored statistics: in
// double, serial and in row order. A bad row (NaN outputs) has slopes 0; a row whose loss or slopes
// are not finite becomes one, and is added to the report.
grpo4j_policy_metrics sum_objective(const grpo4j_objective_args& args);

}  // namespace grpo4j
