package org.grpo4j.trainer.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.JsonProblem;
import org.jspecify.annotations.Nullable;

/** Reading and writing of flat YAML. */
final class Yaml {
  private static final ObjectMapper YAML =
      YAMLMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();
  private static final ObjectMapper JSON = JsonMapper.builder().build();

  private Yaml() {}

  /** The value of one YAML scalar, list or map. */
  static @Nullable Object value(String text) throws InputException {
    try {
      return YAML.readValue("v: " + text, new TypeReference<Map<String, @Nullable Object>>() {})
          .get("v");
    } catch (JsonProcessingException e) {
      throw new InputException("not a YAML value: " + text, e);
    }
  }

  /**
   * The map in a YAML text; empty for an empty text.
   *
   * @param where names the text in messages
   */
  static Map<String, @Nullable Object> map(String text, String where) {
    try {
      Object read = YAML.readValue(text, Object.class);
      if (read == null || (read instanceof String s && s.isBlank())) {
        return new LinkedHashMap<>();
      }
      if (!(read instanceof Map<?, ?> map)) {
        throw new InputException(where + ": want lines 'key: value'");
      }
      Map<String, @Nullable Object> result = new LinkedHashMap<>();
      map.forEach((k, v) -> result.put(String.valueOf(k), v));
      return result;
    } catch (JsonProcessingException e) {
      if (text.lines().allMatch(l -> l.isBlank() || l.strip().startsWith("#"))) {
        return new LinkedHashMap<>();
      }
      JsonLocation location = e.getLocation();
      String line = location == null ? "" : " line " + location.getLineNr();
      throw new InputException("%s%s: not YAML: %s".formatted(where, line, JsonProblem.of(e)), e);
    }
  }

  static Map<String, @Nullable Object> resource(Class<?> beside, String name) {
    try (InputStream in = beside.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + name + " beside " + beside);
      }
      return map(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
    } catch (IOException e) {
      throw new IllegalStateException("cannot read resource " + name, e);
    }
  }

  /** A value in flow style; JSON is YAML, and quoting it always survives the way back. */
  static String text(@Nullable Object value) {
    if (value instanceof String s && s.matches("[A-Za-z][A-Za-z0-9_./-]*") && s.equals(value(s))) {
      return s;
    }
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("value " + value + " has no YAML form", e);
    }
  }
}
