package org.grpo4j.kernels;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.grpo4j.kernels.internal.Native;

/**
 * An instruction set that the kernels are compiled for: those of processors, worst to best, then
 * those that a {@link Backend} reports. Every call says which one ran.
 */
public enum Isa {
  SCALAR(Native.GRPO4J_ISA_SCALAR),
  AVX2(Native.GRPO4J_ISA_AVX2),
  AVX512(Native.GRPO4J_ISA_AVX512),
  /** AVX-512 with its conversion of f32 to bf16. */
  AVX512_BF16(Native.GRPO4J_ISA_AVX512_BF16),
  /** AArch64's vector instructions. */
  NEON(Native.GRPO4J_ISA_NEON),
  /** What {@link Backend#CUDA} runs. */
  CUDA(Native.GRPO4J_ISA_CUDA),
  /** What {@link Backend#CUDA_EMULATED} runs. */
  CUDA_EMULATED(Native.GRPO4J_ISA_CUDA_EMULATED);

  private final int code;

  Isa(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static Isa of(int code) {
    for (Isa isa : values()) {
      if (isa.code == code) {
        return isa;
      }
    }
    throw new KernelException("the native library reports an unknown instruction set " + code);
  }

  /** Those that a processor can have. */
  static List<Isa> ofProcessors() {
    return Stream.of(values()).filter(isa -> isa.code < Native.GRPO4J_ISA_COUNT).toList();
  }

  /** Where it runs. */
  public Backend backend() {
    return switch (this) {
      case CUDA -> Backend.CUDA;
      case CUDA_EMULATED -> Backend.CUDA_EMULATED;
      default -> Backend.CPU;
    };
  }

  /**
   * The name as {@code -Dgrpo4j.isa} and {@code GRPO4J_ISA} take it: scalar, avx512_bf16; those of
   * backends are named as these are.
   */
  @Override
  public String toString() {
    return backend() != Backend.CPU ? backend().toString() : name().toLowerCase(Locale.ROOT);
  }
}
