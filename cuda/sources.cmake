# The sources of the CUDA kernels, for the library of the device and for its emulation on the host.
set(GRPO4J_CUDA_ROOT ${CMAKE_CURRENT_LIST_DIR})
set(GRPO4J_NATIVE_ROOT ${GRPO4J_CUDA_ROOT}/../native)
set(GRPO4J_CUDA_SOURCES
  ${GRPO4J_CUDA_ROOT}/src/group_advantages.cu
  ${GRPO4J_CUDA_ROOT}/src/logits_gradient.cu
  ${GRPO4J_CUDA_ROOT}/src/merge_states.cu
  ${GRPO4J_CUDA_ROOT}/src/objective.cu
  ${GRPO4J_CUDA_ROOT}/src/policy_loss.cu
  ${GRPO4J_CUDA_ROOT}/src/policy_loss_by_l2.cu
  ${GRPO4J_CUDA_ROOT}/src/policy_loss_on_chip.cu
  ${GRPO4J_CUDA_ROOT}/src/policy_loss_split.cu
  ${GRPO4J_CUDA_ROOT}/src/report.cu
  ${GRPO4J_CUDA_ROOT}/src/row_states.cu
  ${GRPO4J_CUDA_ROOT}/src/token_stats.cu
  ${GRPO4J_CUDA_ROOT}/src/token_weights.cu
  ${GRPO4J_CUDA_ROOT}/src/host/device.cpp
  ${GRPO4J_CUDA_ROOT}/src/host/plan.cu
  ${GRPO4J_CUDA_ROOT}/src/host/prepare.cpp
  ${GRPO4J_CUDA_ROOT}/src/host/staging.cpp
  ${GRPO4J_CUDA_ROOT}/src/host/validate.cpp
  ${GRPO4J_NATIVE_ROOT}/src/dispatch/validate.cpp)
set(GRPO4J_CUDA_INCLUDES
  ${GRPO4J_CUDA_ROOT}/src
  ${GRPO4J_CUDA_ROOT}/include
  ${GRPO4J_NATIVE_ROOT}/include
  ${GRPO4J_NATIVE_ROOT}/src)
