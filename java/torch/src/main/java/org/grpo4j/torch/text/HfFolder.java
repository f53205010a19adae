package org.grpo4j.torch.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.grpo4j.torch.InputException;

/** The files of a Hugging Face checkpoint folder that are not the model itself. */
public final class HfFolder {
  private HfFolder() {}

  /** What transformers' AutoTokenizer and generate() read; all but tokenizer.json are optional. */
  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
          "special_tokens_map.json",
          "added_tokens.json",
          "generation_config.json",
          "vocab.json",
          "merges.txt",
          "tokenizer.model");

  /**
   * Copies the tokenizer, its chat template and the generation settings of one checkpoint into
   * another, so that what is saved can be loaded by itself.
   *
   * @throws InputException there is no tokenizer.json, or a file cannot be written
   */
  public static void copyTokenizerFiles(Path from, Path to) {
    if (!Files.isRegularFile(from.resolve("tokenizer.json"))) {
      throw new InputException(
          from.resolve("tokenizer.json") + ": no such file; the saved checkpoint would lack it");
    }
    try {
      Files.createDirectories(to);
      for (String name : TOKENIZER_FILES) {
        Path source = from.resolve(name);
        Path target = to.resolve(name);
        if (Files.isRegularFile(source) && !isSame(source, target)) {
          // A crash in between must not leave half a file under the final name.
          Path partial = to.resolve(name + ".partial");
          Files.copy(source, partial, StandardCopyOption.REPLACE_EXISTING);
          Files.move(
              partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    } catch (IOException e) {
      throw new InputException(
          to + ": cannot copy the tokenizer there (" + e.getMessage() + ")", e);
    }
  }

  private static boolean isSame(Path source, Path target) throws IOException {
    return Files.exists(target) && Files.isSameFile(source, target);
  }
}
