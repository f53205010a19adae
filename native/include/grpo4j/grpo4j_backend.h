/*
 * grpo4j: other places than this processor for the operations of grpo4j.h.
 *
 * A backend is a library with the C ABI of grpo4j_cuda.h: the CUDA kernels, or their build that runs
 * on the processor. It is opened by path. In use, it gets every operation of grpo4j.h on host
 * memory; its operations on device memory are called here by the backend's name, so that a binding
 * of this library reaches them without linking to CUDA.
 */
#ifndef GRPO4J_GRPO4J_BACKEND_H
#define GRPO4J_GRPO4J_BACKEND_H

#include "grpo4j/grpo4j.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  GRPO4J_BACKEND_CPU = 0,
  GRPO4J_BACKEND_CUDA = 1,
  GRPO4J_BACKEND_CUDA_EMULATED = 2,
  GRPO4J_BACKEND_COUNT = 3
};

/*
 * Opens the library of a backend. Once open it stays; opening it again changes nothing.
 * GRPO4J_INVALID_ARGUMENT: no such backend, or the CPU, or no path. GRPO4J_DEVICE_ERROR: it can't be
 * used, grpo4j_backend_problem says why.
 */
GRPO4J_API int32_t grpo4j_backend_open(int32_t backend, const char* path);
/* Why a backend can't be used, in words; "" when it can; null for no backend at all. The text of the
   last attempt to open it; valid until the next one. */
GRPO4J_API const char* grpo4j_backend_problem(int32_t backend);
/* Sends all later calls of grpo4j.h to a backend; GRPO4J_DEVICE_ERROR when it can't be used. */
GRPO4J_API int32_t grpo4j_use_backend(int32_t backend);
/* The backend that calls of grpo4j.h use. */
GRPO4J_API int32_t grpo4j_backend(void);

/*
 * The operations of grpo4j_cuda.h, whose comments hold here. GRPO4J_DEVICE_ERROR when the backend is
 * not open, and for the CPU; the workspace queries give -1 then.
 */
GRPO4J_API int64_t grpo4j_device_token_stats_workspace(int32_t backend,
                                                       const grpo4j_token_stats_args* args);
GRPO4J_API int32_t grpo4j_device_token_stats(int32_t backend, const grpo4j_token_stats_args* args,
                                             grpo4j_report* report, void* workspace,
                                             int64_t workspace_bytes, void* stream);

GRPO4J_API int64_t grpo4j_device_policy_loss_workspace(int32_t backend,
                                                       const grpo4j_policy_loss_args* args);
GRPO4J_API int32_t grpo4j_device_policy_loss(int32_t backend, const grpo4j_policy_loss_args* args,
                                             grpo4j_policy_metrics* metrics, void* workspace,
                                             int64_t workspace_bytes, void* stream);

GRPO4J_API int64_t grpo4j_device_row_states_workspace(int32_t backend,
                                                      const grpo4j_row_states_args* args);
GRPO4J_API int32_t grpo4j_device_row_states(int32_t backend, const grpo4j_row_states_args* args,
                                            grpo4j_report* report, void* workspace,
                                            int64_t workspace_bytes, void* stream);

GRPO4J_API int32_t grpo4j_device_merge_states(int32_t backend,
                                              const grpo4j_merge_states_args* args,
                                              grpo4j_report* report, void* stream);

GRPO4J_API int64_t grpo4j_device_objective_workspace(int32_t backend,
                                                     const grpo4j_objective_args* args);
GRPO4J_API int32_t grpo4j_device_objective(int32_t backend, const grpo4j_objective_args* args,
                                           grpo4j_policy_metrics* metrics, void* workspace,
                                           int64_t workspace_bytes, void* stream);

GRPO4J_API int32_t grpo4j_device_logits_gradient(int32_t backend,
                                                 const grpo4j_logits_gradient_args* args,
                                                 grpo4j_report* report, void* stream);

GRPO4J_API int32_t grpo4j_device_group_advantages(int32_t backend,
                                                  const grpo4j_group_advantages_args* args,
                                                  void* stream);
GRPO4J_API int32_t grpo4j_device_token_weights(int32_t backend,
                                               const grpo4j_token_weights_args* args, void* stream);

GRPO4J_API int32_t grpo4j_device_prepare(int32_t backend);

/* grpo4j_cuda_current_device, grpo4j_cuda_use_device and grpo4j_cuda_unavailable_reason. */
GRPO4J_API int32_t grpo4j_device_current(int32_t backend);
GRPO4J_API int32_t grpo4j_device_use(int32_t backend, int32_t device);
GRPO4J_API const char* grpo4j_device_unavailable_reason(int32_t backend);

GRPO4J_API void* grpo4j_device_allocate(int32_t backend, int64_t bytes);
GRPO4J_API int32_t grpo4j_device_free(int32_t backend, void* memory);
GRPO4J_API int32_t grpo4j_device_copy_in(int32_t backend, void* device, const void* host,
                                         int64_t bytes);
GRPO4J_API int32_t grpo4j_device_copy_out(int32_t backend, void* host, const void* device,
                                          int64_t bytes);
GRPO4J_API int32_t grpo4j_device_synchronize(int32_t backend, void* stream);
/* What the backend's runtime said about the last GRPO4J_DEVICE_ERROR of this thread. */
GRPO4J_API const char* grpo4j_device_last_error(int32_t backend);

#ifdef __cplusplus
}
#endif
#endif
