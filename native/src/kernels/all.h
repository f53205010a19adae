// Every kernel, in the namespace of the ISA whose SIMD type was included before.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "exp.h"
#include "element.h"
#include "job.h"
#include "rows.h"
#include "soft_cap.h"
#include "block_range.h"
#include "block_sums.h"
#include "kept_exp.h"
#include "row_statistics.h"

#include "policy_loss.h"
#include "logits_gradient.h"
#include "row_states.h"
#include "token_stats.h"
