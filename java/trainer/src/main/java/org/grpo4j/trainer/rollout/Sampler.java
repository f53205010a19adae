package org.grpo4j.trainer.rollout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.KvCache;
import org.grpo4j.torch.TensorKernels;

/**
 * Samples G completions for each prompt in one batch.
 *
 * <p>A prompt is prefilled once and its keys and values are shared by its completions. Finished
 * sequences leave the batch when half of it is done. A sequence's draws depend on its own seed
 * alone.
 */
public final class Sampler {
  private final DecoderModel model;
  private final TensorKernels kernels;
  private final Set<Integer> stopTokens;
  private final int padToken;

  /**
   * @param kernels of the model's device
   * @param stopTokens a completion ends with the first of them, which it keeps
   * @param padToken any valid id; padding is never attended to
   */
  public Sampler(DecoderModel model, TensorKernels kernels, Set<Integer> stopTokens, int padToken) {
    this.model = model;
    this.kernels = kernels;
    this.stopTokens = Set.copyOf(stopTokens);
    this.padToken = padToken;
  }

  /**
   * Samples {@code seeds[p].length} completions for prompt p.
   *
   * @param prompts token ids of each prompt, at least one token each
   * @param seeds one seed per completion of each prompt, see {@link SequenceRandom#seed}
   * @return completions in the order prompt 0 (0..G-1), prompt 1, …
   */
  public List<Completion> sample(List<long[]> prompts, long[][] seeds, SamplingConfig config) {
    if (prompts.size() != seeds.length) {
      throw new IllegalArgumentException(
          "seeds has " + seeds.length + " rows, wanted one per prompt: " + prompts.size());
    }
    if (prompts.isEmpty()) {
      return List.of();
    }
    Batch batch = new Batch(seeds, config);
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope scope = new PointerScope();
        KvCache cache =
            model.prefill(
                TokenBatches.prompts(prompts, batch.prompt, padToken), config.maxNewTokens())) {
      decode(cache, batch, config);
    }
    return batch.completions();
  }

  private void decode(KvCache cache, Batch batch, SamplingConfig config) {
    TokenChooser chooser = new TokenChooser(config);
    int[] rows = new int[batch.size()];
    Arrays.setAll(rows, i -> i);
    int[] tokens = new int[0];
    for (int t = 0; t < config.maxNewTokens(); t++) {
      try (PointerScope step = new PointerScope()) {
        Tensor logits =
            t == 0 ? cache.firstLogits() : model.step(cache, TokenBatches.vector(tokens));
        double[] uniforms = new double[rows.length];
        for (int r = 0; r < rows.length; r++) {
          uniforms[r] = SequenceRandom.uniform(batch.seed[rows[r]], t);
        }
        tokens = new int[rows.length];
        chooser.choose(logits, uniforms, tokens);
        batch.append(rows, tokens, statistics(logits, tokens, config), stopTokens::contains);
        int[] open = batch.open(rows);
        if (open.length == 0) {
          return;
        }
        if (open.length * 2 <= rows.length) {
          cache.select(Arrays.stream(open).asLongStream().toArray());
          rows = at(rows, open);
          tokens = at(tokens, open);
        }
      }
    }
  }

  /** The kernel's own statistics, the same that the update computes: ratios start at 1. */
  private TokenValues statistics(Tensor logits, int[] tokens, SamplingConfig config) {
    TensorKernels.Statistics statistics = kernels.statistics(tokens.length);
    kernels.tokenStats(logits, new IntPointer(tokens), config.logProbTemperature(), statistics);
    RowStatistics out = statistics.read();
    TokenValues values = new TokenValues(new float[tokens.length], new float[tokens.length]);
    out.logProbs().get(values.logProbs);
    out.entropy().get(values.entropies);
    return values;
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record TokenValues(float[] logProbs, float[] entropies) {}

  private static int[] at(int[] values, int[] indices) {
    return Arrays.stream(indices).map(i -> values[i]).toArray();
  }

  /** The sequences being sampled, as growing arrays. */
  private static final class Batch {
    final int[] prompt;
    final long[] seed;
    private final int[][] tokens;
    private final float[][] logProbs;
    private final float[][] entropies;
    private final int[] length;
    private final boolean[] finished;

    Batch(long[][] seeds, SamplingConfig config) {
      int n = Arrays.stream(seeds).mapToInt(s -> s.length).sum();
      prompt = new int[n];
      seed = new long[n];
      int i = 0;
      for (int p = 0; p < seeds.length; p++) {
        for (long s : seeds[p]) {
          prompt[i] = p;
          seed[i++] = s;
        }
      }
      tokens = new int[n][config.maxNewTokens()];
      logProbs = new float[n][config.maxNewTokens()];
      entropies = new float[n][config.maxNewTokens()];
      length = new int[n];
      finished = new boolean[n];
    }

    int size() {
      return prompt.length;
    }

    void append(int[] rows, int[] newTokens, TokenValues values, IntPredicate stops) {
      for (int r = 0; r < rows.length; r++) {
        int i = rows[r];
        if (!finished[i]) {
          tokens[i][length[i]] = newTokens[r];
          logProbs[i][length[i]] = values.logProbs[r];
          entropies[i][length[i]++] = values.entropies[r];
          finished[i] = stops.test(newTokens[r]);
        }
      }
    }

    /** Positions within {@code rows} whose sequences are not finished. */
    int[] open(int[] rows) {
      List<Integer> open = new ArrayList<>();
      for (int r = 0; r < rows.length; r++) {
        if (!finished[rows[r]]) {
          open.add(r);
        }
      }
      return open.stream().mapToInt(Integer::intValue).toArray();
    }

    List<Completion> completions() {
      List<Completion> result = new ArrayList<>(size());
      for (int i = 0; i < size(); i++) {
        result.add(
            new Completion(
                prompt[i],
                Arrays.copyOf(tokens[i], length[i]),
                Arrays.copyOf(logProbs[i], length[i]),
                Arrays.copyOf(entropies[i], length[i]),
                finished[i]));
      }
      return result;
    }
  }
}
