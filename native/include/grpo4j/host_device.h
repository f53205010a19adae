/* Marks a function that host and device share. */
#ifndef GRPO4J_HOST_DEVICE_H
#define GRPO4J_HOST_DEVICE_H

#if defined(__CUDACC__)
#define GRPO4J_HD __host__ __device__ __forceinline__
#else
#define GRPO4J_HD __attribute__((always_inline)) inline
#endif

#endif
