package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonEvaluator;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonParser;
import org.grpo4j.trainer.python.PythonText;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * Reads the calls from a model's answer as BFCL's handlers do: {@code QwenHandler} and every other
 * prompted open model, {@code QwenFCHandler}, {@code LlamaHandler_3_1}, and ToolRL's {@code
 * RLLAHandler}.
 */
public final class BfclDecoder {
  private static final Pattern TOOL_CALL =
      Pattern.compile("<tool_call>\n(.*?)\n</tool_call>", Pattern.DOTALL);

  private BfclDecoder() {}

  /**
   * The calls of an answer.
   *
   * @param language of the calls in {@link PromptFormat#PROMPT} and {@link PromptFormat#LLAMA};
   *     other formats have JSON in all
   * @return a list of {function: {parameter: value}}, or something else where the model wrote
   *     something else that BFCL's decoder takes
   * @throws PythonError where the decoder raises
   */
  public static @Nullable Object decode(String text, PromptFormat format, BfclLanguage language)
      throws PythonError {
    return switch (format) {
      case PROMPT, LLAMA -> prompted(text, language);
      case TOOLS -> tools(text);
      case LLAMA_JSON -> llamaJson(text);
      case REST -> rest(text);
    };
  }

  private static @Nullable Object prompted(String text, BfclLanguage language) throws PythonError {
    String calls = PythonText.strip(text, "`\n ");
    if (!calls.startsWith("[")) {
      calls = "[" + calls;
    }
    if (!calls.endsWith("]")) {
      calls = calls + "]";
    }
    String inside = calls.length() < 2 ? "" : calls.substring(1, calls.length() - 1);
    return switch (language) {
      case PYTHON -> PythonCalls.decode(calls);
      case JAVA -> JavaCalls.decode(inside);
      case JAVASCRIPT -> JavaScriptCalls.decode(inside);
    };
  }

  /** Text between tags that is no JSON is left out; JSON that is no call is an error. */
  private static List<@Nullable Object> tools(String text) throws PythonError {
    List<@Nullable Object> found = new ArrayList<>();
    Matcher matcher = TOOL_CALL.matcher(text);
    while (matcher.find()) {
      found.addAll(json(matcher.group(1)));
    }
    for (Object call : found) {
      PythonValues.dict(call);
    }
    List<@Nullable Object> calls = new ArrayList<>();
    for (Object call : found) {
      calls.add(
          call(
              PythonValues.item(call, "name"),
              PythonValues.dict(PythonValues.item(call, "arguments"))));
    }
    return calls;
  }

  /**
   * JSON where there is a semicolon, anywhere; otherwise an expression of Python's, so that a lone
   * call with {@code true} or {@code null} in it is an error: Python has no such names.
   */
  private static List<@Nullable Object> llamaJson(String text) throws PythonError {
    String plain = text.replace("<|python_tag|>", "");
    List<@Nullable Object> found = new ArrayList<>();
    if (plain.contains(";")) {
      for (String part : plain.split(";", -1)) {
        found.add(PythonJson.parse(part));
      }
    } else {
      Object value = PythonEvaluator.evaluate(PythonParser.parse(PythonText.strip(plain, " \t")));
      found.addAll(value instanceof Map<?, ?> ? List.of(value) : PythonValues.elements(value));
    }
    List<@Nullable Object> calls = new ArrayList<>();
    for (Object call : found) {
      calls.add(call(PythonValues.item(call, "name"), PythonValues.item(call, "parameters")));
    }
    return calls;
  }

  private static Map<@Nullable Object, @Nullable Object> call(
      @Nullable Object name, @Nullable Object arguments) throws PythonError {
    Map<@Nullable Object, @Nullable Object> call = new LinkedHashMap<>();
    PythonValues.put(call, name, arguments);
    return call;
  }

  /** The one value of a JSON text; nothing where it is none. */
  static List<@Nullable Object> json(String text) {
    try {
      return Collections.singletonList(PythonJson.parse(text));
    } catch (PythonError e) {
      return List.of();
    }
  }

  /** Lines that are no call are left out, and so is a call of the tool None. */
  private static List<@Nullable Object> rest(String text) {
    List<@Nullable Object> calls = new ArrayList<>();
    for (String line : restLines(text)) {
      for (Object call : json(line)) {
        if (call instanceof Map<?, ?> map
            && map.containsKey("parameters")
            && map.get("name") instanceof String name
            && !PythonText.strip(name).toLowerCase(Locale.ROOT).equals("none")) {
          calls.add(Collections.singletonMap(name, map.get("parameters")));
        }
      }
    }
    return calls;
  }

  private static List<String> restLines(String text) {
    if (!text.contains("<tool_call>")) {
      return List.of();
    }
    String body = PythonText.beforeFirst(PythonText.afterLast(text, "<tool_call>"), "</tool_call>");
    return List.of(PythonText.strip(body).split("\n", -1));
  }

  /**
   * The calls of a recorded answer of a function-calling interface, as BFCL records them: a list of
   * {function: arguments}, the arguments as JSON text or as an object.
   */
  static List<@Nullable Object> recorded(List<?> result) throws PythonError {
    List<@Nullable Object> calls = new ArrayList<>();
    for (Object item : result) {
      Map<?, ?> call = PythonValues.dict(item);
      Object name = PythonValues.at(new ArrayList<>(call.keySet()), 0);
      Object arguments = call.get(name);
      calls.add(call(name, arguments instanceof String json ? PythonJson.parse(json) : arguments));
    }
    return calls;
  }
}
