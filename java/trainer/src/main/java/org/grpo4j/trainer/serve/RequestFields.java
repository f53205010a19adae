package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request. A null is an absent field; a wrong type or value is a 400 that names the
 * field. Fields that nobody asks for are ignored, as OpenAI-compatible servers do.
 */
final class RequestFields {
  private final ObjectNode json;
  private final String prefix;

  RequestFields(ObjectNode json) {
    this(json, "");
  }

  private RequestFields(ObjectNode json, String prefix) {
    this.json = json;
    this.prefix = prefix;
  }

  /** The value, or a missing node. */
  JsonNode get(String name) {
    JsonNode value = json.path(name);
    return value.isNull() ? MissingNode.getInstance() : value;
  }

  boolean has(String name) {
    return !get(name).isMissingNode();
  }

  String requiredText(String name) {
    String text = text(name);
    if (text == null) {
      throw ApiException.badRequest(prefix + name, "Missing field: '" + prefix + name + "'.");
    }
    return text;
  }

  @Nullable String text(String name) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return null;
    }
    if (!value.isTextual()) {
      throw wrong(name, "a string", value);
    }
    return value.asText();
  }

  boolean flag(String name, boolean byDefault) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return byDefault;
    }
    if (!value.isBoolean()) {
      throw wrong(name, "true or false", value);
    }
    return value.asBoolean();
  }

  double number(String name, double byDefault, double min, double max) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return byDefault;
    }
    double number = value.isNumber() ? value.asDouble() : Double.NaN;
    if (!(number >= min && number <= max)) {
      throw wrong(name, "a number from %s to %s".formatted(plain(min), plain(max)), value);
    }
    return number;
  }

  int integer(String name, int byDefault, int min, int max) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return byDefault;
    }
    if (!value.canConvertToExactIntegral() || !value.canConvertToInt()) {
      throw wrong(name, integersBetween(min, max), value);
    }
    int number = value.asInt();
    if (number < min || number > max) {
      throw wrong(name, integersBetween(min, max), value);
    }
    return number;
  }

  private static String integersBetween(int min, int max) {
    return max == Integer.MAX_VALUE
        ? "an integer of at least " + min
        : "an integer from " + min + " to " + max;
  }

  @Nullable Long longInteger(String name) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return null;
    }
    if (!value.canConvertToExactIntegral() || !value.canConvertToLong()) {
      throw wrong(name, "an integer", value);
    }
    return value.asLong();
  }

  /** An object's fields, or none where it is absent. */
  RequestFields object(String name) {
    JsonNode value = get(name);
    if (value.isMissingNode()) {
      return new RequestFields(json.objectNode(), prefix + name + ".");
    }
    return new RequestFields(asObject(name, value), prefix + name + ".");
  }

  ObjectNode asObject(String name, JsonNode value) {
    if (value instanceof ObjectNode object) {
      return object;
    }
    throw wrong(name, "an object", value);
  }

  /** A list; empty where it is absent. */
  JsonNode list(String name) {
    JsonNode value = get(name);
    if (!value.isMissingNode() && !value.isArray()) {
      throw wrong(name, "a list", value);
    }
    return value;
  }

  /** Refuses a field that would change the answer if it were heeded. */
  void refuse(String name, String why) {
    JsonNode value = get(name);
    boolean harmless =
        value.isMissingNode()
            || (value.isBoolean() && !value.asBoolean())
            || (value.isContainerNode() && value.isEmpty());
    if (!harmless) {
      throw ApiException.badRequest(
          prefix + name, "'%s%s' is not supported: %s.".formatted(prefix, name, why));
    }
  }

  ApiException wrong(String name, String wanted, JsonNode given) {
    String text = given.toString();
    String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
    return ApiException.badRequest(
        prefix + name, "Invalid '%s%s': want %s, got %s.".formatted(prefix, name, wanted, shown));
  }

  private static String plain(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }
}
