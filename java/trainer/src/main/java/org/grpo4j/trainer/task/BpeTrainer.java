package org.grpo4j.trainer.task;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Learns a byte-level BPE vocabulary (Sennrich et al. 2016, arXiv 1508.07909; bytes as in GPT-2).
 *
 * <p>The corpus is cut at the special tokens, then into pieces by {@link #PIECES}; merges happen
 * inside a piece only. Ties go to the pair that is first in alphabetical order, so the result
 * depends on the corpus alone.
 */
public final class BpeTrainer {
  /**
   * How text is cut before merging, in the syntax that Java and Hugging Face's tokenizers share.
   *
   * <p>A small-letter word takes the blank or line end around it, so a value (a digit, or a word
   * with a capital) never does: it has the same tokens in a question and between the quotes of a
   * JSON string, and copying it is one step for the model. Digits stand alone.
   */
  public static final String PIECES = " ?[a-z_]+[ \\n]?|[A-Z]+[a-z]*|[0-9]|[^A-Za-z0-9]+";

  private final Pattern pieces = Pattern.compile(PIECES);
  private final List<String> specialTokens;
  private final int vocabularySize;

  /**
   * @param specialTokens never cut and never merged; they get the last ids
   * @param vocabularySize 256 bytes, merges, special tokens together
   */
  public BpeTrainer(List<String> specialTokens, int vocabularySize) {
    if (vocabularySize < 256 + specialTokens.size()) {
      throw new IllegalArgumentException(
          "vocabularySize "
              + vocabularySize
              + " is below 256 bytes + "
              + specialTokens.size()
              + " special tokens");
    }
    this.specialTokens = List.copyOf(specialTokens);
    this.vocabularySize = vocabularySize;
  }

  /** Two neighbouring tokens. */
  record Pair(String left, String right) implements Comparable<Pair> {
    private static final Comparator<Pair> ORDER =
        Comparator.comparing(Pair::left).thenComparing(Pair::right);

    @Override
    public int compareTo(Pair other) {
      return ORDER.compare(this, other);
    }

    String merged() {
      return left + right;
    }
  }

  /**
   * What was learnt.
   *
   * @param vocabulary token (bytes written as GPT-2's printable characters) to id, in id order,
   *     without the special tokens
   * @param merges in the order in which they apply
   * @param specialTokens their ids follow the vocabulary's
   */
  public record Vocabulary(
      Map<String, Integer> vocabulary, List<String> merges, List<String> specialTokens) {

    /** Number of ids. */
    public int size() {
      return vocabulary.size() + specialTokens.size();
    }

    /** The id of a special token. */
    public int specialId(String token) {
      int index = specialTokens.indexOf(token);
      if (index < 0) {
        throw new IllegalArgumentException("no special token " + token);
      }
      return vocabulary.size() + index;
    }
  }

  /** Learns merges from texts, fewer than asked for if no pair is left. */
  public Vocabulary train(Iterable<String> texts) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    for (int b = 0; b < 256; b++) {
      vocabulary.put(String.valueOf(printable(b)), b);
    }
    Map<List<String>, Long> words = count(texts);
    List<String> merges = new ArrayList<>();
    while (vocabulary.size() + specialTokens.size() < vocabularySize) {
      Pair best = mostFrequent(words);
      if (best == null) {
        break;
      }
      merges.add(best.left() + " " + best.right());
      vocabulary.putIfAbsent(best.merged(), vocabulary.size());
      words = apply(best, words);
    }
    return new Vocabulary(vocabulary, merges, specialTokens);
  }

  private Map<List<String>, Long> count(Iterable<String> texts) {
    // "(?!)" matches nowhere: without special tokens a text is one part.
    Pattern specials =
        Pattern.compile(
            specialTokens.isEmpty()
                ? "(?!)"
                : specialTokens.stream().map(Pattern::quote).collect(Collectors.joining("|")));
    Map<String, Long> counts = new TreeMap<>();
    for (String text : texts) {
      for (String part : specials.split(text)) {
        Matcher m = pieces.matcher(part);
        while (m.find()) {
          counts.merge(m.group(), 1L, Long::sum);
        }
      }
    }
    Map<List<String>, Long> words = new LinkedHashMap<>();
    counts.forEach((word, n) -> words.put(bytes(word), n));
    return words;
  }

  private static @Nullable Pair mostFrequent(Map<List<String>, Long> words) {
    Map<Pair, Long> counts = new HashMap<>();
    words.forEach(
        (word, n) -> {
          for (int i = 0; i + 1 < word.size(); i++) {
            counts.merge(new Pair(word.get(i), word.get(i + 1)), n, Long::sum);
          }
        });
    return counts.entrySet().stream()
        .max(
            Map.Entry.<Pair, Long>comparingByValue()
                .thenComparing(Map.Entry.comparingByKey(Comparator.reverseOrder())))
        .map(Map.Entry::getKey)
        .orElse(null);
  }

  private static Map<List<String>, Long> apply(Pair pair, Map<List<String>, Long> words) {
    Map<List<String>, Long> merged = new LinkedHashMap<>();
    words.forEach(
        (word, n) -> {
          List<String> out = new ArrayList<>(word.size());
          for (int i = 0; i < word.size(); i++) {
            boolean here =
                i + 1 < word.size()
                    && word.get(i).equals(pair.left())
                    && word.get(i + 1).equals(pair.right());
            out.add(here ? pair.merged() : word.get(i));
            i += here ? 1 : 0;
          }
          merged.put(out, n);
        });
    return merged;
  }

  private static List<String> bytes(String word) {
    List<String> tokens = new ArrayList<>();
    for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
      tokens.add(String.valueOf(printable(b & 0xFF)));
    }
    return tokens;
  }

  /** GPT-2's printable character of a byte: itself if printable Latin-1, else from U+0100 on. */
  static char printable(int value) {
    if (isPrintable(value)) {
      return (char) value;
    }
    int rank = 0;
    for (int b = 0; b < value; b++) {
      rank += isPrintable(b) ? 0 : 1;
    }
    return (char) (256 + rank);
  }

  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  }
}
