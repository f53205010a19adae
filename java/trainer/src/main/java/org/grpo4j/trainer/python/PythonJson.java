package org.grpo4j.trainer.python;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code json.loads} on Jackson's tokenizer.
 *
 * <p>Both follow RFC 8259; what Python does beyond it is set here: NaN, Infinity and -Infinity are
 * numbers (and no other spelling is, where Jackson takes INF too), integers have any size up to
 * Python's 4,300 digits, a number too large for a double is infinite, the last of several equal
 * keys wins, escaped lone surrogates are kept, and anything after the value is an error.
 *
 * <p>Values: {@link Map} (in order of first appearance), {@link List}, {@link String}, {@link
 * Boolean}, {@link BigInteger}, {@link Double} and null.
 */
public final class PythonJson {
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          // Keys are a model's output: they would only fill the JVM's string table.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  // Python raises RecursionError at about the same depth.
                  .maxNestingDepth(1000)
                  .build())
          .build();

  private PythonJson() {}

  /**
   * Parses one value.
   *
   * @throws PythonError where {@code json.loads} raises
   */
  public static @Nullable Object parse(String text) throws PythonError {
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() == null) {
        throw new PythonError("no JSON value");
      }
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new PythonError("text after the JSON value");
      }
      return value;
    } catch (IOException e) {
      throw new PythonError(String.valueOf(e.getMessage()));
    }
  }

  private static @Nullable Object value(JsonParser parser) throws IOException, PythonError {
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> parser.getText();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case VALUE_NUMBER_INT -> integer(parser.getText());
      case VALUE_NUMBER_FLOAT -> real(parser);
      default -> throw new PythonError("unexpected " + token);
    };
  }

  private static Map<String, @Nullable Object> object(JsonParser parser)
      throws IOException, PythonError {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      parser.nextToken();
      map.put(key, value(parser));
    }
    return map;
  }

  private static List<@Nullable Object> array(JsonParser parser) throws IOException, PythonError {
    List<@Nullable Object> list = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      list.add(value(parser));
    }
    return list;
  }

  private static BigInteger integer(String digits) throws PythonError {
    if (digits.length() - (digits.startsWith("-") ? 1 : 0) > PythonNumbers.MAX_INTEGER_DIGITS) {
      throw new PythonError("integer of more than " + PythonNumbers.MAX_INTEGER_DIGITS + " digits");
    }
    return new BigInteger(digits);
  }

  private static Double real(JsonParser parser) throws IOException, PythonError {
    if (!parser.isNaN()) {
      return Double.valueOf(parser.getText());
    }
    return switch (parser.getText()) {
      case "NaN" -> Double.NaN;
      case "Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      default -> throw new PythonError("not a JSON number: " + parser.getText());
    };
  }
}
