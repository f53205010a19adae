package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.Native;
import org.jspecify.annotations.Nullable;

/**
 * N rows of a matrix of logits: which, the token that each is asked about, what divides its logits.
 *
 * @param targets [N] in [0, vocab): a LongPointer or an IntPointer
 * @param rowIndices [N] rows of the logits; null: all rows, N = rows. Where a gradient is written
 *     they must be strictly increasing
 * @param temperature divides the logits of every row
 * @param temperatures [N] one per row instead of temperature, or null
 * @param softCap c: a logit u counts as c·tanh(u/c), ±∞ as ±c; 0: as it is
 */
public record LogitRows(
    Pointer targets,
    @Nullable LongPointer rowIndices,
    double temperature,
    @Nullable FloatPointer temperatures,
    double softCap) {

  public LogitRows {
    Arguments.temperature(temperature);
    Arguments.softCap(softCap);
  }

  /** Rows without a soft cap. */
  public LogitRows(
      Pointer targets,
      @Nullable LongPointer rowIndices,
      double temperature,
      @Nullable FloatPointer temperatures) {
    this(targets, rowIndices, temperature, temperatures, 0);
  }

  /** All rows of the logits at one temperature. */
  public static LogitRows all(Pointer targets, double temperature) {
    return new LogitRows(targets, null, temperature, null);
  }

  /** N. */
  long count(Logits logits) {
    return rowIndices == null ? logits.rows() : Arguments.remaining("rowIndices", rowIndices);
  }

  /** Checks everything against the logits and gives N. */
  long check(Logits logits, boolean increasing) {
    NativeCalls.checkRows(logits, rowIndices, increasing);
    long n = count(logits);
    Arguments.array("targets", targets, n);
    if (!(targets instanceof LongPointer) && !(targets instanceof IntPointer)) {
      throw Arguments.invalid(
          "targets is a %s: want a LongPointer or an IntPointer",
          targets.getClass().getSimpleName());
    }
    Arguments.optionalArray("temperatures", temperatures, n);
    return n;
  }

  /** What is read of these rows. */
  void checkApart(WrittenMemory written) {
    written.input("targets", targets);
    written.input("rowIndices", rowIndices);
    written.input("temperatures", temperatures);
  }

  void describeTo(ByteBuffer to, int at, long n) {
    Struct.put(to, at + Struct.Rows.ROW_INDICES, rowIndices);
    Struct.put(to, at + Struct.Rows.TARGETS, targets);
    Struct.put(to, at + Struct.Rows.TEMPERATURES, temperatures);
    to.putLong(at + Struct.Rows.N, n)
        .putInt(
            at + Struct.Rows.TARGET_TYPE,
            targets instanceof IntPointer ? Native.GRPO4J_I32 : Native.GRPO4J_I64)
        .putDouble(at + Struct.Rows.TEMPERATURE, temperature)
        .putDouble(at + Struct.Rows.SOFT_CAP, softCap);
  }
}
