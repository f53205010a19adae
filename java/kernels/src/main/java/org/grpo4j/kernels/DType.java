package org.grpo4j.kernels;

import org.grpo4j.kernels.internal.Native;

/** Element type of logits and gradient. */
public enum DType {
  F32(Native.GRPO4J_F32, 4),
  BF16(Native.GRPO4J_BF16, 2),
  F16(Native.GRPO4J_F16, 2);

  private final int code;
  private final int bytes;

  DType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  int code() {
    return code;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
