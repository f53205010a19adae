package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.grpo4j.kernels.Backend;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchDevice;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.report.RunDirectory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training through the calls that a GPU gets, on the emulated device: arguments placed in its
 * memory, kernels enqueued on its stream, results read afterwards. Beside it the same training on
 * the CPU's kernels.
 */
class DeviceTrainingTest {
  @TempDir static Path folder;
  private static Path checkpoint;

  @BeforeAll
  static void tinyModel() throws IOException {
    assumeTrue(Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED.unavailableCause());
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
  }

  /**
   * One rollout, whose tokens are those of the same model, and two updates on it: in the second the
   * ratios are not 1.
   *
   * @param objective settings: one visit of a row, two visits, a reference model, log-probs of
   *     their own pass
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "loss_type=dapo",
        "loss_type=grpo importance_sampling_level=sequence entropy_coef=0.01",
        "loss_type=dr_grpo beta=0.05 rollout_correction=truncate",
      })
  void aTrainingIsTheSameAsOnTheCpu(String objective) {
    String[] settings = (objective + " num_iterations=2").split(" ", -1);
    try (TensorKernels kernels = TensorKernels.on(TorchDevice.CPU, Backend.CUDA_EMULATED);
        Harness emulated = new Harness(kernels, checkpoint, i -> false, settings);
        Harness cpu = new Harness(checkpoint, i -> false, settings)) {
      assertEquals(Backend.CUDA_EMULATED, emulated.policy.kernels().backend());
      Map<String, float[]> before = cpu.weights();
      cpu.training.rolloutAndUpdates(10);
      emulated.training.rolloutAndUpdates(10);
      for (int i = 0; i < 8; i++) {
        assertSameCompletion(cpu.rollouts.get(0).get(i), emulated.rollouts.get(0).get(i));
      }
      for (int step = 0; step < 2; step++) {
        Map<String, Double> wanted = cpu.updates.get(step).values(false);
        Map<String, Double> got = emulated.updates.get(step).values(false);
        assertEquals(wanted.keySet(), got.keySet());
        for (String name : new String[] {"loss", "entropy", "grad_norm"}) {
          double value = Harness.value(wanted, name);
          assertEquals(value, Harness.value(got, name), 1e-4 * (1 + Math.abs(value)), name);
        }
      }
      double[] moved = Harness.difference(before, cpu.weights());
      double[] apart = Harness.difference(cpu.weights(), emulated.weights());
      assertTrue(Harness.norm(moved) > 0);
      assertTrue(
          Harness.norm(apart) < 0.05 * Harness.norm(moved),
          () ->
              "weights moved by " + Harness.norm(moved) + " and are apart " + Harness.norm(apart));
    }
  }

  /** The embedded task as ./grpo4j train runs it, backend=cuda-emulated beside backend=cpu. */
  @Test
  void theEmbeddedTaskIsTheSameOnBothBackends() throws IOException {
    List<JsonNode> cpu = train("cpu");
    List<JsonNode> emulated = train("cuda-emulated");
    assertEquals(4, cpu.size());
    assertEquals(4, emulated.size());
    // Two updates on the first rollout, whose tokens come from the same model.
    for (int step = 0; step < 2; step++) {
      for (String name : new String[] {"loss", "entropy", "grad_norm"}) {
        double wanted = value(cpu.get(step), name);
        assertEquals(wanted, value(emulated.get(step), name), 1e-4 * (1 + Math.abs(wanted)), name);
      }
    }
    assertEquals(value(cpu.get(0), "reward"), value(emulated.get(0), "reward"));
    // The second is drawn after them: rounding may turn a draw or two of 128 completions.
    assertEquals(value(cpu.get(2), "reward"), value(emulated.get(2), "reward"), 0.15);
  }

  private static double value(JsonNode row, String name) {
    assertTrue(row.has(name), () -> name + " is not in " + row);
    return row.get(name).asDouble();
  }

  /** The rows of metrics.jsonl. */
  private static List<JsonNode> train(String backend) throws IOException {
    Path output = folder.resolve("embedded-" + backend);
    TrainConfig config =
        ConfigLoader.TRAIN.load(
            null,
            List.of(
                "backend=" + backend,
                "max_steps=4",
                "logging_steps=1",
                "eval_prompts=0",
                "num_threads=1",
                "output_dir=" + output));
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    RunDirectory run = RunDirectory.create(output);
    run.writeConfig(ConfigLoader.TRAIN.toYaml(config));
    TrainRun.train(config, run, new PrintStream(said, true, StandardCharsets.UTF_8));
    String text = said.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains("kernels: device cpu, backend " + backend + ", isa "), text);
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
      rows.add(new ObjectMapper().readTree(line));
    }
    return rows;
  }

  private static void assertSameCompletion(ScoredCompletion wanted, ScoredCompletion got) {
    assertArrayEquals(wanted.completion().tokens(), got.completion().tokens());
    assertEquals(wanted.reward(), got.reward());
    assertEquals(wanted.advantage(), got.advantage(), 1e-12);
    assertArrayEquals(
        wanted.completion().samplingLogProbs(), got.completion().samplingLogProbs(), 1e-4f);
    assertArrayEquals(wanted.completion().entropies(), got.completion().entropies(), 1e-4f);
  }
}
