package org.grpo4j.benchmarks.evidence;

import java.util.Arrays;

/**
 * Devices that times are predicted for. Multiprocessors, boost clocks and bandwidths are those of
 * NVIDIA's data sheets and architecture papers; nothing here was measured.
 */
enum Gpu {
  A100("A100 80GB SXM", "sm_80", 108, 1.41, 2039, 2048, 164),
  H100("H100 SXM", "sm_90", 132, 1.755, 3350, 2048, 228),
  H200("H200 SXM", "sm_90", 132, 1.755, 4800, 2048, 228),
  B200("B200 SXM", "sm_100", 148, 1.85, 8000, 2048, 228),
  RTX_5090("RTX 5090", "sm_120", 170, 2.41, 1792, 1536, 100);

  /** Share of the data sheet's bandwidth that well-made kernels reach; quack reports 0.94. */
  static final double ACHIEVABLE = 0.93;

  /** Share of a multiprocessor's cycles in which loops like these issue; assumed. */
  static final double ISSUING = 0.8;

  /** Time from a request to its data under load, seconds; published microbenchmarks: 0.5 to 0.8. */
  private static final double LATENCY = 0.7e-6;

  private static final int REGISTERS = 65536;
  private static final int REGISTER_UNIT = 256;
  private static final int WARP = 32;

  /** Shared memory that the system keeps of each block, bytes. */
  private static final int RESERVED_SHARED = 1024;

  private final String label;
  private final String architecture;
  private final int multiprocessors;
  private final double gigahertz;
  private final double gigabytesPerSecond;
  private final int threads;
  private final int sharedKibibytes;

  Gpu(
      String label,
      String architecture,
      int multiprocessors,
      double gigahertz,
      double gigabytesPerSecond,
      int threads,
      int sharedKibibytes) {
    this.label = label;
    this.architecture = architecture;
    this.multiprocessors = multiprocessors;
    this.gigahertz = gigahertz;
    this.gigabytesPerSecond = gigabytesPerSecond;
    this.threads = threads;
    this.sharedKibibytes = sharedKibibytes;
  }

  String label() {
    return label;
  }

  String architecture() {
    return architecture;
  }

  /** The first one of an architecture. */
  static Gpu of(String architecture) {
    return Arrays.stream(values())
        .filter(gpu -> gpu.architecture.equals(architecture))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no device of " + architecture));
  }

  /** Seconds that memory needs for so many bytes. */
  double memorySeconds(double bytes) {
    return bytes / (gigabytesPerSecond * 1e9 * ACHIEVABLE);
  }

  /** Bytes that a multiprocessor must have asked for at any time to reach that bandwidth. */
  double bytesInFlight() {
    return gigabytesPerSecond * 1e9 * ACHIEVABLE * LATENCY / multiprocessors;
  }

  /** Threads that are resident on a multiprocessor at an occupancy. */
  double residentThreads(double occupancy) {
    return occupancy * threads;
  }

  /** Seconds that all multiprocessors need for work of so many full cycles of one. */
  double arithmeticSeconds(double cycles) {
    return cycles / (multiprocessors * gigahertz * 1e9 * ISSUING);
  }

  /** Share of the multiprocessor's threads that can be resident, 0 where a block does not fit. */
  double occupancy(int blockThreads, int registers, int sharedBytes) {
    int warps = (blockThreads + WARP - 1) / WARP;
    int perWarp = (registers * WARP + REGISTER_UNIT - 1) / REGISTER_UNIT * REGISTER_UNIT;
    int byRegisters = REGISTERS / (perWarp * warps);
    int byThreads = threads / blockThreads;
    int byShared = sharedKibibytes * 1024 / (sharedBytes + RESERVED_SHARED);
    int blocks = Math.min(byThreads, Math.min(byRegisters, byShared));
    return (double) blocks * blockThreads / threads;
  }
}
