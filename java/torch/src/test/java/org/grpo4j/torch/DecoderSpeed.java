package org.grpo4j.torch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Times what the embedded default does in one training step: 16 prompts of 38 tokens, 128
 * completions. Arguments: threads, completion length. Run it alone on an idle machine.
 */
public final class DecoderSpeed {
  private static final int PROMPTS = 16;
  private static final int PROMPT_LENGTH = 38;
  private static final int COMPLETIONS = 128;
  private static final int REPEATS = 25;
  private static final double NANOS = 1e9;

  private static boolean singleThreaded;

  private DecoderSpeed() {}

  /** Prints the best of several runs. */
  public static void main(String[] arguments) throws IOException {
    int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
    int length = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 36;
    singleThreaded = threads == 1;
    TorchRuntime.configureThreads(threads);
    try (DecoderModel model = DecoderModel.random(tiny(), 1, true);
        PointerScope scope = new PointerScope()) {
      PromptBatch prompts = prompts();
      Tensor completions = ids(COMPLETIONS, length, 2);
      Tensor lengths = lengths(length);
      double ragged =
          best(() -> trainStep(model, () -> model.completionHidden(prompts, completions, lengths)));
      double forward = best(() -> model.logits(model.completionHidden(prompts, completions)));
      double both =
          best(() -> trainStep(model, () -> model.completionHidden(prompts, completions)));
      double[] decode = decode(model, prompts, length);
      System.out.printf(
          "threads %d, length %d: forward %.1f ms, forward and backward %.1f ms, with lengths"
              + " from 60%% to 100%% %.1f ms, prefill %.2f ms, step %.3f ms; matrix products run at"
              + " %.0f GFLOP/s%n",
          threads,
          length,
          forward * 1e3,
          both * 1e3,
          ragged * 1e3,
          decode[0] * 1e3,
          decode[1] * 1e3,
          productRate());
    }
  }

  private static void trainStep(DecoderModel model, Supplier<Tensor> hidden) {
    Tensor logits = model.logits(hidden.get());
    Tensor gradient = torch.ones_like(logits);
    logits.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  private static Tensor lengths(int longest) {
    long[] lengths = new Random(5).longs(COMPLETIONS, longest * 3L / 5, longest + 1L).toArray();
    return Tensors.longs(TorchDevice.CPU, lengths, COMPLETIONS);
  }

  /** What the machine gives at this moment, to divide the times by. */
  private static double productRate() {
    Tensor a = torch.randn(4480, 128);
    Tensor b = torch.randn(128, 384);
    return 2 * 4480 * 128 * 384 / best(() -> torch.mm(a, b)) / NANOS;
  }

  private static double[] decode(DecoderModel model, PromptBatch prompts, int length) {
    Tensor tokens = ids(1, COMPLETIONS, 3).view(-1);
    double prefill = Double.MAX_VALUE;
    double step = Double.MAX_VALUE;
    for (int i = 0; i < REPEATS; i++) {
      long start = clock();
      try (KvCache cache = model.prefill(prompts, length)) {
        prefill = Math.min(prefill, (clock() - start) / NANOS);
        start = clock();
        for (int t = 0; t < length; t++) {
          try (PointerScope scope = new PointerScope()) {
            model.step(cache, tokens);
          }
        }
        step = Math.min(step, (clock() - start) / NANOS / length);
      }
    }
    return new double[] {prefill, step};
  }

  private static double best(Runnable work) {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < REPEATS; i++) {
      long start = clock();
      try (PointerScope scope = new PointerScope()) {
        work.run();
      }
      best = Math.min(best, (clock() - start) / NANOS);
    }
    return best;
  }

  /** With one thread the thread's own time, which other programs do not disturb as much. */
  private static long clock() {
    return singleThreaded
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private static PromptBatch prompts() {
    Tensor ids = ids(PROMPTS, PROMPT_LENGTH, 1);
    long[] promptOf = new long[COMPLETIONS];
    for (int i = 0; i < COMPLETIONS; i++) {
      promptOf[i] = i / (COMPLETIONS / PROMPTS);
    }
    return new PromptBatch(
        ids, torch.ones_like(ids), Tensors.longs(TorchDevice.CPU, promptOf, COMPLETIONS));
  }

  private static Tensor ids(int rows, int width, long seed) {
    long[] ids = new Random(seed).longs((long) rows * width, 0, 768).toArray();
    return Tensors.longs(TorchDevice.CPU, ids, rows, width);
  }

  private static ModelConfig tiny() throws IOException {
    String json =
        """
        {"architectures": ["Qwen3ForCausalLM"], "hidden_size": 128, "num_hidden_layers": 4,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
         "intermediate_size": 384, "vocab_size": 768, "tie_word_embeddings": true,
         "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
        """;
    return ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(json), Path.of("tiny"));
  }
}
