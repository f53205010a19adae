package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.OptimizerSettings;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.rollout.TokenBatches;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Cross entropy through the policy-loss kernel, against −log p summed up in doubles. */
class SftTrainingTest {
  /** Of different lengths; the prompt's part is 1 token, some, and all but one. */
  private static final List<SftTraining.Row> ROWS =
      List.of(
          new SftTraining.Row(new long[] {5, 300, 17, 42, 600, 1}, 1),
          new SftTraining.Row(new long[] {700, 2, 33}, 2),
          new SftTraining.Row(new long[] {9, 9, 81, 256, 4, 44, 3, 2, 767}, 4),
          new SftTraining.Row(new long[] {10, 11, 12, 13}, 3));

  @TempDir static Path folder;
  private static Path checkpoint;

  @BeforeAll
  static void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 2);
  }

  /** With an epsilon of 1 the first step moves a parameter by g / (|g| + 1): g can be read off. */
  private static OptimizerSettings settings(int perDevice, int accumulation) {
    return ConfigLoader.SFT
        .load(
            null,
            List.of(
                "train_file=none.jsonl",
                "per_device_train_batch_size=" + perDevice,
                "gradient_accumulation_steps=" + accumulation,
                "lr_scheduler_type=constant",
                "learning_rate=1.0",
                "adam_epsilon=1.0",
                "max_grad_norm=0"))
        .optimizer();
  }

  private record Step(
      SftTraining.Update update,
      Map<String, float[]> before,
      Map<String, float[]> after,
      TrainerState state) {
    double gradient(String parameter, int index) {
      float[] b = before.getOrDefault(parameter, new float[0]);
      float[] a = after.getOrDefault(parameter, new float[0]);
      double moved = (double) b[index] - a[index];
      return moved / (1 - Math.abs(moved));
    }
  }

  private static Step step(int perDevice, int accumulation) {
    OptimizerSettings settings = settings(perDevice, accumulation);
    try (Policy policy = Policy.load(checkpoint, true, TensorKernels.onHost());
        PolicyOptimizer optimizer =
            new PolicyOptimizer(policy.model().parameters(), settings, 10)) {
      SftTraining training =
          new SftTraining(policy, ROWS, settings, optimizer, TrainerState.START, 1);
      Map<String, float[]> before = Harness.weights(policy.model());
      SftTraining.Update update = training.step();
      return new Step(update, before, Harness.weights(policy.model()), training.state());
    }
  }

  /** Mean −log p of the trained tokens, each row by itself, in doubles from the f32 logits. */
  private static double loss(DecoderModel model) {
    double sum = 0;
    int trained = 0;
    for (SftTraining.Row row : ROWS) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        List<long[]> one = List.of(row.tokens());
        Tensor logits =
            model.logits(
                model.hidden(TokenBatches.rightPadded(one, 0), TokenBatches.rightMask(one)));
        int vocabulary = Math.toIntExact(logits.size(2));
        FloatPointer all = TorchTensors.floats(logits);
        for (int t = row.firstTrained(); t < row.tokens().length; t++) {
          float[] z = new float[vocabulary];
          all.getPointer((long) (t - 1) * vocabulary).get(z);
          double total = 0;
          for (float x : z) {
            total += Math.exp(x);
          }
          sum += Math.log(total) - z[(int) row.tokens()[t]];
          trained++;
        }
      }
    }
    return sum / trained;
  }

  @Test
  void theLossIsTheMeanOverTrainedTokens() {
    try (DecoderModel model = DecoderModel.load(checkpoint, false)) {
      double expected = loss(model);
      SftTraining.Update update = step(4, 1).update();
      assertEquals(expected, update.loss(), 1e-5 * expected);
      assertTrue(update.entropy() > 0 && update.entropy() < Math.log(768));
    }
  }

  @Test
  void theGradientIsTheSlopeOfTheLoss() {
    Step step = step(4, 1);
    double largest = 0;
    try (DecoderModel model = DecoderModel.load(checkpoint, false)) {
      for (String name :
          List.of(
              "model.embed_tokens.weight",
              "model.layers.0.self_attn.q_proj.weight",
              "model.layers.0.self_attn.k_norm.weight",
              "model.layers.1.mlp.down_proj.weight",
              "model.norm.weight")) {
        int index = steepest(step, name);
        double gradient = step.gradient(name, index);
        float h = 1e-2f;
        double slope =
            (lossWith(model, name, index, h) - lossWith(model, name, index, -h)) / (2 * h);
        // Rounding of the losses (1e-6) over 2h, and the third derivative times h².
        assertEquals(slope, gradient, 1e-3 + 0.01 * Math.abs(slope), name + "[" + index + "]");
        largest = Math.max(largest, Math.abs(gradient));
      }
    }
    assertTrue(largest > 0.05, "all slopes are too flat to tell: " + largest);
  }

  private static int steepest(Step step, String name) {
    int best = 0;
    float[] values = step.before().getOrDefault(name, new float[0]);
    for (int i = 0; i < values.length; i++) {
      if (Math.abs(step.gradient(name, i)) > Math.abs(step.gradient(name, best))) {
        best = i;
      }
    }
    return best;
  }

  private static double lossWith(DecoderModel model, String name, int index, float change) {
    Tensor parameter = Objects.requireNonNull(model.parameters().get(name), name);
    FloatPointer values = TorchTensors.floats(parameter);
    float kept = values.get(index);
    values.put(index, kept + change);
    double loss = loss(model);
    values.put(index, kept);
    return loss;
  }

  @Test
  void accumulationEqualsOneBigBatch() {
    Step whole = step(4, 1);
    for (int perDevice : new int[] {1, 2}) {
      Step parts = step(perDevice, 4 / perDevice);
      assertEquals(whole.update().loss(), parts.update().loss(), 1e-6 * whole.update().loss());
      double[] difference = Harness.difference(whole.after(), parts.after());
      double[] moved = Harness.difference(whole.before(), whole.after());
      assertEquals(0, Harness.norm(difference) / Harness.norm(moved), 1e-5);
    }
  }

  @Test
  void countersAndRepeatedStepsLowerTheLoss() {
    OptimizerSettings settings = settings(4, 1);
    try (Policy policy = Policy.load(checkpoint, true, TensorKernels.onHost());
        PolicyOptimizer optimizer =
            new PolicyOptimizer(policy.model().parameters(), settings, 10)) {
      SftTraining training =
          new SftTraining(policy, ROWS, settings, optimizer, TrainerState.START, 1);
      List<Double> losses = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        losses.add(training.step().loss());
      }
      assertTrue(losses.get(4) < 0.9 * losses.get(0), losses.toString());
      TrainerState state = training.state();
      assertEquals(5, state.step());
      assertEquals(20, state.promptsDrawn());
      assertEquals(5 * (6 + 3 + 9 + 4), state.tokens());
      assertEquals(5 * (5 + 1 + 5 + 1), state.completionTokens());
    }
  }
}
