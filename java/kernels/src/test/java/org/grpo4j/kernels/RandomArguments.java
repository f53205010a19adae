package org.grpo4j.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Arguments that are usually right: now and then one element too long or short, closed, beyond its
 * memory, in the memory of another, or of values that no caller should give.
 */
class RandomArguments {
  // Sizes whose products overflow, or that no memory has.
  private static final long[] IMPOSSIBLE = {
    -1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE / 8, 1L << 62, 1L << 32
  };

  private static final List<DType> DTYPES = List.of(DType.values());

  final Random random;

  /** An argument made before, in whose memory the next ones may lie. */
  private @Nullable Pointer earlier;

  RandomArguments(long seed) {
    random = new Random(seed);
  }

  /** Usually what is wanted, now and then something near it. */
  final long near(long wanted) {
    return switch (random.nextInt(100)) {
      case 0 -> Math.max(0, wanted - 1);
      case 1 -> wanted + 1;
      default -> wanted;
    };
  }

  final FloatPointer floats(long wanted) {
    FloatPointer shared = random.nextInt(150) == 0 ? inEarlier(wanted) : null;
    if (shared != null) {
      return shared;
    }
    FloatPointer pointer = new FloatPointer(near(wanted));
    for (long i = 0; i < pointer.limit(); i++) {
      pointer.put(i, special((float) random.nextGaussian()));
    }
    return spoiled(pointer);
  }

  private float special(float value) {
    return switch (random.nextInt(4000)) {
      case 0 -> Float.NaN;
      case 1 -> Float.POSITIVE_INFINITY;
      case 2 -> Float.NEGATIVE_INFINITY;
      case 3 -> 0f;
      case 4 -> 3e38f;
      default -> value;
    };
  }

  final LongPointer longs(long wanted, long bound) {
    LongPointer pointer = new LongPointer(near(wanted));
    long previous = 0;
    for (long i = 0; i < pointer.limit(); i++) {
      previous = random.nextInt(60) == 0 ? random.nextLong() : Math.min(bound, previous + 1);
      pointer.put(i, previous);
    }
    return spoiled(pointer);
  }

  final Pointer targets(long wanted, int vocab) {
    if (random.nextBoolean()) {
      return longs(wanted, vocab - 1);
    }
    IntPointer pointer = new IntPointer(near(wanted));
    for (long i = 0; i < pointer.limit(); i++) {
      pointer.put(i, random.nextInt(60) == 0 ? random.nextInt() : random.nextInt(vocab));
    }
    return spoiled(pointer);
  }

  /** So many floats in the memory of an earlier argument, from any of its floats on. */
  private @Nullable FloatPointer inEarlier(long wanted) {
    if (earlier == null || earlier.isNull() || earlier.position() < 0) {
      return null;
    }
    long held = earlier.capacity() * earlier.sizeof() / Float.BYTES;
    if (wanted < 1 || held < wanted) {
      return null;
    }
    long first = random.nextInt((int) (held - wanted) + 1);
    FloatPointer all = new FloatPointer(earlier).position(0).capacity(held);
    return all.limit(first + wanted).position(first);
  }

  final <P extends Pointer> P spoiled(P pointer) {
    switch (random.nextInt(300)) {
      case 0, 1 -> pointer.close();
      case 2 -> pointer.limit(pointer.capacity() + 1 + random.nextInt(9));
      case 3 -> pointer.position(-1 - random.nextInt(9));
      default -> {}
    }
    if (random.nextInt(3) == 0) {
      earlier = pointer;
    }
    return pointer;
  }

  final @Nullable FloatPointer maybe(long wanted) {
    return random.nextInt(3) == 0 ? null : floats(wanted);
  }

  final PolicyLossConfig config() {
    RatioLevel level =
        switch (random.nextInt(3)) {
          case 0 -> RatioLevel.SEQUENCE;
          case 1 -> RatioLevel.SEQUENCE_TOKEN;
          default -> RatioLevel.TOKEN;
        };
    PolicyObjective objective =
        switch (random.nextInt(6)) {
          case 0 -> new PolicyObjective.Cispo(random.nextDouble() * 3);
          case 1 -> new PolicyObjective.Sapo();
          case 2 -> new PolicyObjective.Gpg();
          case 3 -> new PolicyObjective.Gmpo(0.4, 0.4);
          case 4 -> new PolicyObjective.Vespo();
          default -> PolicyObjective.clip();
        };
    return PolicyLossConfig.builder()
        .objective(objective)
        .ratioLevel(level)
        .klCoef(random.nextBoolean() ? 0 : random.nextGaussian())
        .entropyCoef(random.nextBoolean() ? 0 : random.nextGaussian())
        .temperature(random.nextInt(20) == 0 ? -1 : 0.1 + random.nextDouble())
        .softCap(random.nextInt(4) == 0 ? 5 : 0)
        .accumulateGradient(random.nextInt(4) == 0)
        .zeroBadRows(random.nextBoolean())
        .build();
  }

  final DType dtype() {
    return DTYPES.get(random.nextInt(DTYPES.size()));
  }

  /** A matrix, in a few cases spoiled after its view was made. */
  final Logits matrix(DType dtype, long rows, int vocab) {
    int padding = random.nextInt(4) == 0 ? random.nextInt(3) : 0;
    Pointer memory =
        dtype == DType.F32
            ? floats(rows * (vocab + padding))
            : new BytePointer(floats((rows * (vocab + padding) + 1) / 2));
    boolean odd = random.nextInt(4) == 0;
    Logits logits =
        Logits.of(
            memory,
            dtype,
            odd ? near(rows) : rows,
            vocab,
            odd ? near(vocab + padding) : vocab + padding);
    if (random.nextInt(60) == 0) {
      memory.position(random.nextInt(1000)).limit(random.nextInt(1000)); // the view is of its own
    }
    return spoiledAfterwards(logits, memory);
  }

  private <T> T spoiledAfterwards(T view, Pointer memory) {
    spoiled(memory);
    return view;
  }

  final LongPointer offsets(long n) {
    LongPointer offsets = new LongPointer(2 + random.nextInt(2));
    for (long i = 0; i < offsets.limit(); i++) {
      offsets.put(i, i == 0 ? 0 : i == offsets.limit() - 1 ? near(n) : random.nextInt((int) n + 1));
    }
    return spoiled(offsets);
  }

  final long oddSize() {
    return random.nextInt(12) == 0
        ? IMPOSSIBLE[random.nextInt(IMPOSSIBLE.length)]
        : random.nextInt(20);
  }

  /** [completions][T_i], now and then with a completion or a token more or fewer. */
  final float[][] tokens(int[] lengths) {
    float[][] values = new float[(int) near(lengths.length)][];
    for (int i = 0; i < values.length; i++) {
      int length = i < lengths.length ? (int) near(lengths[i]) : 2;
      values[i] = random.nextInt(200) == 0 ? null : new float[length];
      for (int t = 0; values[i] != null && t < length; t++) {
        values[i][t] = random.nextFloat();
      }
    }
    return values;
  }

  final int[] lengths() {
    return random.ints(random.nextInt(4), 0, 5).toArray();
  }

  final float[][] mask(int[] lengths) {
    float[][] mask = new float[lengths.length][];
    for (int i = 0; i < lengths.length; i++) {
      mask[i] = new float[lengths[i]];
      Arrays.fill(mask[i], random.nextInt(2));
    }
    return mask;
  }
}
