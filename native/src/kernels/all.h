// Every kernel, in the namespace of the ISA whose SIMD type was included before.
#pragma once

#include "element.h"
#include "exp.h"
#include "job.h"
#include "rows.h"
#include "row_statistics.h"

#include "policy_loss.h"
#include "logits_gradient.h"
#include "row_states.h"
#include "token_stats.h"
