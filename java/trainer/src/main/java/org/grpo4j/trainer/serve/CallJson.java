package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.grpo4j.trainer.serve.ToolCallSyntax.Call;

/** Calls as JSON objects with a name, and arguments or parameters. */
final class CallJson {
  // Digits stay as the model wrote them, 0.10 for example.
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private CallJson() {}

  /**
   * Reads objects, and arrays of them, with spaces, line ends, commas or semicolons between.
   *
   * @return empty where something else is in the text, or nothing
   */
  static Optional<List<Call>> parse(String text) {
    List<Call> calls = new ArrayList<>();
    int at = skipSeparators(text, 0);
    while (at < text.length()) {
      try (JsonParser parser = MAPPER.createParser(text.substring(at))) {
        JsonNode value = parser.readValueAsTree();
        if (value == null || !addCalls(value, calls)) {
          return Optional.empty();
        }
        at = skipSeparators(text, at + (int) parser.currentLocation().getCharOffset());
      } catch (IOException e) {
        // Not JSON: models write all kinds of text.
        return Optional.empty();
      }
    }
    return calls.isEmpty() ? Optional.empty() : Optional.of(calls);
  }

  private static int skipSeparators(String text, int from) {
    int at = from;
    while (at < text.length()
        && (Character.isWhitespace(text.charAt(at)) || ",;".indexOf(text.charAt(at)) >= 0)) {
      at++;
    }
    return at;
  }

  private static boolean addCalls(JsonNode value, List<Call> calls) {
    if (value.isArray()) {
      for (JsonNode element : value) {
        if (!addCalls(element, calls)) {
          return false;
        }
      }
      return true;
    }
    JsonNode name = value.path("name");
    JsonNode arguments = value.has("arguments") ? value.get("arguments") : value.path("parameters");
    if (!value.isObject() || !name.isTextual()) {
      return false;
    }
    if (arguments.isMissingNode() || arguments.isNull()) {
      calls.add(new Call(name.asText(), "{}"));
    } else if (arguments.isObject()) {
      calls.add(new Call(name.asText(), arguments.toString()));
    } else if (arguments.isTextual()) {
      calls.add(new Call(name.asText(), arguments.asText()));
    } else {
      return false;
    }
    return true;
  }
}
