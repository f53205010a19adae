package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowStatistics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The kernels' error against fp64 beside that of torch's own operations in the logits' type: what
 * people use today. Ours may be larger by a few roundings of a result to float, and for 16-bit
 * gradients by one rounding to their type.
 */
class ReferenceErrorTest {
  /** Of a row's sum, which is 1 or more and kept in f32, and of what is stored. */
  private static final double FLOAT_ROUNDING = 0x1p-22;

  private static final PolicyLossConfig ON_POLICY =
      PolicyLossConfig.builder().entropyCoef(0.02).build();

  private Isa before;

  @BeforeEach
  void rememberIsa() {
    TorchRuntime.load();
    before = Kernels.isa();
    torch.manual_seed(Long.getLong("grpo4j.testSeed", 0));
  }

  @AfterEach
  void restoreIsa() {
    Kernels.use(before);
  }

  /** How the logits lie; the targets' are never -inf. */
  private enum Kind {
    NEARLY_FLAT(0.1),
    PLAIN(1),
    SHARP(30),
    FAR_BELOW(1) {
      @Override
      Tensor of(Tensor normal) {
        return normal.sub(new Scalar(1e4));
      }
    },
    /** Every third token, more than half of a row's beginning: whole blocks of it. */
    MINUS_INFINITY(3) {
      @Override
      Tensor of(Tensor normal) {
        long vocab = normal.size(1);
        Tensor token = torch.arange(new Scalar(vocab));
        Tensor third = token.remainder(new Scalar(3)).eq(new Scalar(0));
        Tensor kept = token.ge(new Scalar(vocab / 2)).logical_and(third.logical_not());
        kept.narrow(0, vocab - 1, 1).fill_(new Scalar(1));
        return normal.masked_fill(kept.logical_not(), new Scalar(Double.NEGATIVE_INFINITY));
      }
    };

    private final double scale;

    Kind(double scale) {
      this.scale = scale;
    }

    Tensor of(Tensor normal) {
      return normal;
    }

    Tensor logits(long rows, long vocab) {
      return of(torch.zeros(rows, vocab).normal_().mul(new Scalar(scale)));
    }
  }

  /** Results of one way to compute: all that a loss and its gradient consist of. */
  private record Results(Tensor logProbs, Tensor entropy, Tensor gradient) {
    double logProbError(Results exact) {
      return error(logProbs, exact.logProbs);
    }

    double entropyError(Results exact) {
      return error(entropy, exact.entropy);
    }

    double gradientError(Results exact) {
      return error(gradient, exact.gradient);
    }

    Results rows(long first, long count) {
      return new Results(
          logProbs.narrow(0, first, count),
          entropy.narrow(0, first, count),
          gradient.narrow(0, first, count));
    }

    private static double error(Tensor a, Tensor exact) {
      return largest(a.toType(ScalarType.Double).sub(exact));
    }

    /** Half overflows in torch's entropy of a large vocabulary: then our tolerance stands alone. */
    Results orExact(Results exact) {
      return new Results(
          isNan(logProbs) ? exact.logProbs : logProbs,
          isNan(entropy) ? exact.entropy : entropy,
          isNan(gradient) ? exact.gradient : gradient);
    }

    private static boolean isNan(Tensor a) {
      return Double.isNaN(largest(a.toType(ScalarType.Double)));
    }
  }

  private static double largest(Tensor a) {
    return a.abs().max().item_double();
  }

  private record Batch(Tensor logits, Tensor targets, Tensor advantages, Tensor weights) {
    static Batch random(long rows, long vocab, Kind kind, ScalarType type) {
      Tensor logits = kind.logits(rows, vocab).toType(type);
      Tensor targets = torch.zeros(rows).uniform_().mul(new Scalar(vocab)).toType(ScalarType.Long);
      targets = targets.clamp_max(new Scalar(vocab - 1));
      if (kind == Kind.MINUS_INFINITY) {
        targets.fill_(new Scalar(vocab - 1));
      }
      return new Batch(
          logits,
          targets,
          torch.zeros(rows).normal_(),
          torch.zeros(rows).add(new Scalar(1.0 / rows)));
    }

    /** Some of the rows, at the whole batch's weight. */
    Batch rows(long first, long count) {
      return new Batch(
          logits.narrow(0, first, count),
          targets.narrow(0, first, count),
          advantages.narrow(0, first, count),
          weights.narrow(0, first, count));
    }

    /** dloss/dlogProb. Times 1 - p, whose p is good to a rounding of 1 where it is nearly that. */
    Tensor slopes() {
      return advantages.mul(weights);
    }
  }

  /** Loss on policy with an entropy bonus, as a chain of torch's operations in one type. */
  private static Results torchIn(ScalarType type, Batch batch) {
    Tensor leaf = batch.logits().toType(type).detach().set_requires_grad(true);
    Tensor logP = torch.log_softmax(leaf, 1);
    Tensor logProbs = logP.gather(1, batch.targets().unsqueeze(1)).squeeze(1);
    Tensor finite = logP.clamp_min(new Scalar(-6e4)); // 0 · -inf would be NaN
    Tensor entropy = logP.exp().mul(finite).sum(1).neg();
    Tensor ratio = logProbs.sub(logProbs.detach()).exp();
    Tensor bonus = entropy.mul(new Scalar(ON_POLICY.entropyCoef()));
    Tensor gain = ratio.mul(batch.advantages().toType(type)).add(bonus);
    gain.mul(batch.weights().toType(type)).sum().neg().backward();
    return new Results(logProbs.detach(), entropy.detach(), leaf.grad());
  }

  /** In place, where the first row begins three elements into the memory, and rows are apart. */
  private static Results kernels(Batch batch) {
    Tensor logits = batch.logits();
    long vocab = logits.size(1);
    Tensor wide = torch.zeros(logits.size(0), vocab + 5).toType(logits.scalar_type());
    Tensor memory = wide.narrow(1, 3, vocab);
    memory.copy_(logits);
    Logits view = TorchTensors.logits(memory);
    Tensor logProbs = torch.zeros(view.rows());
    Tensor entropy = torch.zeros(view.rows());
    RowStatistics out =
        new RowStatistics(
            TorchTensors.floats(logProbs), TorchTensors.floats(entropy), null, (FloatPointer) null);
    FloatPointer weights = TorchTensors.floats(batch.weights());
    PolicyLoss.compute(
        view,
        new PolicyBatch(
            TorchTensors.longs(batch.targets()),
            null,
            null,
            TorchTensors.floats(batch.advantages()),
            weights,
            weights,
            null),
        ON_POLICY,
        out,
        view);
    return new Results(logProbs, entropy, memory);
  }

  /**
   * What a gradient in its own type loses by being stored, in bf16 by e^u waiting there too, and in
   * f32 by the rounding of e^u's argument: 2^-24 |u|, where a row's largest gradients may be those
   * of u some standard deviations of the logits below 0.
   */
  private static double stored(ScalarType type, double scale) {
    return switch (type) {
      case BFloat16 -> 2 * 0x1p-8;
      case Half -> 0x1p-11;
      default -> 0x1p-24 * (8 + 3 * scale);
    };
  }

  private static List<Isa> isas() {
    List<Isa> present = new ArrayList<>(Kernels.availableIsas());
    present.removeIf(isa -> isa == Isa.CUDA || isa == Isa.CUDA_EMULATED);
    return present;
  }

  // One token, around a vector, loops with a tail, GPT-2's, Llama 3's, Qwen's and Gemma 3's.
  private static final int[] VOCABULARIES = {
    1, 2, 31, 32, 33, 1003, 50257, 128_256, 151_936, 262_144
  };

  static IntStream vocabularies() {
    return IntStream.of(VOCABULARIES);
  }

  @ParameterizedTest
  @MethodSource("vocabularies")
  void noLargerThanThatOfTorchInTheSameType(int vocab) {
    check(vocab > 50_257 ? 1 : 3, vocab);
  }

  @ParameterizedTest
  @MethodSource("vocabularies")
  @Tag("long")
  void norWithAnyNumberOfRows(int vocab) {
    for (int rows : new int[] {1, 3, 257}) {
      check(rows, vocab);
    }
  }

  private static void check(int rows, int vocab) {
    for (ScalarType type :
        new ScalarType[] {ScalarType.Float, ScalarType.BFloat16, ScalarType.Half}) {
      for (Kind kind : Kind.values()) {
        try (PointerScope scope = new PointerScope()) {
          Batch batch = Batch.random(rows, vocab, kind, type);
          Map<Isa, Results> ours = new EnumMap<>(Isa.class);
          for (Isa isa : isas()) {
            Kernels.use(isa);
            ours.put(isa, kernels(batch));
          }
          compare("%s [%d, %d] %s".formatted(type, rows, vocab, kind), batch, kind, ours);
        }
      }
    }
  }

  /** A few rows at a time: the references take twenty times the logits' memory. */
  private static void compare(String where, Batch batch, Kind kind, Map<Isa, Results> ours) {
    long rows = batch.logits().size(0);
    long some = Math.max(1, 2_000_000 / batch.logits().size(1));
    for (long first = 0; first < rows; first += some) {
      try (PointerScope scope = new PointerScope()) {
        long count = Math.min(some, rows - first);
        Batch part = batch.rows(first, count);
        Allowed allowed = Allowed.of(part, kind);
        for (Map.Entry<Isa, Results> entry : ours.entrySet()) {
          allowed.check(entry.getKey() + " " + where, entry.getValue().rows(first, count));
        }
      }
    }
  }

  /** The exact results of some rows, and what ours may be off by. */
  private record Allowed(Results exact, double logProbs, double entropy, double gradient) {
    static Allowed of(Batch batch, Kind kind) {
      ScalarType type = batch.logits().scalar_type().intern(); // else no constant of the switch
      Results exact = torchIn(ScalarType.Double, batch);
      Results theirs = torchIn(type, batch).orExact(exact);
      return new Allowed(
          exact,
          theirs.logProbError(exact) + FLOAT_ROUNDING * (1 + largest(exact.logProbs())),
          theirs.entropyError(exact) + FLOAT_ROUNDING * (1 + largest(exact.entropy())),
          theirs.gradientError(exact)
              + stored(type, kind.scale) * largest(exact.gradient())
              + FLOAT_ROUNDING * largest(batch.slopes()));
    }

    void check(String where, Results ours) {
      within(where + " log-probs", ours.logProbError(exact), logProbs);
      within(where + " entropy", ours.entropyError(exact), entropy);
      within(where + " gradient", ours.gradientError(exact), gradient);
    }
  }

  private static void within(String what, double error, double allowed) {
    assertTrue(error <= allowed, () -> what + ": error " + error + ", at most " + allowed);
  }
}
