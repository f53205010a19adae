/*
 * Which way a kernel goes through its rows; chosen from sizes and device, forced by tests.
 */
#ifndef GRPO4J_CUDA_VARIANT_H
#define GRPO4J_CUDA_VARIANT_H

#include <stdint.h>

#ifndef GRPO4J_API
#define GRPO4J_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
  GRPO4J_CUDA_AUTO = 0,
  GRPO4J_CUDA_L2 = 1,       /* one block a row, the row is read a second time from the L2 */
  GRPO4J_CUDA_SHARED = 2,   /* one block a row, which stays in its shared memory */
  GRPO4J_CUDA_CLUSTER2 = 3, /* a row lies in the shared memory of 2, 4 or 8 blocks */
  GRPO4J_CUDA_CLUSTER4 = 4,
  GRPO4J_CUDA_CLUSTER8 = 5,
  GRPO4J_CUDA_SPLIT = 6,    /* several blocks a row, partial states in the workspace */
  GRPO4J_CUDA_WHOLE = 7     /* forward: one block a row */
};

/* For all later calls and queries of the process. A variant that the device or the size rules out
   makes calls fail with GRPO4J_INVALID_ARGUMENT; operations that don't know it choose for themselves. */
GRPO4J_API int32_t grpo4j_cuda_force_variant(int32_t variant);

#ifdef __cplusplus
}
#endif
#endif
