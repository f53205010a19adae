package org.grpo4j.torch.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.grpo4j.torch.InputException;

/**
 * A Hugging Face tokenizer.json, with the ids that Python's transformers gives.
 *
 * <p>The work is done by the Rust library that transformers uses too, bound by DJL. Nothing is
 * truncated or padded here, and nothing is downloaded. Safe to use from several threads; {@link
 * #close()} frees the native memory.
 */
public final class Tokenizer implements AutoCloseable {
  static {
    // DJL looks for a newer native library in the network otherwise.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  private final Path file;
  private final HuggingFaceTokenizer rust;
  private final Vocabulary vocabulary;
  private final SpecialTokens specials;

  private Tokenizer(
      Path file, HuggingFaceTokenizer rust, Vocabulary vocabulary, SpecialTokens specials) {
    this.file = file;
    this.rust = rust;
    this.vocabulary = vocabulary;
    this.specials = specials;
  }

  /**
   * Reads {@code tokenizer.json}, and the names of the special tokens from {@code
   * tokenizer_config.json} or {@code special_tokens_map.json} beside it where those exist.
   *
   * @param folderOrFile a checkpoint folder, or the tokenizer.json itself
   * @throws InputException the file is missing or no tokenizer
   */
  public static Tokenizer load(Path folderOrFile) {
    Path file =
        Files.isDirectory(folderOrFile) ? folderOrFile.resolve("tokenizer.json") : folderOrFile;
    if (!Files.isRegularFile(file)) {
      throw new InputException(
          file + ": no such file; a checkpoint folder needs the tokenizer.json of its tokenizer");
    }
    Vocabulary vocabulary = Vocabulary.read(file);
    Path folder = file.toAbsolutePath().getParent();
    SpecialTokens specials =
        folder == null ? SpecialTokens.NONE : SpecialTokens.read(folder, vocabulary);
    return new Tokenizer(file, open(file), vocabulary, specials);
  }

  private static HuggingFaceTokenizer open(Path file) {
    // The stream form reads tokenizer.json alone: the folder form would take a maximum length from
    // tokenizer_config.json and truncate to it.
    Map<String, String> options =
        Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(Files.readAllBytes(file)), options);
    } catch (IOException e) {
      throw JsonFiles.unreadable(file, e);
    } catch (RuntimeException e) {
      String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new InputException(file + ": not a usable tokenizer.json (" + why + ")", e);
    }
  }

  /**
   * @param addSpecial whether the tokenizer's post-processor adds its tokens (a beginning of
   *     sequence, for instance); text out of a chat template already holds them
   * @return ids, [n]
   */
  public long[] encode(String text, boolean addSpecial) {
    return rust.encode(checked(text), addSpecial, false).getIds();
  }

  /** Ids of the text alone, no special tokens added, and the span of each in code points. */
  public Encoding encodeWithOffsets(String text) {
    var encoding = rust.encode(checked(text), false, false);
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[][] offsets = new int[spans.length][2];
    for (int i = 0; i < spans.length; i++) {
      // A token that stands for nothing in the text has no span; Python shows it as (0, 0).
      if (spans[i] != null) {
        offsets[i][0] = spans[i].getStart();
        offsets[i][1] = spans[i].getEnd();
      }
    }
    return new Encoding(text, encoding.getIds(), offsets);
  }

  /**
   * The text of ids. A sequence that ends inside a character's UTF-8 bytes shows U+FFFD there; ids
   * beyond the vocabulary (a model's padded rows) stand for nothing and are left out.
   *
   * @param ids [n]
   * @param skipSpecial leave special tokens out of the text
   */
  public String decode(long[] ids, boolean skipSpecial) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("ids[" + i + "]: want a token id, got " + ids[i]);
      }
    }
    return rust.decode(ids, skipSpecial);
  }

  /** Highest id + 1; a model's embedding may have more rows. */
  public int vocabSize() {
    return vocabulary.size();
  }

  /** The id of a token as the vocabulary writes it; empty where there is none. */
  public OptionalInt tokenId(String token) {
    Integer id = vocabulary.ids().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Whether the token is marked special in tokenizer.json: decoding can leave it out. */
  public boolean isSpecial(String token) {
    return vocabulary.special().contains(token);
  }

  /**
   * A text without the special tokens that are written in it. Encoding takes them for the tokens
   * themselves, so a foreign text could end a turn and open another.
   */
  public String withoutSpecialTokens(String text) {
    String plain = text;
    boolean found = true;
    while (found) { // What is left of two halves may be a token again.
      found = false;
      for (String token : vocabulary.special()) {
        if (plain.contains(token)) {
          plain = plain.replace(token, "");
          found = true;
        }
      }
    }
    return plain;
  }

  /** Named special tokens: what tokenizer_config.json calls bos, eos and pad. */
  public SpecialTokens specials() {
    return specials;
  }

  /** The token that begins a text; empty where the checkpoint names none. */
  public OptionalInt bosId() {
    return id(specials.bos());
  }

  /** The token that ends a completion; empty where the checkpoint names none. */
  public OptionalInt eosId() {
    return id(specials.eos());
  }

  /** The token that fills up shorter rows; empty where the checkpoint names none. */
  public OptionalInt padId() {
    return id(specials.pad());
  }

  private OptionalInt id(Optional<String> token) {
    return token.isPresent() ? tokenId(token.get()) : OptionalInt.empty();
  }

  /** The tokenizer.json this was read from. */
  public Path file() {
    return file;
  }

  @Override
  public void close() {
    rust.close();
  }

  /** Half of a surrogate pair is no character and has no UTF-8 form: it becomes U+FFFD. */
  private static String checked(String text) {
    boolean broken = text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF);
    if (!broken) {
      return text;
    }
    return text.codePoints()
        .map(c -> c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
