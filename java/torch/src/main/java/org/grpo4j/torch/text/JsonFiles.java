package org.grpo4j.torch.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.JsonProblem;

/** Reads the JSON files of a checkpoint folder; what is wrong with one becomes one clear line. */
final class JsonFiles {
  private JsonFiles() {}

  static final ObjectMapper MAPPER =
      JsonMapper.builder()
          // A file that was cut and glued parses up to its first value otherwise.
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  static {
    // Jackson refuses strings above 20 MB, which a file on the own disk may hold.
    MAPPER
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build());
  }

  static ObjectNode readObject(Path file) {
    try {
      JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new InputException(file + ": expected a JSON object");
    } catch (JsonProcessingException e) {
      throw malformed(file, e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** An optional integer field: absent and null are empty, anything but an integer is an error. */
  static OptionalInt integer(Path file, JsonNode object, String field) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return OptionalInt.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new InputException(file + ": " + field + " must be an integer, got " + value);
    }
    return OptionalInt.of(value.asInt());
  }

  static InputException malformed(Path file, JacksonException e) {
    JsonLocation at = e.getLocation();
    String where = at == null ? "" : ":" + at.getLineNr() + ":" + at.getColumnNr();
    return new InputException(file + where + ": not valid JSON (" + JsonProblem.of(e) + ")", e);
  }

  static InputException unreadable(Path file, IOException e) {
    return new InputException(
        file + ": cannot be read (" + e.getClass().getSimpleName() + ": " + e.getMessage() + ")",
        e);
  }
}
