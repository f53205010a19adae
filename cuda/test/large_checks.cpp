// Vocabularies that models have, in all their ways through a row.
#include "checks.h"
#include "host/variant.h"
#include "policy_way.h"

namespace {

struct Large {
  int32_t dtype;
  int64_t rows, vocab, offset, padding;
  const char* why;
};

constexpr Large kLarge[] = {
    {GRPO4J_F32, 3, 151936, 0, 0, "Qwen's, aligned"},
    {GRPO4J_BF16, 3, 151936, 0, 0, "the same, half the bytes"},
    {GRPO4J_F32, 3, 151937, 0, 0, "rows begin 4 bytes later each time"},
    {GRPO4J_BF16, 3, 151937, 0, 0, "2 bytes later"},
    {GRPO4J_F16, 17, 151936, 0, 0, "so many rows that clusters take them unforced"},
    {GRPO4J_F16, 9, 151936, 1, 1, "all eight places in a vector"},
    {GRPO4J_BF16, 2, 262144, 0, 0, "Gemma's, the most chunks of these"},
    {GRPO4J_BF16, 9, 262144, 3, 7, "an odd stride, falling places"},
    {GRPO4J_F32, 3, 262144, 1, 2, "more than a cluster's memory holds twice"},
};

}  // namespace

void check_large() {
  for (const Large& large : kLarge) {
    for (int32_t variant : {GRPO4J_CUDA_AUTO, GRPO4J_CUDA_L2, GRPO4J_CUDA_CLUSTER8,
                            GRPO4J_CUDA_SPLIT}) {
      grpo4j_cuda_force_variant(variant);
      PolicyCase c;
      c.dtype = large.dtype;
      c.rows = large.rows;
      c.vocab = large.vocab;
      c.offset = large.offset;
      c.padding = large.padding;
      c.in_place = variant != GRPO4J_CUDA_L2;
      c.scale = 4;
      check_policy(c);
    }
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}
