/*
 * What tests set and read of the emulated device. The library of the emulation exports these beside
 * the operations of grpo4j_cuda.h; the library for real devices does not have them.
 *
 * The same settings come from the environment, read when the library loads: GRPO4J_EMULATION_SCHEDULE
 * (in_order, reversed, random, interleaved), _SEED, _FILL (32 bits), _THREADS, _COPIES (late,
 * late_source_early, at_once), _DEVICE. A value that is none of them fails every launch.
 */
#ifndef GRPO4J_EMULATION_CONTROL_H
#define GRPO4J_EMULATION_CONTROL_H

#include <stdint.h>

#ifndef GRPO4J_API
#define GRPO4J_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Which thread runs next whenever one stops at a barrier, a shuffle or its end. */
enum {
  GRPO4J_EMULATION_IN_ORDER = 0,
  GRPO4J_EMULATION_REVERSED = 1,
  GRPO4J_EMULATION_RANDOM = 2,
  /* Random, with several blocks at once and possible changes at every load, store and atomic. */
  GRPO4J_EMULATION_INTERLEAVED = 3
};

/* When an asynchronous copy arrives: anything between issue and wait is allowed. */
enum {
  GRPO4J_EMULATION_COPIES_LATE = 0,              /* read and written when it is waited for */
  GRPO4J_EMULATION_COPIES_LATE_SOURCE_EARLY = 1, /* read at issue, written at the wait */
  GRPO4J_EMULATION_COPIES_AT_ONCE = 2            /* read and written at issue */
};

/* All return 0, or 1 for a value out of range. */
GRPO4J_API int32_t grpo4j_emulation_set_schedule(int32_t schedule, uint64_t seed);
GRPO4J_API int32_t grpo4j_emulation_set_copies(int32_t copies);
/* The 32 bits that fill shared memory before each block and device memory when it is allocated. */
GRPO4J_API int32_t grpo4j_emulation_set_fill(uint32_t pattern);
/* Host threads that run blocks; results do not depend on them. */
GRPO4J_API int32_t grpo4j_emulation_set_threads(int32_t threads);
/* "h100" (default), "h200", "a100", "b200", "rtx5090"; "v100" is too old. Several, with commas
   between: devices 0, 1, .. of the process. "none": no device. */
GRPO4J_API int32_t grpo4j_emulation_set_device(const char* names);
/* While on, as if a stream were being captured: whatever would allocate, wait or load a kernel is an
   error. Launches run at once all the same. */
GRPO4J_API int32_t grpo4j_emulation_set_capturing(int32_t on);
/* As if no kernel had been used on any device yet. */
GRPO4J_API int32_t grpo4j_emulation_unload_kernels(void);

/* Sums, and one maximum, over launches since the last reset. */
typedef struct grpo4j_emulation_counters {
  int64_t launches;
  int64_t blocks;
  int64_t barriers;          /* of whole blocks or clusters */
  int64_t warp_operations;   /* shuffles, votes, __syncwarp */
  int64_t most_shared_bytes; /* dynamic shared memory of a block: the greatest of the launches */
  int64_t allocations;       /* cudaMalloc, cudaFree */
  int64_t synchronizations;  /* of streams and the device, synchronous copies */
  /* The rest only while counting is on. Bytes that threads asked global memory for: */
  int64_t bytes_loaded;
  int64_t bytes_stored;
  /* What the 32-byte sectors are that each warp-wide access touches; efficiency is bytes / these. */
  int64_t sector_bytes_loaded;
  int64_t sector_bytes_stored;
  int64_t atomics;
  int64_t accesses;          /* warp-wide loads and stores of global memory */
  int64_t wide_accesses;     /* those of 16 bytes a thread */
  /* Past a least-recently-used L2 that resident blocks share evenly, cold when a block begins. */
  int64_t dram_bytes_read;
  int64_t dram_bytes_written;
} grpo4j_emulation_counters;

/* Turns counting on or off; the schedule should be in order then, and launches get slower. */
GRPO4J_API int32_t grpo4j_emulation_set_counting(int32_t on);
GRPO4J_API int32_t grpo4j_emulation_reset_counters(void);
GRPO4J_API int32_t grpo4j_emulation_read_counters(grpo4j_emulation_counters* counters);

/* What the last failed launch died of, with kernel, block and thread; "" when none has failed since
   the last reset of it. Valid until the next launch. */
GRPO4J_API const char* grpo4j_emulation_last_failure(void);
GRPO4J_API int32_t grpo4j_emulation_reset_failure(void);

#ifdef __cplusplus
}
#endif
#endif
