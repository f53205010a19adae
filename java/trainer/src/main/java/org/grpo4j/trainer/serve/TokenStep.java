package org.grpo4j.trainer.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.TokenBatches;
import org.grpo4j.trainer.rollout.TokenChooser;
import org.jspecify.annotations.Nullable;

/** Samples the next token of every row, each by the settings of its own request. */
final class TokenStep {
  private final Tokenizer tokenizer;

  TokenStep(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Samples and appends.
   *
   * @param given f32 [rows, V], changed where a request has penalties and they are on the host
   * @param sequences one per row
   */
  void advance(Tensor given, List<SequenceState> sequences) {
    try (PointerScope scope = new PointerScope()) {
      // Penalties and log-probabilities touch single numbers: from a GPU the rows come here.
      boolean onHost = sequences.stream().anyMatch(TokenStep::needsRows);
      Tensor logits = onHost ? given.cpu() : given;
      // Before the penalties: log-probabilities are the model's own.
      Map<SequenceState, Distribution> distributions = distributions(logits, sequences);
      for (int row = 0; row < sequences.size(); row++) {
        penalise(logits, row, sequences.get(row));
      }
      int[] tokens = choose(logits, sequences);
      for (int row = 0; row < tokens.length; row++) {
        SequenceState sequence = sequences.get(row);
        Distribution distribution = distributions.get(sequence);
        TokenLogProb logProb =
            distribution == null ? null : distribution.of(tokens[row], sequence, tokenizer);
        sequence.append(tokens[row], logProb);
      }
    }
  }

  private static boolean needsRows(SequenceState sequence) {
    return sequence.generation().topLogProbs() >= 0 || !sequence.generation().penalties().none();
  }

  private static void penalise(Tensor logits, int row, SequenceState sequence) {
    Generation.Penalties penalties = sequence.generation().penalties();
    if (penalties.none()) {
      return;
    }
    long vocabulary = logits.size(1);
    FloatPointer values = new FloatPointer(logits.data_ptr_float()).position(row * vocabulary);
    sequence
        .counts()
        .forEach(
            (token, count) ->
                values.put(
                    token,
                    (float)
                        (values.get(token)
                            - penalties.presence()
                            - count * penalties.frequency())));
    penalties
        .bias()
        .forEach((token, bias) -> values.put(token, (float) (values.get(token) + bias)));
  }

  /** One call for all rows with the same settings. */
  private static int[] choose(Tensor logits, List<SequenceState> sequences) {
    Map<SamplingConfig, List<Integer>> groups = new LinkedHashMap<>();
    for (int row = 0; row < sequences.size(); row++) {
      SamplingConfig own = sequences.get(row).generation().sampling();
      // The length limit does not matter here: it must not split groups.
      SamplingConfig settings = new SamplingConfig(own.temperature(), own.topP(), own.topK(), 1);
      groups.computeIfAbsent(settings, s -> new ArrayList<>()).add(row);
    }
    int[] all = new int[sequences.size()];
    groups.forEach(
        (settings, rows) -> {
          int[] index = rows.stream().mapToInt(Integer::intValue).toArray();
          Tensor part =
              index.length == all.length
                  ? logits
                  : logits.index_select(
                      0, TokenBatches.vector(index).to(logits.device(), torch.ScalarType.Long));
          double[] uniforms =
              rows.stream().mapToDouble(row -> sequences.get(row).uniform()).toArray();
          int[] tokens = new int[index.length];
          new TokenChooser(settings).choose(part, uniforms, tokens);
          for (int i = 0; i < index.length; i++) {
            all[index[i]] = tokens[i];
          }
        });
    return all;
  }

  private static Map<SequenceState, Distribution> distributions(
      Tensor logits, List<SequenceState> sequences) {
    Map<SequenceState, Distribution> result = new LinkedHashMap<>();
    for (int row = 0; row < sequences.size(); row++) {
      int alternatives = sequences.get(row).generation().topLogProbs();
      if (alternatives >= 0) {
        result.put(sequences.get(row), Distribution.of(logits.select(0, row), alternatives));
      }
    }
    return result;
  }

  /**
   * Log-probabilities of one row.
   *
   * @param all [V]
   * @param bestIds the most likely tokens, most likely first
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed from one method to the next.
  private record Distribution(FloatPointer all, long[] bestIds, float[] bestLogProbs) {

    static Distribution of(Tensor logits, int alternatives) {
      Tensor logProbs = torch.log_softmax(logits, 0);
      int count = (int) Math.min(alternatives, logits.size(0));
      long[] ids = new long[count];
      float[] values = new float[count];
      if (count > 0) {
        T_TensorTensor_T best = torch.topk(logProbs, count);
        new FloatPointer(best.get0().data_ptr_float()).get(values);
        new LongPointer(best.get1().data_ptr_long()).get(ids);
      }
      return new Distribution(new FloatPointer(logProbs.data_ptr_float()), ids, values);
    }

    @Nullable TokenLogProb of(int token, SequenceState sequence, Tokenizer tokenizer) {
      List<TokenLogProb.Alternative> alternatives = new ArrayList<>();
      for (int i = 0; i < bestIds.length; i++) {
        alternatives.add(
            new TokenLogProb.Alternative(text(bestIds[i], tokenizer), bestLogProbs[i]));
      }
      return new TokenLogProb(
          text(token, tokenizer), all.get(token), sequence.decoded(), alternatives);
    }

    private static String text(long token, Tokenizer tokenizer) {
      return tokenizer.decode(new long[] {token}, false);
    }
  }
}
