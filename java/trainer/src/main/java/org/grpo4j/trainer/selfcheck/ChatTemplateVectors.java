package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;

/**
 * Rendered chat templates and token ids, as transformers gives them: an object of cases named
 * TOKENIZER/CASE, each with {@code text} and {@code ids}, and with {@code messages} and {@code kw}
 * where the text comes out of the template.
 *
 * <p>The tokenizers are not part of the vectors: they are looked for as data/tokenizers/TOKENIZER
 * beside a folder above the file, or in a folder named shared beside one above the working folder
 * or the checkout.
 */
public final class ChatTemplateVectors implements VectorChecker {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final TypeReference<List<Map<String, Object>>> MAPS = new TypeReference<>() {};
  private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

  @Override
  public boolean accepts(Path file) throws IOException {
    if (!file.toString().endsWith(".json")) {
      return false;
    }
    // The first case tells; the other files of a folder may be large.
    try (JsonParser parser = MAPPER.createParser(file.toFile())) {
      if (parser.nextToken() != JsonToken.START_OBJECT
          || parser.nextToken() != JsonToken.FIELD_NAME
          || !parser.currentName().contains("/")
          || parser.nextToken() != JsonToken.START_OBJECT) {
        return false;
      }
      JsonNode first = parser.readValueAsTree();
      return first.path("text").isTextual() && first.path("ids").isArray();
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    Map<String, Map<String, JsonNode>> byTokenizer = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : MAPPER.readTree(file.toFile()).properties()) {
      String name = entry.getKey().substring(0, Math.max(0, entry.getKey().indexOf('/')));
      byTokenizer
          .computeIfAbsent(name, n -> new LinkedHashMap<>())
          .put(entry.getKey(), entry.getValue());
    }
    for (Map.Entry<String, Map<String, JsonNode>> group : byTokenizer.entrySet()) {
      String name = group.getKey();
      Optional<Path> folder = find(file, name);
      if (folder.isEmpty()) {
        group
            .getValue()
            .keySet()
            .forEach(key -> report.skipped(file, key, "no data/tokenizers/" + name));
        continue;
      }
      try (Tokenizer tokenizer = Tokenizer.load(folder.get())) {
        Optional<ChatTemplate> template = ChatTemplate.load(folder.get());
        for (Map.Entry<String, JsonNode> vector : group.getValue().entrySet()) {
          try {
            one(file, vector.getKey(), vector.getValue(), tokenizer, template, report);
          } catch (IllegalArgumentException e) { // Jackson's, of a field of another type.
            report.failed(file, vector.getKey(), "a whole case", e.toString());
          }
        }
      }
    }
  }

  private static Optional<Path> find(Path file, String name) {
    List<Path> candidates = new ArrayList<>();
    for (Path at = file.toAbsolutePath().getParent(); at != null; at = at.getParent()) {
      candidates.add(at.resolve("data/tokenizers"));
    }
    // The launcher names the checkout; it may have been called from anywhere.
    for (String start : List.of("", System.getProperty("grpo4j.home", ""))) {
      for (Path at = Path.of(start).toAbsolutePath(); at != null; at = at.getParent()) {
        candidates.add(at.resolve("shared/data/tokenizers"));
      }
    }
    return candidates.stream()
        .map(folder -> folder.resolve(name))
        .filter(folder -> Files.isRegularFile(folder.resolve("tokenizer.json")))
        .findFirst();
  }

  private static void one(
      Path file,
      String key,
      JsonNode given,
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      CheckReport report) {
    boolean rendered = given.has("messages");
    String expected = given.path("text").asText();
    String text = expected;
    if (rendered) {
      if (template.isEmpty()) {
        report.failed(file, key, "a chat template", "none beside " + tokenizer.file());
        return;
      }
      try {
        text = render(template.get(), given);
      } catch (InputException e) {
        report.failed(file, key, "a rendered text", String.valueOf(e.getMessage()));
        return;
      }
    }
    if (!text.equals(expected)) {
      int at = Arrays.mismatch(expected.toCharArray(), text.toCharArray());
      report.failed(file, key, excerpt(expected, at), excerpt(text, at));
      return;
    }
    long[] ids = tokenizer.encode(text, !rendered);
    long[] want =
        StreamSupport.stream(given.path("ids").spliterator(), false)
            .mapToLong(JsonNode::asLong)
            .toArray();
    int at = Arrays.mismatch(want, ids);
    if (at < 0) {
      report.passed(file, key);
    } else {
      report.failed(file, key, excerpt(want, at), excerpt(ids, at));
    }
  }

  private static String render(ChatTemplate template, JsonNode given) {
    Map<String, Object> kwargs = new LinkedHashMap<>();
    if (given.path("kw").isObject()) {
      kwargs.putAll(MAPPER.convertValue(given.path("kw"), MAP));
    }
    Object tools = kwargs.remove("tools");
    boolean prompt = !Boolean.FALSE.equals(kwargs.remove("add_generation_prompt"));
    return template.render(
        MAPPER.convertValue(given.path("messages"), MAPS),
        tools == null ? List.of() : MAPPER.convertValue(tools, MAPS),
        kwargs,
        prompt);
  }

  private static String excerpt(String text, int at) {
    String part = text.substring(Math.max(0, at - 10), Math.min(text.length(), at + 30));
    return "char " + at + " \"" + part.replace("\n", "\\n") + "\"";
  }

  private static String excerpt(long[] ids, int at) {
    long[] part = Arrays.copyOfRange(ids, Math.min(at, ids.length), Math.min(ids.length, at + 5));
    return "id " + at + " " + Arrays.toString(part) + " of " + ids.length;
  }
}
