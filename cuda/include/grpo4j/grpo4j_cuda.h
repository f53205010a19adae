/*
 * grpo4j: the C ABI of the CUDA kernels. The operations, structures and status codes of grpo4j.h,
 * with the stream last.
 *
 * The structure of arguments lies on the host and is read before the call returns; every pointer in
 * it, and the report or the metrics, is device memory. Calls only enqueue kernels on the stream: no
 * allocation, no synchronisation, no copy from or to the host, so that they can be captured in a
 * CUDA graph once grpo4j_cuda_prepare has loaded the kernels. What can be seen from the host is
 * checked and returned as a status; bad rows, targets and offsets are found by the kernels and stand
 * in the report once the stream has got there.
 * GRPO4J_BAD_ROWS is therefore never returned.
 *
 * A workspace is device memory, aligned to 256 bytes, of at least the bytes that the operation's
 * query gives for the same arguments; its content is undefined before and after. Two calls that may
 * run at the same time need two.
 *
 * Deterministic: the bits of a row depend on that row alone, not on its place in memory or in the
 * batch, nor on the variant of a kernel that the sizes choose; sums over rows are made in a fixed
 * order. At most 2^25 rows a call.
 */
#ifndef GRPO4J_GRPO4J_CUDA_H
#define GRPO4J_GRPO4J_CUDA_H

#include "grpo4j/grpo4j.h"

#ifdef __cplusplus
extern "C" {
#endif

/* stream: a cudaStream_t; null is the default stream. */
GRPO4J_API int64_t grpo4j_cuda_token_stats_workspace(const grpo4j_token_stats_args* args);
GRPO4J_API int32_t grpo4j_cuda_token_stats(const grpo4j_token_stats_args* args,
                                           grpo4j_report* report, void* workspace,
                                           int64_t workspace_bytes, void* stream);

GRPO4J_API int64_t grpo4j_cuda_policy_loss_workspace(const grpo4j_policy_loss_args* args);
GRPO4J_API int32_t grpo4j_cuda_policy_loss(const grpo4j_policy_loss_args* args,
                                           grpo4j_policy_metrics* metrics, void* workspace,
                                           int64_t workspace_bytes, void* stream);

GRPO4J_API int64_t grpo4j_cuda_row_states_workspace(const grpo4j_row_states_args* args);
GRPO4J_API int32_t grpo4j_cuda_row_states(const grpo4j_row_states_args* args,
                                          grpo4j_report* report, void* workspace,
                                          int64_t workspace_bytes, void* stream);

GRPO4J_API int32_t grpo4j_cuda_merge_states(const grpo4j_merge_states_args* args,
                                            grpo4j_report* report, void* stream);

GRPO4J_API int64_t grpo4j_cuda_objective_workspace(const grpo4j_objective_args* args);
GRPO4J_API int32_t grpo4j_cuda_objective(const grpo4j_objective_args* args,
                                         grpo4j_policy_metrics* metrics, void* workspace,
                                         int64_t workspace_bytes, void* stream);

GRPO4J_API int32_t grpo4j_cuda_logits_gradient(const grpo4j_logits_gradient_args* args,
                                               grpo4j_report* report, void* stream);

GRPO4J_API int32_t grpo4j_cuda_group_advantages(const grpo4j_group_advantages_args* args,
                                                void* stream);
GRPO4J_API int32_t grpo4j_cuda_token_weights(const grpo4j_token_weights_args* args, void* stream);

/*
 * Loads every kernel onto the current device, which the runtime otherwise does at a kernel's first
 * launch: what the first call of each kind would wait for, and what can't be done while a stream is
 * captured. Needed once for each device, before a capture alone; not to be called during one.
 */
GRPO4J_API int32_t grpo4j_cuda_prepare(void);

/* 1 when some device of this process can run the kernels (compute capability 8.0 or newer). */
GRPO4J_API int32_t grpo4j_cuda_available(void);
/* Why the current device can't, in words, with its name where there is one; "" when it can. */
GRPO4J_API const char* grpo4j_cuda_unavailable_reason(void);
/* What the runtime said about the last GRPO4J_DEVICE_ERROR of this thread. */
GRPO4J_API const char* grpo4j_cuda_last_error(void);
/* GRPO4J_ISA_CUDA, or GRPO4J_ISA_CUDA_EMULATED for the build that runs on the processor. */
GRPO4J_API int32_t grpo4j_cuda_isa(void);

/*
 * The calling thread's current device, -1 when there is none, and the choice of another. Workspace
 * queries, memory and kernels are of that device: it must be the stream's.
 */
GRPO4J_API int32_t grpo4j_cuda_current_device(void);
GRPO4J_API int32_t grpo4j_cuda_use_device(int32_t device);

/* Memory of the current device, for callers that have no other runtime. Copies are synchronous. */
GRPO4J_API void* grpo4j_cuda_allocate(int64_t bytes);
GRPO4J_API int32_t grpo4j_cuda_free(void* memory);
GRPO4J_API int32_t grpo4j_cuda_copy_in(void* device, const void* host, int64_t bytes);
GRPO4J_API int32_t grpo4j_cuda_copy_out(void* host, const void* device, int64_t bytes);
GRPO4J_API int32_t grpo4j_cuda_synchronize(void* stream);

/*
 * The operations of grpo4j.h on host memory: they copy in, launch, wait and copy out. A convenience
 * for tests, selfcheck and small callers, with the signatures and the status codes of grpo4j.h.
 */
GRPO4J_API int32_t grpo4j_cuda_host_token_stats(const grpo4j_token_stats_args* args,
                                                grpo4j_report* report);
GRPO4J_API int32_t grpo4j_cuda_host_policy_loss(const grpo4j_policy_loss_args* args,
                                                grpo4j_policy_metrics* metrics);
GRPO4J_API int32_t grpo4j_cuda_host_row_states(const grpo4j_row_states_args* args,
                                               grpo4j_report* report);
GRPO4J_API int32_t grpo4j_cuda_host_merge_states(const grpo4j_merge_states_args* args,
                                                 grpo4j_report* report);
GRPO4J_API int32_t grpo4j_cuda_host_objective(const grpo4j_objective_args* args,
                                              grpo4j_policy_metrics* metrics);
GRPO4J_API int32_t grpo4j_cuda_host_logits_gradient(const grpo4j_logits_gradient_args* args,
                                                    grpo4j_report* report);
GRPO4J_API int32_t grpo4j_cuda_host_group_advantages(const grpo4j_group_advantages_args* args);
GRPO4J_API int32_t grpo4j_cuda_host_token_weights(const grpo4j_token_weights_args* args);

#ifdef __cplusplus
}
#endif
#endif
