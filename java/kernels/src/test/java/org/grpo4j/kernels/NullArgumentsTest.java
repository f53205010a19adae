package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every public entry point names an argument that is null and must not be. */
class NullArgumentsTest {
  private static final int N = 2;
  private static final int V = 4;

  private static final List<Class<?>> ENTRY_POINTS =
      List.of(
          Logits.class,
          TokenStats.class,
          PolicyLoss.class,
          RowStates.class,
          RowSlopes.class,
          MergeStates.class,
          Objective.class,
          LogitsGradient.class,
          VocabShard.class,
          DeviceQueue.class,
          Kernels.class);

  private static FloatPointer floats(int n) {
    return new FloatPointer(new float[n]);
  }

  private static PolicyBatch batch() {
    return new PolicyBatch(
        new LongPointer(0, 1), null, null, floats(N), floats(N), floats(N), null);
  }

  /** Arguments that are right together, by their types. */
  private final Map<Class<?>, Object> right =
      Map.ofEntries(
          Map.entry(Logits.class, Logits.copyOf(new float[N * V], N, V)),
          Map.entry(LogitRows.class, LogitRows.all(new LongPointer(0, 1), 1)),
          Map.entry(PolicyBatch.class, batch()),
          Map.entry(PolicyLossConfig.class, PolicyLossConfig.defaults()),
          Map.entry(RowStatistics.class, RowStatistics.allocate(N)),
          Map.entry(RowStates.class, RowStates.allocate(N)),
          Map.entry(RowSlopes.class, RowSlopes.allocate(N)),
          Map.entry(VocabShard.class, new VocabShard(0, V)),
          Map.entry(DType.class, DType.F32),
          Map.entry(Pointer.class, floats(N * V)),
          Map.entry(FloatPointer.class, floats(N)),
          Map.entry(LongPointer.class, new LongPointer(0, 1)),
          Map.entry(float[].class, new float[N * V]),
          Map.entry(Buffer.class, ByteBuffer.allocateDirect(99).order(ByteOrder.nativeOrder())),
          Map.entry(Backend.class, Backend.CPU),
          Map.entry(Isa.class, Isa.SCALAR),
          Map.entry(double.class, 1.0),
          Map.entry(int.class, 1));

  /** Rows, then columns and the stride; the number of a shard is 0. */
  private static long size(Method method, Parameter parameter) {
    return switch (parameter.getName()) {
      case "rows" -> N;
      case "vocab", "rowStride" -> V;
      default -> method.getName().equals("compute") || method.getName().equals("enqueue") ? 0 : 1;
    };
  }

  private @Nullable Object argument(Method method, Parameter parameter) {
    if (parameter.getName().equals("targets")) {
      return right.get(LongPointer.class);
    }
    return parameter.getType() == long.class
        ? size(method, parameter)
        : right.get(parameter.getType());
  }

  private static boolean mustBeThere(Parameter parameter) {
    return !parameter.getType().isPrimitive()
        && !parameter.getAnnotatedType().isAnnotationPresent(Nullable.class);
  }

  @Test
  void operations() {
    int tried = 0;
    for (Class<?> type : ENTRY_POINTS) {
      for (Method method : type.getDeclaredMethods()) {
        if (Modifier.isPublic(method.getModifiers()) && Modifier.isStatic(method.getModifiers())) {
          tried += tryEach(method);
        }
      }
    }
    assertTrue(tried > 50, tried + " arguments were tried");
  }

  private int tryEach(Method method) {
    Parameter[] parameters = method.getParameters();
    int tried = 0;
    for (int k = 0; k < parameters.length; k++) {
      if (mustBeThere(parameters[k])) {
        @Nullable Object[] arguments =
            Arrays.stream(parameters).map(p -> argument(method, p)).toArray();
        arguments[k] = null;
        Throwable thrown =
            assertThrows(
                InvocationTargetException.class,
                () -> method.invoke(null, arguments),
                () -> method + ", " + Arrays.toString(arguments));
        expectNamed(thrown.getCause(), method, parameters[k]);
        tried++;
      }
    }
    return tried;
  }

  /** What runs on a device alone may say first that the others are not there. */
  private static void expectNamed(
      @Nullable Throwable thrown, Executable method, Parameter parameter) {
    String message = thrown == null ? "" : String.valueOf(thrown.getMessage());
    assertTrue(
        thrown instanceof IllegalArgumentException
            && (message.contains("null") || message.contains("host memory")),
        () -> method + " without " + parameter + ": " + thrown);
  }

  private static void named(String name, org.junit.jupiter.api.function.Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call, name);
    assertTrue(String.valueOf(e.getMessage()).startsWith(name + " is null"), e::toString);
  }

  @Test
  @SuppressWarnings("NullAway") // nulls are the point
  void settings() {
    named("objective", () -> PolicyLossConfig.builder().objective(null).build());
    named("ratioLevel", () -> PolicyLossConfig.builder().ratioLevel(null).build());
    named("klEstimator", () -> PolicyLossConfig.builder().klEstimator(null).build());
    named("estimator", () -> GroupAdvantages.of(null));
    named("scale", () -> new GroupAdvantages(GroupAdvantages.Estimator.GRPO, null, 1e-6));
    named("order", () -> new RegionWeights(List.of(1.0), 0.1, 8, null));
    named(
        "regionWeights",
        () -> new RegionWeights(null, 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN));
    named("name", () -> Backend.named(null));
    named("config", () -> batch().rows(null));
    named("values", () -> Logits.copyOf(new float[4], 1, 4).copyTo(null));
  }

  /** Each array under its own name; the ones that have to be there are asked for. */
  @Test
  void aBatchByName() {
    LongPointer targets = new LongPointer(0, 1);
    FloatPointer[] f = {floats(N), floats(N), floats(N), floats(N), floats(N)};
    LongPointer rows = new LongPointer(0, 1);
    PolicyBatch.Builder builder =
        PolicyBatch.builder(targets).oldLogProbs(f[0]).refLogProbs(f[1]).rowIndices(rows);
    named("advantages", builder::build);
    named("policyWeights", () -> builder.advantages(f[2]).build());
    named("regularizerWeights", () -> builder.policyWeights(f[3]).build());
    assertEquals(
        new PolicyBatch(targets, f[0], f[1], f[2], f[3], f[4], rows),
        builder.regularizerWeights(f[4]).build());
  }

  /** Arrays in records, and those of the operations on settings. */
  @Test
  @SuppressWarnings("NullAway")
  void arrays() {
    Logits logits = Logits.copyOf(new float[N * V], N, V);
    RowStatistics out = RowStatistics.allocate(N);
    LongPointer targets = new LongPointer(0, 1);
    FloatPointer f = floats(N);
    PolicyBatch[] without = {
      new PolicyBatch(null, null, null, f, f, f, null),
      new PolicyBatch(targets, null, null, null, f, f, null),
      new PolicyBatch(targets, null, null, f, null, f, null),
      new PolicyBatch(targets, null, null, f, f, null, null)
    };
    String[] names = {"targets", "advantages", "policyWeights", "regularizerWeights"};
    for (int k = 0; k < without.length; k++) {
      PolicyBatch batch = without[k];
      named(
          names[k],
          () -> PolicyLoss.compute(logits, batch, PolicyLossConfig.defaults(), out, logits));
    }
    RowStatistics noLogProbs = new RowStatistics(null, f, null, null);
    named("out.logProbs", () -> TokenStats.compute(logits, targets, null, 1, noLogProbs));
    RowStatistics noEntropy = new RowStatistics(f, null, null, null);
    named("out.entropy", () -> TokenStats.compute(logits, targets, null, 1, noEntropy));
    GroupAdvantages grpo = GroupAdvantages.of(GroupAdvantages.Estimator.OPO);
    LongPointer offsets = new LongPointer(0, N);
    IntPointer lengths = new IntPointer(1, 2);
    named("rewards", () -> grpo.compute(offsets, null, lengths, f));
    named("lengths", () -> grpo.compute(offsets, f, null, floats(N)));
    named("advantages", () -> grpo.compute(offsets, f, lengths, null));
    RegionWeights weights =
        new RegionWeights(List.of(1.0), 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN);
    named("regions", () -> weights.compute(offsets, null, null, f));
    named("weights", () -> weights.compute(offsets, new BytePointer(N), null, null));
    named("queue", () -> grpo.enqueue(null, offsets, f, lengths, floats(N)));
    named("queue", () -> weights.enqueue(null, offsets, new BytePointer(N), null, f));
  }
}
