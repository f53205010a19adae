package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON Schema: type, properties, required, additionalProperties, enum, const, items,
 * minItems, maxItems, anyOf, and $ref into $defs or definitions. Where an object says which
 * properties it has, others need its additionalProperties: OpenAI's strict mode wants them closed.
 */
final class JsonSchemaReader {
  private static final Set<String> SAY_NOTHING =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");
  private static final Set<String> KNOWN =
      Set.of(
          "type",
          "properties",
          "required",
          "additionalProperties",
          "enum",
          "const",
          "items",
          "minItems",
          "maxItems",
          "anyOf",
          "$ref");

  private final String param;
  private final JsonNode root;
  private final boolean strict;
  private final Map<String, JsonSchema.Named> named = new LinkedHashMap<>();

  private JsonSchemaReader(String param, JsonNode root, boolean strict) {
    this.param = param;
    this.root = root;
    this.strict = strict;
  }

  /**
   * Reads a schema.
   *
   * @param param the request's field that holds it, for errors
   * @param strict whether a keyword that completions can't be held to is an error; else completions
   *     are held to the others
   * @throws ApiException 400, naming the place and the keyword
   */
  static JsonSchema read(JsonNode root, String param, boolean strict) {
    JsonSchemaReader reader = new JsonSchemaReader(param, root, strict);
    JsonSchema schema = reader.schema(root, "");
    reader.requireProgress();
    reader.learnDepths();
    if (schema.depth() >= JsonPrefix.MAX_DEPTH) {
      throw ApiException.badRequest(param, "Invalid '%s': no value satisfies it.".formatted(param));
    }
    return schema;
  }

  /** A schema that leads back to itself with nothing between says nothing. */
  private void requireProgress() {
    named.forEach(
        (pointer, each) -> {
          if (leadsTo(each, each.schema(), new HashSet<>())) {
            throw wrong(pointer, "is defined by itself");
          }
        });
  }

  private static boolean leadsTo(
      JsonSchema.Named goal, JsonSchema from, Set<JsonSchema.Named> seen) {
    if (from instanceof JsonSchema.Named next) {
      return next == goal || (seen.add(next) && leadsTo(goal, next.schema(), seen));
    }
    return from instanceof JsonSchema.AnyOf any
        && any.alternatives().stream().anyMatch(each -> leadsTo(goal, each, seen));
  }

  private void learnDepths() {
    boolean learnt = true;
    while (learnt) {
      learnt = false;
      for (JsonSchema.Named each : named.values()) {
        learnt |= each.learnDepth();
      }
    }
  }

  private ApiException wrong(String path, String problem) {
    return ApiException.badRequest(
        param, "Invalid '%s': %s %s.".formatted(param, path.isEmpty() ? "it" : path, problem));
  }

  private JsonSchema schema(JsonNode json, String path) {
    try {
      return strictly(json, path);
    } catch (ApiException e) {
      if (strict) {
        throw e;
      }
      // Nobody asked to be held to what can't be held to.
      return JsonSchema.ANY;
    }
  }

  private JsonSchema strictly(JsonNode json, String path) {
    if (!json.isObject()) {
      throw wrong(path, "has to be an object");
    }
    if (strict) {
      json.fieldNames().forEachRemaining(keyword -> requireKnown(keyword, path));
    }
    for (String alone : List.of("$ref", "anyOf")) {
      if (json.has(alone)) {
        requireAlone(json, alone, path);
      }
    }
    if (json.has("$ref")) {
      return reference(json.get("$ref").asText(), path);
    }
    if (json.has("anyOf")) {
      return anyOf(json.get("anyOf"), path + "/anyOf");
    }
    List<String> types = types(json, path);
    if (json.has("const") || json.has("enum")) {
      return literals(json, types, path);
    }
    List<JsonSchema> alternatives = new ArrayList<>();
    for (String type : types) {
      alternatives.add(typed(type, json, path));
    }
    return alternatives.size() == 1 ? alternatives.get(0) : new JsonSchema.AnyOf(alternatives);
  }

  private void requireKnown(String keyword, String path) {
    if (!KNOWN.contains(keyword) && !SAY_NOTHING.contains(keyword)) {
      throw wrong(
          path,
          "has '%s', which completions can't be held to here; known are %s"
              .formatted(keyword, KNOWN.stream().sorted().toList()));
    }
  }

  private void requireAlone(JsonNode json, String keyword, String path) {
    for (String other : KNOWN) {
      if (strict && !other.equals(keyword) && json.has(other)) {
        throw wrong(path, "has '%s' beside '%s': put it inside".formatted(other, keyword));
      }
    }
  }

  private JsonSchema reference(String pointer, String path) {
    JsonSchema.Named known = named.get(pointer);
    if (known != null) {
      return known;
    }
    JsonNode target = pointer.matches("#(/.*)?") ? root.at(pointer.substring(1)) : null;
    if (target == null || target.isMissingNode()) {
      throw wrong(path, "has a $ref to '%s', which is not in the schema".formatted(pointer));
    }
    JsonSchema.Named fresh = new JsonSchema.Named();
    // Known before it is read: it may hold itself.
    named.put(pointer, fresh);
    fresh.set(schema(target, pointer));
    return fresh;
  }

  private JsonSchema anyOf(JsonNode list, String path) {
    List<JsonSchema> alternatives = new ArrayList<>();
    for (JsonNode each : list) {
      alternatives.add(schema(each, path + "/" + alternatives.size()));
    }
    if (alternatives.isEmpty()) {
      throw wrong(path, "has to be a list of schemas");
    }
    return new JsonSchema.AnyOf(alternatives);
  }

  /** The types that are named, or the one that other keywords speak of; empty text: any. */
  private List<String> types(JsonNode json, String path) {
    JsonNode type = json.path("type");
    if (type.isMissingNode()) {
      return List.of(json.has("properties") ? "object" : json.has("items") ? "array" : "");
    }
    List<String> types = new ArrayList<>();
    (type.isArray() ? type : List.of(type)).forEach(each -> types.add(each.asText()));
    if (types.isEmpty()) {
      throw wrong(path, "has no type in its list");
    }
    return types;
  }

  private JsonSchema typed(String type, JsonNode json, String path) {
    return switch (type) {
      case "string" -> new JsonSchema.Text();
      case "number" -> new JsonSchema.Numbers(false);
      case "integer" -> new JsonSchema.Numbers(true);
      case "boolean" -> JsonSchema.Literals.of("true", "false");
      case "null" -> JsonSchema.Literals.of("null");
      case "object" -> members(json, path);
      case "array" -> elements(json, path);
      case "" -> JsonSchema.ANY;
      default -> throw wrong(path, "has the type '%s', which JSON lacks".formatted(type));
    };
  }

  private JsonSchema literals(JsonNode json, List<String> types, String path) {
    List<String> texts = new ArrayList<>();
    List<String> strings = new ArrayList<>();
    for (JsonNode value : json.has("const") ? List.of(json.get("const")) : json.get("enum")) {
      if (value.isContainerNode()) {
        throw wrong(path, "has an object or array among its values");
      }
      if (types.stream().anyMatch(type -> hasType(value, type))) {
        (value.isTextual() ? strings : texts).add(value.asText());
      }
    }
    if (texts.isEmpty() && strings.isEmpty()) {
      throw wrong(path, "allows no value");
    }
    return new JsonSchema.Literals(texts, strings);
  }

  private static boolean hasType(JsonNode value, String type) {
    return switch (type) {
      case "string" -> value.isTextual();
      case "number" -> value.isNumber();
      case "integer" -> value.isIntegralNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      case "object", "array" -> false;
      default -> true;
    };
  }

  private JsonSchema members(JsonNode json, String path) {
    Map<String, JsonSchema> properties = new LinkedHashMap<>();
    part(json, "properties", JsonNode::isObject, "an object", path)
        .properties()
        .forEach(
            each ->
                properties.put(
                    each.getKey(), schema(each.getValue(), path + "/properties/" + each.getKey())));
    JsonNode additional =
        part(
            json,
            "additionalProperties",
            given -> given.isObject() || given.isBoolean(),
            "a schema, true or false",
            path);
    boolean closed = additional.isBoolean() && !additional.asBoolean();
    Set<String> required = new HashSet<>();
    for (JsonNode name : part(json, "required", JsonNode::isArray, "a list of names", path)) {
      required.add(name.asText());
      if (!properties.containsKey(name.asText())) {
        if (closed) {
          throw wrong(path, "requires '%s', which its properties lack".formatted(name.asText()));
        }
        properties.put(name.asText(), JsonSchema.ANY);
      }
    }
    return new JsonSchema.Members(properties, required, others(additional, json, path));
  }

  private @Nullable JsonSchema others(JsonNode additional, JsonNode json, String path) {
    if (additional.isObject()) {
      return schema(additional, path + "/additionalProperties");
    }
    boolean open = additional.isMissingNode() ? !json.has("properties") : additional.asBoolean();
    return open ? JsonSchema.ANY : null;
  }

  private JsonSchema elements(JsonNode json, String path) {
    int least = count(json, "minItems", path).asInt(0);
    int most = count(json, "maxItems", path).asInt(Integer.MAX_VALUE);
    if (least > most) {
      throw wrong(path, "has minItems above maxItems");
    }
    JsonSchema items =
        json.has("items") ? schema(json.get("items"), path + "/items") : JsonSchema.ANY;
    return new JsonSchema.Elements(items, least, most);
  }

  private JsonNode count(JsonNode json, String keyword, String path) {
    return part(
        json,
        keyword,
        given -> given.canConvertToInt() && given.asInt() >= 0,
        "an integer of at least 0",
        path);
  }

  /** A keyword's value; missing where it is not there. */
  private JsonNode part(
      JsonNode json, String keyword, Predicate<JsonNode> right, String wanted, String path) {
    JsonNode given = json.path(keyword);
    if (!given.isMissingNode() && !right.test(given)) {
      throw wrong(path, "has a '%s' that is not %s".formatted(keyword, wanted));
    }
    return given;
  }
}
