package org.grpo4j.torch.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import org.grpo4j.torch.InputException;

/**
 * What a checkpoint says about generating with it: generation_config.json, and for the token ids
 * config.json where that file is absent or silent.
 *
 * @param eosTokenIds ids that end a completion; may be empty
 * @param padTokenId the id that fills a batch
 * @param temperature sampling temperature the authors suggest
 * @param topP nucleus size in (0, 1]
 * @param topK number of candidates, 0 = all
 */
public record GenerationConfig(
    SortedSet<Integer> eosTokenIds,
    OptionalInt padTokenId,
    OptionalDouble temperature,
    OptionalDouble topP,
    OptionalInt topK) {

  /** Reads the folder; a folder with neither file says nothing. */
  public static GenerationConfig read(Path folder) {
    Path generation = folder.resolve("generation_config.json");
    Optional<ObjectNode> settings = object(generation);
    Path model = folder.resolve("config.json");
    Optional<ObjectNode> fallback = object(model);

    SortedSet<Integer> eos = new TreeSet<>();
    settings.ifPresent(node -> addIds(generation, node, eos));
    OptionalInt pad = settings.map(n -> id(generation, n)).orElse(OptionalInt.empty());
    if (eos.isEmpty()) {
      fallback.ifPresent(node -> addIds(model, node, eos));
    }
    if (pad.isEmpty()) {
      pad = fallback.map(n -> id(model, n)).orElse(OptionalInt.empty());
    }
    return new GenerationConfig(
        eos,
        pad,
        settings.map(n -> number(generation, n, "temperature")).orElse(OptionalDouble.empty()),
        settings.map(n -> number(generation, n, "top_p")).orElse(OptionalDouble.empty()),
        settings.map(n -> JsonFiles.integer(generation, n, "top_k")).orElse(OptionalInt.empty()));
  }

  private static Optional<ObjectNode> object(Path file) {
    return Files.isRegularFile(file) ? Optional.of(JsonFiles.readObject(file)) : Optional.empty();
  }

  /** eos_token_id is one id or a list of them. */
  private static void addIds(Path file, ObjectNode node, SortedSet<Integer> into) {
    JsonNode value = node.path("eos_token_id");
    if (value.isMissingNode() || value.isNull()) {
      return;
    }
    for (JsonNode id : value.isArray() ? value : JsonFiles.MAPPER.createArrayNode().add(value)) {
      if (!id.canConvertToInt() || id.asInt() < 0) {
        throw new InputException(
            file + ": eos_token_id must be a token id or a list of them, got " + value);
      }
      into.add(id.asInt());
    }
  }

  private static OptionalInt id(Path file, ObjectNode node) {
    return JsonFiles.integer(file, node, "pad_token_id");
  }

  private static OptionalDouble number(Path file, ObjectNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return OptionalDouble.empty();
    }
    if (!value.isNumber()) {
      throw new InputException(file + ": " + field + " must be a number, got " + value);
    }
    return OptionalDouble.of(value.asDouble());
  }
}
