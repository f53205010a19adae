package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonType;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * BFCL v4's AST checker: compares decoded calls, each {function: {parameter: value}}, with the
 * accepted answers. Verdicts and error types are those of bfcl_eval's ast_checker, its quirks
 * included: what a row scores must not depend on whose program judged it.
 */
public final class AstChecker {
  /** Error type where the official checker itself raises: such an answer has no verdict there. */
  static final String RAISED = "checker_error";

  private final BfclQuestion question;
  private final BfclLanguage language;
  private final boolean underscoreToDot;

  private AstChecker(BfclQuestion question, boolean underscoreToDot) {
    this.question = question;
    this.language = BfclLanguage.of(question.category());
    this.underscoreToDot = underscoreToDot;
  }

  /** Judges the calls of an answer to a question that has accepted answers. */
  public static Verdict check(BfclQuestion question, List<? extends @Nullable Object> calls) {
    return check(question, calls, false);
  }

  /**
   * Judges the calls of an answer to a question that has accepted answers.
   *
   * @param underscoreToDot whether the model was given names with _ for every dot, as interfaces
   *     are that allow no dot in a name; BFCL's model configuration says so of each model
   */
  public static Verdict check(
      BfclQuestion question, List<? extends @Nullable Object> calls, boolean underscoreToDot) {
    try {
      return new AstChecker(question, underscoreToDot).check(calls);
    } catch (PythonError e) {
      return Verdict.wrong(RAISED, String.valueOf(e.getMessage()));
    }
  }

  private Verdict check(List<? extends @Nullable Object> calls) throws PythonError {
    List<Map<String, Object>> answers = question.answers();
    if (question.category().contains("parallel")) {
      return parallel(calls, answers);
    }
    boolean multiple = question.category().contains("multiple");
    int wanted = multiple ? answers.size() : 1;
    if (calls.size() != wanted) {
      return wrongCount(
          (multiple ? "multiple" : "simple") + "_function_checker", wanted, calls.size());
    }
    Object answer = PythonValues.at(answers, 0);
    Object description =
        multiple ? description(functionName(answer)) : PythonValues.at(question.functions(), 0);
    return single(description, PythonValues.at(calls, 0), answer);
  }

  private static Verdict wrongCount(String checker, int wanted, int given) {
    return Verdict.wrong(checker + ":wrong_count", "%d calls, want %d".formatted(given, wanted));
  }

  /** Each answer takes the first call left that fits it; the order of the calls is free. */
  private Verdict parallel(
      List<? extends @Nullable Object> calls, List<Map<String, Object>> answers)
      throws PythonError {
    String checker = "parallel_function_checker_no_order";
    if (calls.size() != answers.size()) {
      return wrongCount(checker, answers.size(), calls.size());
    }
    List<@Nullable Object> left = new ArrayList<>(calls);
    for (int a = 0; a < answers.size(); a++) {
      Map<String, Object> answer = answers.get(a);
      Object description = description(functionName(answer));
      List<String> errors = new ArrayList<>();
      int fitting = -1;
      for (int c = 0; c < left.size() && fitting < 0; c++) {
        Verdict verdict = single(description, left.get(c), answer);
        if (verdict.valid()) {
          fitting = c;
        } else {
          errors.add(verdict.message());
        }
      }
      if (fitting < 0) {
        return Verdict.wrong(
            checker + ":cannot_find_match",
            "no call fits answer %d: %s".formatted(a, String.join("; ", errors)));
      }
      left.remove(fitting);
    }
    return Verdict.RIGHT;
  }

  private static Object functionName(@Nullable Object answer) throws PythonError {
    return String.valueOf(PythonValues.at(PythonValues.elements(answer), 0));
  }

  private @Nullable Object description(Object name) throws PythonError {
    for (Map<String, Object> function : question.functions()) {
      if (PythonValues.equal(PythonValues.item(function, "name"), name)) {
        return function;
      }
    }
    return null;
  }

  private Verdict single(
      @Nullable Object description, @Nullable Object call, @Nullable Object answer)
      throws PythonError {
    Map<?, ?> accepted =
        PythonValues.dict(PythonValues.at(new ArrayList<>(PythonValues.dict(answer).values()), 0));
    String name = String.valueOf(PythonValues.item(description, "name"));
    Object parameters = PythonValues.item(description, "parameters");
    Object properties = PythonValues.item(parameters, "properties");
    Object required = PythonValues.item(parameters, "required");
    if (underscoreToDot) {
      name = name.replace('.', '_');
    }
    if (!PythonValues.contains(call, name)) {
      return Verdict.wrong("simple_function_checker:wrong_func_name", "no call of " + name);
    }
    Object given = PythonValues.item(call, name);
    for (Object parameter : PythonValues.elements(required)) {
      if (!PythonValues.contains(given, parameter)) {
        return Verdict.wrong(
            "simple_function_checker:missing_required", "parameter " + parameter + " is missing");
      }
    }
    for (Map.Entry<?, ?> entry : PythonValues.dict(given).entrySet()) {
      Object parameter = entry.getKey();
      if (!PythonValues.contains(properties, parameter)
          || !PythonValues.contains(accepted, parameter)) {
        return Verdict.wrong(
            "simple_function_checker:unexpected_param", "there is no parameter " + parameter);
      }
      Verdict verdict =
          parameter(
              String.valueOf(parameter),
              entry.getValue(),
              PythonValues.item(properties, String.valueOf(parameter)),
              PythonValues.elements(accepted.get(parameter)));
      if (!verdict.valid()) {
        return verdict;
      }
    }
    for (Map.Entry<?, ?> entry : accepted.entrySet()) {
      if (!PythonValues.contains(given, entry.getKey())
          && !PythonValues.contains(entry.getValue(), "")) {
        return Verdict.wrong(
            "simple_function_checker:missing_optional",
            "parameter " + entry.getKey() + " is missing and has no accepted default");
      }
    }
    return Verdict.RIGHT;
  }

  private Verdict parameter(
      String name,
      @Nullable Object given,
      @Nullable Object details,
      List<@Nullable Object> accepted)
      throws PythonError {
    Object typeName = PythonValues.item(details, "type");
    PythonType type = language.type(String.valueOf(typeName));
    if (language != BfclLanguage.PYTHON && !(given instanceof String)) {
      return Verdict.wrong(
          "type_error:" + (language == BfclLanguage.JAVA ? "java" : "js"),
          "%s: want a text, got %s".formatted(name, PythonType.of(given)));
    }
    String nestedName = null;
    if (language.nests(String.valueOf(typeName))) {
      nestedName = String.valueOf(PythonValues.item(PythonValues.item(details, "items"), "type"));
    }
    PythonType nested = nestedName == null ? null : language.type(nestedName);
    Object value = given;
    if (given instanceof String text && language == BfclLanguage.JAVA) {
      value = JavaLiterals.convert(text, String.valueOf(typeName), nestedName);
    } else if (given instanceof String text && language == BfclLanguage.JAVASCRIPT) {
      value = JavaScriptLiterals.convert(text, String.valueOf(typeName), nestedName);
    }
    // Answers are JSON, where a tuple has become a list.
    if (String.valueOf(typeName).equals("tuple") && PythonType.of(value) == PythonType.TUPLE) {
      value = Collections.unmodifiableList(PythonValues.elements(value));
    }
    if (language == BfclLanguage.PYTHON && String.valueOf(typeName).equals("float")) {
      value = ValueChecks.toFloat(value);
    }
    ValueChecks.TypeCheck check = ValueChecks.type(value, accepted, type, nested);
    if (!check.fits()) {
      return Verdict.wrong(
          check.errorType(), "%s: %s, want %s".formatted(name, PythonType.of(value), typeName));
    }
    // A variable's name stands for the value: it is compared as it is.
    return check.variable()
        ? ValueChecks.member(name, value, accepted)
        : ValueChecks.value(name, value, accepted, type, nested);
  }
}
