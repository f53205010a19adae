package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The kernels' error against fp64 beside that of torch's own operations in the logits' type: what
 * people use today. Ours may be larger by a few roundings of a result to float, and for 16-bit
 * gradients by one rounding to their type.
 */
class ReferenceErrorTest {
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
    static Batch random(int rows, int vocab, double scale, ScalarType type) {
      Tensor logits = torch.zeros(rows, vocab).normal_().mul(new Scalar(scale)).toType(type);
      Tensor targets = torch.zeros(rows).uniform_().mul(new Scalar(vocab)).toType(ScalarType.Long);
      return new Batch(
          logits,
          targets.clamp_max(new Scalar(vocab - 1)),
          torch.zeros(rows).normal_(),
          torch.zeros(rows).add(new Scalar(1.0 / rows)));
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
    Tensor entropy = logP.exp().mul(logP).sum(1).neg();
    Tensor ratio = logProbs.sub(logProbs.detach()).exp();
    Tensor bonus = entropy.mul(new Scalar(ON_POLICY.entropyCoef()));
    Tensor gain = ratio.mul(batch.advantages().toType(type)).add(bonus);
    gain.mul(batch.weights().toType(type)).sum().neg().backward();
    return new Results(logProbs.detach(), entropy.detach(), leaf.grad());
  }

  private static Results kernels(Batch batch) {
    Tensor memory = batch.logits().clone();
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
      case BFloat16 -> 0x1p-8 + 1.3 * 0x1p-10;
      case Half -> 0x1p-11;
      default -> 0x1p-24 * (8 + 3 * scale);
    };
  }

  private static List<Isa> isas() {
    List<Isa> present = new ArrayList<>(Kernels.availableIsas());
    present.removeIf(isa -> isa == Isa.CUDA || isa == Isa.CUDA_EMULATED);
    return present;
  }

  // Less than a vector, a vector and a tail, several blocks, and Qwen's vocabulary.
  @ParameterizedTest
  @ValueSource(ints = {2, 33, 1003, 50257, 151936})
  void noLargerThanThatOfTorchInTheSameType(int vocab) {
    int rows = vocab > 100_000 ? 2 : 5;
    for (ScalarType type :
        new ScalarType[] {ScalarType.Float, ScalarType.BFloat16, ScalarType.Half}) {
      for (double scale : new double[] {0.1, 1, 30}) {
        try (PointerScope scope = new PointerScope()) {
          Batch batch = Batch.random(rows, vocab, scale, type);
          Results exact = torchIn(ScalarType.Double, batch);
          Results theirs = torchIn(type, batch).orExact(exact);
          for (Isa isa : isas()) {
            Kernels.use(isa);
            Results ours = kernels(batch);
            String where = "%s %s [%d, %d] scale %s".formatted(isa, type, rows, vocab, scale);
            within(
                where + " log-probs",
                ours.logProbError(exact),
                theirs.logProbError(exact) + FLOAT_ROUNDING * largest(exact.logProbs()));
            within(
                where + " entropy",
                ours.entropyError(exact),
                theirs.entropyError(exact) + FLOAT_ROUNDING * (1 + largest(exact.entropy())));
            within(
                where + " gradient",
                ours.gradientError(exact),
                theirs.gradientError(exact)
                    + stored(type, scale) * largest(exact.gradient())
                    + FLOAT_ROUNDING * largest(batch.slopes()));
          }
        }
      }
    }
  }

  private static void within(String what, double error, double allowed) {
    assertTrue(error <= allowed, () -> what + ": error " + error + ", at most " + allowed);
  }
}
