package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.TorchRuntime;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.OptimizerSettings;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against Loshchilov and Hutter's algorithm in doubles. */
class PolicyOptimizerTest {
  private static final int STEPS = 8;

  @TempDir Path folder;

  @BeforeAll
  static void libraries() {
    TorchRuntime.load();
  }

  private static OptimizerSettings settings(String... overrides) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "train_file=none.jsonl",
                "learning_rate=0.1",
                "lr_scheduler_type=cosine",
                "warmup_steps=3",
                "weight_decay=0.05",
                "adam_beta1=0.8",
                "adam_beta2=0.95",
                "adam_epsilon=1.0e-3",
                "max_grad_norm=1.0"));
    all.addAll(List.of(overrides));
    return ConfigLoader.TRAIN.load(null, all).optimizer();
  }

  /** A matrix, which decays, and a vector, which does not. */
  private static final class Parameters implements AutoCloseable {
    final SortedMap<String, Tensor> byName = new TreeMap<>();

    Parameters() {
      byName.put("matrix", Tensor.create(new float[] {1, -2, 0.5f, 3}, 2, 2));
      byName.put("vector", Tensor.create(new float[] {-1, 2}, 2));
      byName.values().forEach(t -> t.set_requires_grad(true));
    }

    /** Sets the gradients through a backward pass: d(Σ c·w)/dw = c. */
    void backward(float[] gradient) {
      try (PointerScope scope = new PointerScope()) {
        float[] first = {gradient[0], gradient[1], gradient[2], gradient[3]};
        float[] second = {gradient[4], gradient[5]};
        get("matrix").mul(Tensor.create(first, 2, 2)).sum().backward();
        get("vector").mul(Tensor.create(second, 2)).sum().backward();
      }
    }

    Tensor get(String name) {
      Tensor tensor = byName.get(name);
      if (tensor == null) {
        throw new IllegalArgumentException(name);
      }
      return tensor;
    }

    float[] values() {
      float[] m = Harness.floats(get("matrix"));
      float[] v = Harness.floats(get("vector"));
      return new float[] {m[0], m[1], m[2], m[3], v[0], v[1]};
    }

    @Override
    public void close() {
      byName.values().forEach(Tensor::close);
    }
  }

  /** Large in even steps, where the clip acts, small in odd ones, where it does not. */
  private static float[] gradient(int step) {
    float[] g = new float[6];
    for (int i = 0; i < 6; i++) {
      g[i] = (float) (Math.sin(1.7 * i + step) * (step % 2 == 0 ? 2 : 0.1));
    }
    return g;
  }

  /** Warm-up over 3 steps, then half a cosine down to the 8th. */
  private static double factor(int step) {
    return step < 3 ? step / 3.0 : 0.5 * (1 + Math.cos(Math.PI * (step - 3) / 5.0));
  }

  @Test
  void equalsAdamWByHand() {
    double[] w = {1, -2, 0.5, 3, -1, 2};
    double[] m = new double[6];
    double[] v = new double[6];
    try (Parameters parameters = new Parameters();
        PolicyOptimizer optimizer = new PolicyOptimizer(parameters.byName, settings(), STEPS)) {
      for (int step = 0; step < STEPS; step++) {
        float[] g = gradient(step);
        double norm = 0;
        for (float x : g) {
          norm += (double) x * x;
        }
        norm = Math.sqrt(norm);
        double clip = Math.min(1, 1 / (norm + 1e-6));
        double rate = 0.1 * factor(step);
        for (int i = 0; i < 6; i++) {
          double x = g[i] * clip;
          w[i] -= i < 4 ? rate * 0.05 * w[i] : 0;
          m[i] = 0.8 * m[i] + 0.2 * x;
          v[i] = 0.95 * v[i] + 0.05 * x * x;
          double mean = m[i] / (1 - Math.pow(0.8, step + 1));
          double square = v[i] / (1 - Math.pow(0.95, step + 1));
          w[i] -= rate * mean / (Math.sqrt(square) + 1e-3);
        }
        parameters.backward(g);
        assertEquals(rate, optimizer.learningRate(step), 1e-12);
        assertEquals(norm, optimizer.step(step), 1e-5 * norm, "norm before clipping");
        float[] got = parameters.values();
        for (int i = 0; i < 6; i++) {
          assertEquals(w[i], got[i], 3e-6, "step " + step + " parameter " + i);
        }
      }
    }
  }

  @Test
  void gradientsAreClearedAndZeroNormMeansNoClip() {
    try (Parameters parameters = new Parameters();
        PolicyOptimizer optimizer =
            new PolicyOptimizer(
                parameters.byName,
                settings("max_grad_norm=0", "lr_scheduler_type=constant", "adam_epsilon=1.0"),
                STEPS)) {
      float[] before = parameters.values();
      parameters.backward(new float[] {0, 0, 0, 0, 100, -100});
      assertEquals(Math.sqrt(20000), optimizer.step(0), 1e-3);
      // lr · g / (|g| + eps), not of a clipped g, whose components would be 0.7.
      float moved = 0.1f * 100 / 101;
      assertEquals(before[4] - moved, parameters.values()[4], 1e-6);
      assertEquals(before[5] + moved, parameters.values()[5], 1e-6);
      parameters.backward(new float[] {0, 0, 0, 0, 1, 0});
      assertEquals(1, optimizer.step(1), 1e-6, "what was left of the last step");
    }
  }

  @Test
  void aGradientThatIsNoNumberMovesNothing() {
    try (Parameters parameters = new Parameters();
        PolicyOptimizer optimizer = new PolicyOptimizer(parameters.byName, settings(), STEPS)) {
      float[] before = parameters.values();
      parameters.backward(new float[] {Float.NaN, 1, 1, 1, 1, 1});
      assertEquals(Double.NaN, optimizer.step(4));
      assertArrayEquals(before, parameters.values());
      parameters.backward(gradient(1));
      assertEquals(true, Double.isFinite(optimizer.step(5)), "the next step is sound again");
    }
  }

  @Test
  void aSavedOptimizerGoesOnAsTheOneThatSavedIt() {
    Path file = folder.resolve("optimizer.pt");
    try (Parameters kept = new Parameters();
        Parameters reloaded = new Parameters();
        PolicyOptimizer first = new PolicyOptimizer(kept.byName, settings(), STEPS);
        PolicyOptimizer lost = new PolicyOptimizer(reloaded.byName, settings(), STEPS);
        PolicyOptimizer second = new PolicyOptimizer(reloaded.byName, settings(), STEPS)) {
      for (int step = 0; step < 4; step++) {
        kept.backward(gradient(step));
        reloaded.backward(gradient(step));
        first.step(step);
        lost.step(step);
      }
      first.save(file);
      second.load(file);
      for (int step = 4; step < 6; step++) {
        kept.backward(gradient(step));
        reloaded.backward(gradient(step));
        first.step(step);
        second.step(step);
        assertArrayEquals(kept.values(), reloaded.values());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    // step 0 of a warm-up of 4 has rate 0; after it the shape runs over the 16 left of 20
    "linear, 0, 0",
    "linear, 1, 0.25",
    "linear, 4, 1",
    "linear, 12, 0.5",
    "linear, 20, 0",
    "linear, 30, 0",
    "cosine, 4, 1",
    "cosine, 12, 0.5",
    "cosine, 8, 0.8535533905932737",
    "cosine, 20, 0",
    "constant_with_warmup, 2, 0.5",
    "constant_with_warmup, 19, 1",
    "constant, 0, 1",
  })
  void schedulesAreThoseOfTransformers(String name, int step, double factor) {
    OptimizerSettings settings = settings("lr_scheduler_type=" + name, "warmup_steps=4");
    assertEquals(factor, settings.scheduleFactor(step, 20), 1e-12);
    OptimizerSettings byRatio =
        settings("lr_scheduler_type=" + name, "warmup_steps=0", "warmup_ratio=0.2");
    assertEquals(factor, byRatio.scheduleFactor(step, 20), 1e-12);
  }
}
