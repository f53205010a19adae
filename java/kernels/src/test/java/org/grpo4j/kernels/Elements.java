package org.grpo4j.kernels;

import org.bytedeco.javacpp.BytePointer;

/** Elements of the three dtypes as doubles: conversions written independently of the kernels'. */
final class Elements {
  private Elements() {}

  static void put(BytePointer memory, DType dtype, long element, double value) {
    switch (dtype) {
      case F32 -> memory.putFloat(4 * element, (float) value);
      case BF16 -> memory.putShort(2 * element, (short) toBf16((float) value));
      case F16 -> memory.putShort(2 * element, (short) toF16((float) value));
    }
  }

  static double get(BytePointer memory, DType dtype, long element) {
    return switch (dtype) {
      case F32 -> memory.getFloat(4 * element);
      case BF16 -> fromBf16(memory.getShort(2 * element) & 0xffff);
      case F16 -> fromF16(memory.getShort(2 * element) & 0xffff);
    };
  }

  /** The nearest number that the dtype holds. */
  static double round(DType dtype, double value) {
    return switch (dtype) {
      case F32 -> (float) value;
      case BF16 -> fromBf16(toBf16((float) value));
      case F16 -> fromF16(toF16((float) value));
    };
  }

  /**
   * What the gradient's roundings may cost: half the distance between neighbours at 1, and more.
   */
  static double unitRoundoff(DType dtype) {
    return switch (dtype) {
      case F32 -> 0x1p-24;
      case BF16 -> 2 * 0x1p-8; // e^u is rounded where it waits, too
      case F16 -> 0x1p-11;
    };
  }

  /** The smallest step between numbers: matters for F16 alone, whose range is narrow. */
  static double smallestStep(DType dtype) {
    return dtype == DType.F16 ? 0x1p-25 : 0x1p-149;
  }

  private static int toBf16(float value) {
    if (Float.isNaN(value)) {
      return 0x7fc0;
    }
    int bits = Float.floatToRawIntBits(value);
    int lower = bits & 0xffff;
    int upper = bits >>> 16;
    boolean up = lower > 0x8000 || (lower == 0x8000 && (upper & 1) == 1);
    return upper + (up ? 1 : 0);
  }

  private static float fromBf16(int bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** By scaling to an integer: |x| = k · 2^(e−10) with k rounded half to even. */
  private static int toF16(float value) {
    if (Float.isNaN(value)) {
      return 0x7e00;
    }
    int sign = Float.floatToRawIntBits(value) >>> 31 << 15;
    double magnitude = Math.abs((double) value);
    if (magnitude >= 65520) {
      return sign | 0x7c00;
    }
    int exponent = Math.max(-14, magnitude == 0 ? -14 : Math.getExponent(magnitude));
    long k = (long) Math.rint(magnitude / Math.scalb(1.0, exponent - 10));
    if (k >= 2048) {
      exponent++;
      k /= 2;
    }
    int biased = k < 1024 ? 0 : exponent + 15;
    return sign | biased << 10 | (int) (k & 1023);
  }

  private static float fromF16(int bits) {
    int exponent = bits >> 10 & 31;
    int mantissa = bits & 1023;
    double magnitude =
        exponent == 31
            ? (mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
            : exponent == 0 ? mantissa * 0x1p-24 : Math.scalb(1024.0 + mantissa, exponent - 25);
    return (float) ((bits & 0x8000) == 0 ? magnitude : -magnitude);
  }
}
