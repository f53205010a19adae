package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Schemas as requests give them, held to character by character. */
class JsonSchemaTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static final String WEATHER =
      """
      {"type": "object", "additionalProperties": false, "required": ["city", "days"],
       "properties": {
         "city": {"type": "string", "description": "where"},
         "days": {"type": "integer"},
         "unit": {"enum": ["C", "CF", 1, 12, null]},
         "at": {"type": "array", "minItems": 1, "maxItems": 2,
                "items": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}},
         "note": {"type": ["string", "null"]}}}
      """;

  /** A list of lists of lists, and no end to it. */
  private static final String TREE =
      """
      {"$ref": "#/$defs/node", "$defs": {"node": {
         "type": "object", "required": ["v"], "additionalProperties": false,
         "properties": {
           "v": {"const": "x"},
           "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
           "all": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}}
      """;

  private static JsonSchema schema(String json) throws JsonProcessingException {
    return JsonSchemaReader.read(MAPPER.readTree(json), "schema", true);
  }

  /** Whether some beginning of the text has no continuation. */
  private static boolean wrong(String text, JsonSchema schema) {
    for (int length = 0; length <= text.length(); length++) {
      if (JsonPrefix.end(text.substring(0, length), 0, schema) == JsonPrefix.WRONG) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"city\": \"Lima\", \"days\": 3}",
        "{\"days\":-0,\"city\":\"\\\"\"}",
        "{ \"unit\": \"CF\", \"city\": \"\", \"days\": 10 }",
        "{\"unit\": 12, \"city\": \"\", \"days\": 1}",
        "{\"unit\": 1, \"city\": \"\", \"days\": 1, \"note\": null}",
        "{\"unit\": null, \"city\": \"\", \"days\": 1, \"note\": \"n\"}",
        "{\"at\": [1.5e3], \"city\": \"\", \"days\": 1}",
        "{\"at\": [true, -2], \"city\": \"\", \"days\": 1}",
      })
  void whatTheSchemaAllowsIsOpenToTheEnd(String json) throws JsonProcessingException {
    JsonSchema schema = schema(WEATHER);
    for (int length = 0; length < json.length(); length++) {
      assertEquals(JsonPrefix.OPEN, JsonPrefix.end(json.substring(0, length), 0, schema), json);
    }
    assertEquals(json.length(), JsonPrefix.end(json, 0, schema));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{}",
        "{\"city\": \"Lima\"}",
        "{\"city\": 5",
        "{\"town\"",
        "{\"cx",
        "{\"city\": \"a\", \"city\"",
        "{\"days\": 1.",
        "{\"days\": 1e",
        "{\"days\": \"1\"",
        "{\"unit\": \"F\"",
        "{\"unit\": \"CC",
        "{\"unit\": 2",
        "{\"unit\": 11",
        "{\"unit\": 1.0",
        "{\"at\": []",
        "{\"at\": [1, 2,",
        "{\"at\": [\"",
        "{\"at\": [null",
        "{\"note\": 1",
        "{\"city\": \"\", \"days\": 1, \"unit\": 1, \"at\": [1], \"note\": \"\",",
      })
  void whatItDoesNotAllowEndsEarly(String text) throws JsonProcessingException {
    assertTrue(wrong(text, schema(WEATHER)), text);
  }

  /** Objects without properties are open, those with some are closed unless they say otherwise. */
  @Test
  void otherMembers() throws JsonProcessingException {
    String any = "{\"a\": [{\"b\": null}]}";
    assertTrue(!wrong(any, schema("{\"type\": \"object\"}")));
    assertTrue(wrong(any, schema("{\"properties\": {}}")));
    assertTrue(wrong("{\"b\"", schema("{\"properties\": {\"a\": {}}}")));
    JsonSchema numbers =
        schema(
            "{\"properties\": {\"a\": {}}, \"additionalProperties\": {\"type\": \"number\"},"
                + " \"required\": [\"n\"]}");
    assertTrue(!wrong("{\"a\": {}, \"n\": \"is described nowhere\", \"b\": 1.5}", numbers));
    assertTrue(wrong("{\"b\": \"1\"", numbers));
    assertTrue(wrong("{\"a\": {}}", numbers), "n is missing");
  }

  /**
   * Random characters, each of which the schema allows, always come to an end: no beginning is a
   * dead end, whichever way the text goes. Brackets that close are drawn more often.
   */
  @ParameterizedTest
  @ValueSource(strings = {WEATHER, TREE, "{\"type\": \"object\"}", "{}"})
  void noBeginningIsADeadEnd(String json) throws JsonProcessingException {
    JsonSchema schema = schema(json);
    String alphabet = "}}}]]]\"\"\",:{[abcdefghijklmnopqrstuvwxyzCF0123456789.-+\\";
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      String text = "{";
      while (JsonPrefix.end(text, 0, schema) < 0) {
        List<Character> next = new ArrayList<>();
        for (int i = 0; i < alphabet.length(); i++) {
          char c = alphabet.charAt(i);
          if (JsonPrefix.end(text + c, 0, schema) != JsonPrefix.WRONG) {
            next.add(c);
          }
        }
        assertTrue(!next.isEmpty(), text);
        text += next.get(random.nextInt(next.size()));
      }
      assertTrue(MAPPER.readTree(text).isObject(), text);
    }
  }

  /** A vocabulary may have letters in pieces alone, which are none: an escape is always open. */
  @Test
  void stringsInTheirSpellings() throws JsonProcessingException {
    JsonSchema schema = schema("{\"properties\": {\"é\\\"\": {\"const\": \"/\\n😀\"}}}");
    for (String json :
        List.of("{\"é\\\"\": \"/\\n😀\"}", "{\"\\u00e9\\u0022\": \"/\\u000A\\ud83d\\uDE00\"}")) {
      for (int length = 0; length < json.length(); length++) {
        assertEquals(JsonPrefix.OPEN, JsonPrefix.end(json.substring(0, length), 0, schema), json);
      }
      assertEquals(json.length(), JsonPrefix.end(json, 0, schema));
      assertEquals(1, MAPPER.readTree(json).size());
    }
    for (String text :
        List.of(
            "{\"\uFFFD",
            "{\"e",
            "{\"\\U",
            "{\"\\u01",
            "{\"\\n",
            "{\"é\"",
            "{\"é\\\"\": \"/\n",
            "{\"é\\\"\": \"\\/")) {
      assertTrue(wrong(text, schema), text);
    }
  }

  /** One level below the deepest the only way is back up. */
  @Test
  void nestingStopsWhereItsEndStillFits() throws JsonProcessingException {
    JsonSchema schema = schema(TREE);
    String open = "{\"v\": \"x\", \"next\": ";
    String deepest = open.repeat(JsonPrefix.MAX_DEPTH - 1) + "{\"v\": \"x\"";
    assertEquals(JsonPrefix.OPEN, JsonPrefix.end(deepest, 0, schema));
    assertEquals(
        JsonPrefix.WRONG, JsonPrefix.end(open.repeat(JsonPrefix.MAX_DEPTH) + "{", 0, schema));
    assertEquals(
        JsonPrefix.OPEN, JsonPrefix.end(open.repeat(JsonPrefix.MAX_DEPTH) + "n", 0, schema));
    String whole = deepest + "}".repeat(JsonPrefix.MAX_DEPTH);
    assertEquals(whole.length(), JsonPrefix.end(whole, 0, schema));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pattern | {\"properties\": {\"a\": {\"type\": \"string\", \"pattern\": \"x\"}}}",
        "/properties/a | {\"properties\": {\"a\": {\"minimum\": 1}}}",
        "oneOf | {\"oneOf\": []}",
        "beside | {\"anyOf\": [{}], \"type\": \"string\"}",
        "dict | {\"type\": \"dict\"}",
        "no value | {\"type\": \"string\", \"enum\": [1]}",
        "among its values | {\"enum\": [[]]}",
        "requires 'b' | {\"required\": [\"b\"], \"type\": \"object\", \"additionalProperties\": false}",
        "required | {\"type\": \"object\", \"required\": true}",
        "minItems above | {\"type\": \"array\", \"minItems\": 2, \"maxItems\": 1}",
        "maxItems | {\"type\": \"array\", \"maxItems\": -1}",
        "not in the schema | {\"$ref\": \"#/$defs/a\"}",
        "by itself | {\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"anyOf\": [{\"$ref\": \"#/$defs/a\"}]}}}",
        "no value | {\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}",
        "object | 5",
      })
  void whatCannotBeHeldToIsNamed(String word, String json) {
    ApiException e = assertThrows(ApiException.class, () -> schema(json));
    assertEquals(400, e.status());
    assertTrue(String.valueOf(e.getMessage()).contains(word), e.getMessage());
  }

  /** Tools that are not strict are held to what is known of their schema. */
  @Test
  void withoutStrictUnknownKeywordsAreLeftOut() throws JsonProcessingException {
    JsonNode json =
        MAPPER.readTree(
            "{\"properties\": {\"a\": {\"type\": \"integer\", \"minimum\": 5}, \"b\": {\"type\":"
                + " \"dict\"}}}");
    JsonSchema schema = JsonSchemaReader.read(json, "schema", false);
    assertTrue(!wrong("{\"a\": 3, \"b\": [1]}", schema));
    assertTrue(wrong("{\"a\": \"", schema));
  }
}
