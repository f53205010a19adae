/*
 * Advantages from the rewards of a group, written once for host and device; formulas and sources in
 * docs/math.md. Rewards and results are floats, the arithmetic is double.
 *
 * One thread does a group (group_advantages), in the order of its completions. Two things need the
 * whole batch, by lane_sum.h: the batch's standard deviation, which must be known before, and
 * REINFORCE's whitening, which follows after all groups and reads what they stored:
 *
 *   deviation:  sum reward_offset -> mean, sum reward_square -> batch_deviation
 *   whitening:  sum trained_tokens, weighted_advantage -> whitening_mean,
 *               sum weighted_square -> whitened
 *
 * A group of one has mean 0 and sigma 1: its reward is its advantage, as in verl.
 */
#ifndef GRPO4J_ADVANTAGES_H
#define GRPO4J_ADVANTAGES_H

#include <math.h>
#include <stdint.h>

#include "grpo4j/grpo4j.h"
#include "grpo4j/host_device.h"

namespace grpo4j {

/* Added to the variance that whitening divides by and to the tokens of its mean, as in verl. */
constexpr double kWhiteningEpsilon = 1e-8;

/* Completions [begin, end) of one prompt. */
struct Group {
  int64_t begin;
  int64_t end;
};

GRPO4J_HD int64_t size_of(const Group& group) { return group.end - group.begin; }

/* Measured from the first reward: exact where all are equal. */
GRPO4J_HD double mean_reward(const float* rewards, const Group& group) {
  const double first = rewards[group.begin];
  double sum = 0;
  for (int64_t i = group.begin; i < group.end; ++i) {
    sum += rewards[i] - first;
  }
  return first + sum / static_cast<double>(size_of(group));
}

/* Of the sample (n - 1); n of at least 2. */
GRPO4J_HD double reward_deviation(const float* rewards, const Group& group) {
  const double mean = mean_reward(rewards, group);
  double squares = 0;
  for (int64_t i = group.begin; i < group.end; ++i) {
    const double difference = rewards[i] - mean;
    squares += difference * difference;
  }
  return sqrt(squares / static_cast<double>(size_of(group) - 1));
}

/* sum(len R) / sum(len); the plain mean where no token is trained. */
GRPO4J_HD double length_weighted_mean(const float* rewards, const int32_t* lengths,
                                      const Group& group) {
  const double first = rewards[group.begin];
  double sum = 0;
  double tokens = 0;
  for (int64_t i = group.begin; i < group.end; ++i) {
    sum += lengths[i] * (rewards[i] - first);
    tokens += lengths[i];
  }
  return tokens == 0 ? mean_reward(rewards, group) : first + sum / tokens;
}

/* What GRPO and pass@k divide by. */
GRPO4J_HD double advantage_divisor(const grpo4j_group_advantages_args& args, const Group& group,
                                   double batch_deviation) {
  if (args.scale == GRPO4J_SCALE_NONE) {
    return 1;
  }
  if (args.scale == GRPO4J_SCALE_BATCH) {
    return batch_deviation + args.epsilon;
  }
  return (size_of(group) == 1 ? 1 : reward_deviation(args.rewards, group)) + args.epsilon;
}

/* (R_first - R_second) / (sigma + epsilon) for the first of the best, 0 for the others. A group of
   one has nothing to compare: NaN, which the loss reports as a bad row. */
GRPO4J_HD void passk_advantages(const grpo4j_group_advantages_args& args, const Group& group,
                                double batch_deviation) {
  if (size_of(group) == 1) {
    args.advantages[group.begin] = static_cast<float>(NAN);
    return;
  }
  int64_t best = group.begin;
  double second = -INFINITY;
  args.advantages[best] = 0;
  for (int64_t i = group.begin + 1; i < group.end; ++i) {
    const double reward = args.rewards[i];
    args.advantages[i] = 0;
    if (reward > args.rewards[best]) {
      second = args.rewards[best];
      best = i;
    } else if (reward > second) {
      second = reward;
    }
  }
  args.advantages[best] = static_cast<float>((args.rewards[best] - second) /
                                             advantage_divisor(args, group, batch_deviation));
}

/* Fills in one group. batch_deviation is read with GRPO4J_SCALE_BATCH only. */
GRPO4J_HD void group_advantages(const grpo4j_group_advantages_args& args, const Group& group,
                                double batch_deviation) {
  const int64_t n = size_of(group);
  if (n < 1) {
    return;
  }
  if (args.estimator == GRPO4J_ADVANTAGE_PASSK) {
    passk_advantages(args, group, batch_deviation);
    return;
  }
  double baseline = 0;
  if (n > 1) {
    baseline = args.estimator == GRPO4J_ADVANTAGE_OPO
                   ? length_weighted_mean(args.rewards, args.lengths, group)
                   : mean_reward(args.rewards, group);
  }
  double factor = 1;
  double divisor = 1;
  if (args.estimator == GRPO4J_ADVANTAGE_GRPO) {
    divisor = advantage_divisor(args, group, batch_deviation);
  } else if (args.estimator == GRPO4J_ADVANTAGE_RLOO && n > 1) {
    factor = static_cast<double>(n) / static_cast<double>(n - 1);
  }
  for (int64_t i = group.begin; i < group.end; ++i) {
    args.advantages[i] = static_cast<float>((args.rewards[i] - baseline) * factor / divisor);
  }
}

/* The terms of the batch's sums, by completion. */
GRPO4J_HD double reward_offset(const grpo4j_group_advantages_args& args, int64_t i) {
  return static_cast<double>(args.rewards[i]) - args.rewards[0];
}

GRPO4J_HD double reward_square(const grpo4j_group_advantages_args& args, double mean, int64_t i) {
  return (args.rewards[i] - mean) * (args.rewards[i] - mean);
}

/* From sum reward_offset. */
GRPO4J_HD double batch_mean(const grpo4j_group_advantages_args& args, double sum) {
  return args.rewards[0] + sum / static_cast<double>(args.completions);
}

/* From sum reward_square; one completion has no spread. */
GRPO4J_HD double batch_deviation(const grpo4j_group_advantages_args& args, double squares) {
  return args.completions < 2 ? 0 : sqrt(squares / static_cast<double>(args.completions - 1));
}

GRPO4J_HD double trained_tokens(const grpo4j_group_advantages_args& args, int64_t i) {
  return args.lengths[i];
}

GRPO4J_HD double weighted_advantage(const grpo4j_group_advantages_args& args, int64_t i) {
  return args.lengths[i] * static_cast<double>(args.advantages[i]);
}

GRPO4J_HD double weighted_square(const grpo4j_group_advantages_args& args, double mean, int64_t i) {
  return args.lengths[i] * (args.advantages[i] - mean) * (args.advantages[i] - mean);
}

/* From sum weighted_advantage. Equal values x are so x * epsilon / tokens away from their mean. */
GRPO4J_HD double whitening_mean(double sum, double tokens) {
  return sum / (tokens + kWhiteningEpsilon);
}

/* (x - mean) / sqrt(variance + epsilon) over at least 2 trained tokens; fewer have no spread, and
   keep x. */
GRPO4J_HD float whitened(double x, double mean, double squares, double tokens) {
  return static_cast<float>((x - mean) / sqrt(squares / (tokens - 1) + kWhiteningEpsilon));
}

}  // namespace grpo4j
#endif
