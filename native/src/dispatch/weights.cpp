// The operations on completions and tokens instead of logits: small, serial, one copy.
#include "dispatch/backend.h"
#include "dispatch/validate.h"
#include "grpo4j/advantages.h"
#include "grpo4j/grpo4j.h"
#include "grpo4j/lane_sum.h"
#include "grpo4j/token_weights.h"

namespace grpo4j {
namespace {

double deviation_of_batch(const grpo4j_group_advantages_args& args) {
  const int64_t n = args.completions;
  const double mean = batch_mean(args, total(n, [&](int64_t i) { return reward_offset(args, i); }));
  return batch_deviation(args,
                         total(n, [&](int64_t i) { return reward_square(args, mean, i); }));
}

void whiten_over_tokens(const grpo4j_group_advantages_args& args) {
  const int64_t n = args.completions;
  const double tokens = total(n, [&](int64_t i) { return trained_tokens(args, i); });
  if (tokens < 2) {
    return;
  }
  const double mean =
      whitening_mean(total(n, [&](int64_t i) { return weighted_advantage(args, i); }), tokens);
  const double squares = total(n, [&](int64_t i) { return weighted_square(args, mean, i); });
  for (int64_t i = 0; i < n; ++i) {
    args.advantages[i] = whitened(args.advantages[i], mean, squares, tokens);
  }
}

void weigh_sequence(const grpo4j_token_weights_args& args, int64_t begin, int64_t end) {
  const double sum =
      total(end - begin, [&](int64_t i) { return weight_term(args, begin + i); });
  const double count =
      total(end - begin, [&](int64_t i) { return weight_count(args, begin + i); });
  const double mean = mean_weight(sum, count);
  for (int64_t token = begin; token < end; ++token) {
    args.weights[token] = token_weight(args, mean, token);
  }
}

}  // namespace
}  // namespace grpo4j

int32_t grpo4j_group_advantages(const grpo4j_group_advantages_args* args) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_group_advantages(args);
  }
  if (args == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  const double deviation =
      args->scale == GRPO4J_SCALE_BATCH && args->completions > 0 ? deviation_of_batch(*args) : 0;
  for (int64_t group = 0; group < args->groups; ++group) {
    group_advantages(*args, {args->group_offsets[group], args->group_offsets[group + 1]},
                     deviation);
  }
  if (args->estimator == GRPO4J_ADVANTAGE_REINFORCE) {
    whiten_over_tokens(*args);
  }
  return GRPO4J_OK;
}

int32_t grpo4j_token_weights(const grpo4j_token_weights_args* args) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_token_weights(args);
  }
  if (args == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  for (int64_t s = 0; s < args->sequences; ++s) {
    weigh_sequence(*args, args->sequence_offsets[s], args->sequence_offsets[s + 1]);
  }
  return GRPO4J_OK;
}
