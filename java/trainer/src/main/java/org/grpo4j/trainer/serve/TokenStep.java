package org.grpo4j.trainer.serve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

/** Samples the next token of every row, each by the settings of its own request. */
final class TokenStep {
  private static final int NONE = -1;

  /** Refusals after which it pays to look at every token. */
  private static final int PATIENCE = 8;

  private final Tokenizer tokenizer;

  // Made when it is needed first: few servers hold completions to a form.
  private String[] texts = {};

  TokenStep(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Samples and appends.
   *
   * @param given f32 [rows, V], changed where a request has penalties or a form and they are on the
   *     host
   * @param sequences one per row
   */
  void advance(Tensor given, List<SequenceState> sequences) {
    try (PointerScope scope = new PointerScope()) {
      // Penalties, forms and log-probabilities touch single numbers: from a GPU the rows come here.
      boolean onHost = sequences.stream().anyMatch(TokenStep::needsRows);
      Tensor logits = onHost ? given.cpu() : given;
      // Before the penalties: log-probabilities are the model's own.
      Map<SequenceState, Distribution> distributions = distributions(logits, sequences);
      for (int row = 0; row < sequences.size(); row++) {
        penalise(logits, row, sequences.get(row));
        keep(logits, row, sequences.get(row).opening());
      }
      int[] tokens = choose(logits, sequences);
      for (int row = 0; row < tokens.length; row++) {
        tokens[row] = fitting(logits, row, tokens[row], sequences.get(row));
      }
      for (int row = 0; row < tokens.length; row++) {
        SequenceState sequence = sequences.get(row);
        if (tokens[row] == NONE) {
          sequence.cut();
          continue;
        }
        Distribution distribution = distributions.get(sequence);
        TokenLogProb logProb =
            distribution == null
                ? null
                : distribution.of(tokens[row], sequence.decoded(), tokenizer);
        sequence.append(tokens[row], logProb);
      }
    }
  }

  private static boolean needsRows(SequenceState sequence) {
    Generation generation = sequence.generation();
    return generation.topLogProbs() >= 0
        || !generation.penalties().none()
        || !generation.form().isFree();
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

  /** Leaves the row's tokens that are allowed; all of them where none is named. */
  private static void keep(Tensor logits, int row, Set<Integer> allowed) {
    if (allowed.isEmpty()) {
      return;
    }
    int vocabulary = Math.toIntExact(logits.size(1));
    FloatPointer values =
        new FloatPointer(logits.data_ptr_float()).position((long) row * vocabulary);
    float[] kept = new float[vocabulary];
    Arrays.fill(kept, Float.NEGATIVE_INFINITY);
    allowed.forEach(token -> kept[token] = values.get(token));
    values.put(kept);
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

  /**
   * The token, or the first of further draws that the completion's form allows. Each refused token
   * is taken out of the distribution, which leaves the others their proportions.
   *
   * @return {@link #NONE} where the form allows none
   */
  private int fitting(Tensor logits, int row, int token, SequenceState sequence) {
    if (sequence.generation().form().isFree()) {
      return token;
    }
    SamplingConfig own = sequence.generation().sampling();
    TokenChooser chooser =
        new TokenChooser(new SamplingConfig(own.temperature(), own.topP(), own.topK(), 1));
    int[] chosen = {token};
    int vocabulary = Math.toIntExact(logits.size(1));
    FloatPointer values =
        new FloatPointer(logits.data_ptr_float()).position((long) row * vocabulary);
    for (int refused = 0; refused < vocabulary; refused++) {
      if (sequence.allows(chosen[0])) {
        return chosen[0];
      }
      values.put(chosen[0], Float.NEGATIVE_INFINITY);
      if (refused == PATIENCE) {
        keepFitting(values, vocabulary, sequence);
      }
      try (PointerScope scope = new PointerScope()) {
        Tensor left = logits.narrow(0, row, 1);
        if (left.max().item_float() == Float.NEGATIVE_INFINITY) {
          return NONE;
        }
        chooser.choose(left, new double[] {sequence.uniform(refused)}, chosen);
      }
    }
    return NONE;
  }

  /** A form may allow few of many tokens: drawing them one by one would take seconds. */
  private void keepFitting(FloatPointer values, int vocabulary, SequenceState sequence) {
    if (texts.length == 0) {
      texts = texts(vocabulary);
    }
    String before = sequence.text();
    BitSet next = sequence.nextCharacters();
    float[] kept = new float[vocabulary];
    values.get(kept);
    for (int id = 0; id < vocabulary; id++) {
      if (kept[id] > Float.NEGATIVE_INFINITY && !fits(id, before, next, sequence)) {
        kept[id] = Float.NEGATIVE_INFINITY;
      }
    }
    values.put(kept);
  }

  private boolean fits(int id, String before, BitSet next, SequenceState sequence) {
    String text = texts[id];
    if (text.isEmpty() || sequence.generation().stop().tokens().contains(id)) {
      return sequence.allows(id);
    }
    char first = text.charAt(0);
    return (first >= 128 || next.get(first))
        && sequence.generation().form().allows(before + text, false);
  }

  /** What every token writes after another one; empty where it is part of a character. */
  private String[] texts(int vocabulary) {
    // Some tokenizers leave out a blank where nothing comes before it.
    long before = tokenizer.encode("a", false)[0];
    int length = tokenizer.decode(new long[] {before}, false).length();
    String[] all = new String[vocabulary];
    for (int id = 0; id < vocabulary; id++) {
      String text = tokenizer.decode(new long[] {before, id}, false);
      boolean whole = text.length() > length && text.indexOf('\uFFFD') < 0;
      all[id] = whole ? text.substring(length) : "";
    }
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
  record Distribution(FloatPointer all, long[] bestIds, float[] bestLogProbs) {

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

    /** A token's share, at its offset in the text. */
    TokenLogProb of(int token, int offset, Tokenizer tokenizer) {
      List<TokenLogProb.Alternative> alternatives = new ArrayList<>();
      for (int i = 0; i < bestIds.length; i++) {
        alternatives.add(
            new TokenLogProb.Alternative(text(bestIds[i], tokenizer), bestLogProbs[i]));
      }
      return new TokenLogProb(text(token, tokenizer), all.get(token), offset, alternatives);
    }

    private static String text(long token, Tokenizer tokenizer) {
      return tokenizer.decode(new long[] {token}, false);
    }
  }
}
