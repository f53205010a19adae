package org.grpo4j.kernels;

import java.util.Locale;
import org.grpo4j.kernels.internal.Native;

/** An instruction set that the kernels are compiled for, worst to best. */
public enum Isa {
  SCALAR(Native.GRPO4J_ISA_SCALAR),
  AVX2(Native.GRPO4J_ISA_AVX2),
  AVX512(Native.GRPO4J_ISA_AVX512),
  /** AVX-512 with its conversion of f32 to bf16. */
  AVX512_BF16(Native.GRPO4J_ISA_AVX512_BF16),
  /** AArch64's vector instructions. */
  NEON(Native.GRPO4J_ISA_NEON);

  private final int code;

  Isa(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static Isa of(int code) {
    return values()[code];
  }

  /** The name as {@code -Dgrpo4j.isa} and {@code GRPO4J_ISA} take it: scalar, avx512_bf16. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
