package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeTokenWeightsArgs;
import org.jspecify.annotations.Nullable;

/**
 * ResT's weight of each token (arXiv 2509.21826), the C ABI's token_weights: the greatest weight of
 * the regions that the token lies in; positive ones clamped and divided by their mean over the
 * completion's trained tokens that have one. Tokens that are not trained or lie in no region weigh
 * 0.
 *
 * @param regionWeights at most 8, of region 0, 1, ..; 0 is no weight
 * @param min positive weights are at least this
 * @param max and at most this
 * @param order which of the two comes first
 */
public record RegionWeights(List<Double> regionWeights, double min, double max, Order order) {
  /** Bits of a token's regions. */
  private static final int MAX_REGIONS = 8;

  /** In which order weights are clamped and divided by their mean. */
  public enum Order {
    /** ResT's release: the mean over a completion is 1. */
    CLAMP_THEN_MEAN(Native.GRPO4J_CLAMP_THEN_MEAN),
    /** ResT's paper: every weight is within the bounds. */
    MEAN_THEN_CLAMP(Native.GRPO4J_MEAN_THEN_CLAMP);

    private final int code;

    Order(int code) {
      this.code = code;
    }
  }

  public RegionWeights {
    // List.copyOf does not take the nulls that have to be named.
    for (Double weight : Arguments.present("regionWeights", regionWeights)) {
      Arguments.present("a weight of regionWeights", weight);
    }
    Arguments.present("order", order);
    regionWeights = List.copyOf(regionWeights);
    check(
        regionWeights.size() <= MAX_REGIONS,
        "regionWeights has shape [%s]: want at most [%s]",
        regionWeights.size(),
        MAX_REGIONS);
    for (double weight : regionWeights) {
      check(
          weight >= 0 && Double.isFinite(weight),
          "regionWeights has %s: want >= 0 and finite",
          weight);
    }
    check(min > 0 && Double.isFinite(min), "min is %s: want > 0 and finite", min);
    check(max >= min && Double.isFinite(max), "max is %s: want >= min %s and finite", max, min);
  }

  /**
   * Fills in the weights of packed completions of N tokens.
   *
   * @param sequenceOffsets [B + 1] from 0 to N: completion b is tokens sequenceOffsets[b] to
   *     sequenceOffsets[b + 1] − 1
   * @param regions [N] bit k: the token lies in region k
   * @param completionMask [N] 0: not trained; null: all are
   * @param weights [N] written
   * @throws IllegalArgumentException if an argument is null, closed or of the wrong shape; nothing
   *     was written then
   */
  public void compute(
      LongPointer sequenceOffsets,
      BytePointer regions,
      @Nullable FloatPointer completionMask,
      FloatPointer weights) {
    Kernels.ready();
    Arrays arrays = new Arrays(sequenceOffsets, regions, completionMask, weights);
    long n = arrays.check();
    Arguments.offsets("sequenceOffsets", sequenceOffsets, "sequences", n, "tokens");
    try (NativeTokenWeightsArgs args = arrays.describe(this)) {
      NativeCalls.check(Native.grpo4j_token_weights(args));
    } finally {
      Reference.reachabilityFence(arrays);
    }
  }

  /**
   * The same with all arrays in a device's memory: enqueues it and returns at once.
   *
   * @throws KernelException if the device fails
   */
  public void enqueue(
      DeviceQueue queue,
      LongPointer sequenceOffsets,
      BytePointer regions,
      @Nullable FloatPointer completionMask,
      FloatPointer weights) {
    Arguments.present("queue", queue).checkOpen();
    Arrays arrays = new Arrays(sequenceOffsets, regions, completionMask, weights);
    arrays.check();
    Arguments.deviceOffsets("sequenceOffsets", sequenceOffsets, "sequences");
    try (DeviceSelection selected = queue.select();
        NativeTokenWeightsArgs args = arrays.describe(this)) {
      queue.checkStatus(
          Native.grpo4j_device_token_weights(queue.backend().code(), args, queue.stream()));
    } finally {
      Reference.reachabilityFence(arrays);
    }
  }

  /** What a call is given; to be reachable until native code is done with it. */
  private record Arrays(
      LongPointer sequenceOffsets,
      BytePointer regions,
      @Nullable FloatPointer completionMask,
      FloatPointer weights) {

    /** Checks all but the offsets, and gives N. */
    long check() {
      long n = Arguments.vector("regions", regions);
      if (completionMask != null) {
        Arguments.array("completionMask", completionMask, n, "one element per token");
      }
      Arguments.array("weights", weights, n, "one element per token");
      WrittenMemory written = new WrittenMemory();
      written.output("weights", weights);
      written.input("sequenceOffsets", sequenceOffsets);
      written.input("regions", regions);
      written.input("completionMask", completionMask);
      return n;
    }

    NativeTokenWeightsArgs describe(RegionWeights settings) {
      NativeTokenWeightsArgs args =
          new NativeTokenWeightsArgs()
              .n(Arguments.remaining("regions", regions))
              .sequences(Arguments.remaining("sequenceOffsets", sequenceOffsets) - 1)
              .sequence_offsets(sequenceOffsets)
              .regions(regions)
              .completion_mask(completionMask)
              .min(settings.min)
              .max(settings.max)
              .order(settings.order.code)
              .weights(weights);
      List<Double> given = settings.regionWeights;
      for (int k = 0; k < MAX_REGIONS; k++) {
        args.region_weights(k, k < given.size() ? given.get(k) : 0);
      }
      return args;
    }
  }
}
