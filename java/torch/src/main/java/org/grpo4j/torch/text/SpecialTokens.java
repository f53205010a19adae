package org.grpo4j.torch.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.grpo4j.torch.InputException;

/** The tokens a checkpoint names: what begins and ends a sequence, and what fills a batch. */
public record SpecialTokens(
    Optional<String> bos, Optional<String> eos, Optional<String> pad, Optional<String> unk) {

  static final SpecialTokens NONE =
      new SpecialTokens(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** tokenizer_config.json wins over special_tokens_map.json, as in transformers. */
  static SpecialTokens read(Path folder, Vocabulary vocabulary) {
    List<Path> files = new ArrayList<>();
    for (String name : List.of("tokenizer_config.json", "special_tokens_map.json")) {
      if (Files.isRegularFile(folder.resolve(name))) {
        files.add(folder.resolve(name));
      }
    }
    List<ObjectNode> objects = files.stream().map(JsonFiles::readObject).toList();
    return new SpecialTokens(
        find(files, objects, vocabulary, "bos_token"),
        find(files, objects, vocabulary, "eos_token"),
        find(files, objects, vocabulary, "pad_token"),
        find(files, objects, vocabulary, "unk_token"));
  }

  private static Optional<String> find(
      List<Path> files, List<ObjectNode> objects, Vocabulary vocabulary, String field) {
    for (int i = 0; i < files.size(); i++) {
      JsonNode value = objects.get(i).path(field);
      // A token is a string, or an object with its flags and its content.
      JsonNode text = value.isObject() ? value.path("content") : value;
      if (text.isTextual()) {
        if (!vocabulary.ids().containsKey(text.asText())) {
          throw new InputException(
              files.get(i)
                  + ": "
                  + field
                  + " \""
                  + text.asText()
                  + "\" is not in the vocabulary of tokenizer.json");
        }
        return Optional.of(text.asText());
      }
    }
    return Optional.empty();
  }
}
