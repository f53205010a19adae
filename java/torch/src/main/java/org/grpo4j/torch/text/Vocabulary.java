package org.grpo4j.torch.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.InputException;

/**
 * The tokens of a tokenizer.json: the native library encodes with them but does not list them.
 *
 * @param ids token → id, of the model and of the added tokens
 * @param special the added tokens that are marked special
 * @param size highest id + 1
 */
record Vocabulary(Map<String, Integer> ids, Set<String> special, int size) {

  static Vocabulary read(Path file) {
    ObjectNode root = JsonFiles.readObject(file);
    JsonNode vocab = root.path("model").path("vocab");
    Map<String, Integer> ids = new HashMap<>();
    if (vocab.isObject()) {
      vocab.properties().forEach(e -> ids.put(e.getKey(), e.getValue().asInt()));
    } else if (vocab.isArray()) {
      // Unigram: [piece, log-probability] pairs, the id is the position.
      vocab.forEach(pair -> ids.put(pair.path(0).asText(), ids.size()));
    } else {
      throw new InputException(
          file + ": has no model.vocab; expected a tokenizer.json of Hugging Face tokenizers");
    }
    Set<String> special = new HashSet<>();
    for (JsonNode token : root.path("added_tokens")) {
      ids.put(token.path("content").asText(), token.path("id").asInt());
      if (token.path("special").asBoolean()) {
        special.add(token.path("content").asText());
      }
    }
    int size = 1 + ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1);
    return new Vocabulary(Map.copyOf(ids), Set.copyOf(special), size);
  }
}
