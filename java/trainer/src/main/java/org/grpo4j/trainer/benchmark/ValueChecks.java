package org.grpo4j.trainer.benchmark;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonType;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/** How one value is compared with the accepted ones. */
final class ValueChecks {
  private ValueChecks() {}

  /**
   * Whether a value has the type that a parameter wants.
   *
   * @param variable the accepted values have another type than the parameter: the answer is the
   *     name of a variable, or takes a number for another type of number
   */
  record TypeCheck(boolean fits, boolean variable, String errorType) {}

  static TypeCheck type(
      @Nullable Object value,
      List<@Nullable Object> accepted,
      PythonType wanted,
      @Nullable PythonType nested)
      throws PythonError {
    PythonType answerType = null;
    for (Object answer : accepted) {
      if (!"".equals(answer)) {
        answerType = PythonType.of(answer);
        break;
      }
    }
    PythonType type = PythonType.of(value);
    boolean variable = answerType != null && answerType != wanted;
    String errorType = "type_error:simple";
    boolean nestedWrong = false;
    if (type == wanted) {
      if (nested == null || elementsFit(value, accepted, nested)) {
        return new TypeCheck(true, variable, errorType);
      }
      nestedWrong = true;
    }
    if (type == answerType) {
      return new TypeCheck(!nestedWrong, true, nestedWrong ? "type_error:nested" : errorType);
    }
    return new TypeCheck(false, variable, errorType);
  }

  /** Whether every element has the nested type, or that of the elements of one accepted list. */
  private static boolean elementsFit(
      @Nullable Object value, List<@Nullable Object> accepted, PythonType nested)
      throws PythonError {
    for (Object answer : accepted) {
      if (!(answer instanceof List<?>)) {
        // The official checker looks into lists alone: any other answer, "" too, lets all pass.
        return true;
      }
      boolean all = true;
      for (Object element : PythonValues.elements(value)) {
        all = all && type(element, PythonValues.elements(answer), nested, null).fits();
      }
      if (all) {
        return true;
      }
    }
    return false;
  }

  /** An int where a float is wanted becomes one. */
  static @Nullable Object toFloat(@Nullable Object value) throws PythonError {
    if (!(value instanceof BigInteger integer)) {
      return value;
    }
    double rounded = integer.doubleValue();
    if (Double.isInfinite(rounded)) {
      throw new PythonError("int too large to convert to float");
    }
    return rounded;
  }

  /** A value of the wanted type against the accepted ones. */
  static Verdict value(
      String name,
      @Nullable Object value,
      List<@Nullable Object> accepted,
      PythonType type,
      @Nullable PythonType nested)
      throws PythonError {
    return switch (type) {
      case DICT -> dict(value, accepted);
      case LIST -> nested == PythonType.DICT ? dicts(value, accepted) : list(name, value, accepted);
      case STR -> text(name, value, accepted);
      default -> member(name, value, accepted);
    };
  }

  static Verdict member(String name, @Nullable Object value, List<@Nullable Object> accepted)
      throws PythonError {
    return PythonValues.contains(accepted, value)
        ? Verdict.RIGHT
        : Verdict.wrong("value_error:others", "%s: not an accepted value".formatted(name));
  }

  /** Texts are compared without case, spaces and , . / - _ * ^, and with one kind of quote. */
  static @Nullable Object standardized(@Nullable Object value) {
    return value instanceof String text
        ? text.replaceAll("[ ,./\\-_*^]", "").toLowerCase(Locale.ROOT).replace('\'', '"')
        : value;
  }

  private static List<@Nullable Object> standardizedElements(@Nullable Object sequence)
      throws PythonError {
    List<@Nullable Object> result = new ArrayList<>();
    int length = PythonValues.length(sequence);
    for (int i = 0; i < length; i++) {
      result.add(standardized(PythonValues.at(sequence, i)));
    }
    return result;
  }

  private static Verdict text(
      String name, @Nullable Object value, List<@Nullable Object> accepted) {
    Object wanted = standardized(value);
    boolean found =
        accepted.stream()
            .anyMatch(a -> a instanceof String && PythonValues.equal(standardized(a), wanted));
    return found
        ? Verdict.RIGHT
        : Verdict.wrong("value_error:string", "%s: not an accepted text".formatted(name));
  }

  private static Verdict list(String name, @Nullable Object value, List<@Nullable Object> accepted)
      throws PythonError {
    List<@Nullable Object> given = new ArrayList<>();
    for (Object element : PythonValues.elements(value)) {
      given.add(standardized(element));
    }
    List<@Nullable Object> answers = new ArrayList<>();
    for (Object answer : accepted) {
      answers.add(standardizedElements(answer));
    }
    return PythonValues.contains(answers, given)
        ? Verdict.RIGHT
        : Verdict.wrong("value_error:list/tuple", "%s: not an accepted list".formatted(name));
  }

  private static Verdict dict(@Nullable Object value, List<@Nullable Object> accepted)
      throws PythonError {
    Verdict verdict = Verdict.wrong("dict_checker:unclear", "no accepted dict");
    for (Object answer : accepted) {
      if ("".equals(answer)) {
        continue;
      }
      verdict = againstDict(value, answer);
      if (verdict.valid()) {
        return verdict;
      }
    }
    return verdict;
  }

  private static Verdict againstDict(@Nullable Object value, @Nullable Object answer)
      throws PythonError {
    Verdict verdict = Verdict.RIGHT;
    for (Map.Entry<?, ?> entry : PythonValues.dict(value).entrySet()) {
      Object key = entry.getKey();
      if (!PythonValues.contains(answer, key)) {
        verdict = Verdict.wrong("value_error:dict_key", "unexpected key " + key);
        break;
      }
      Object values = PythonValues.item(answer, String.valueOf(key));
      if (!PythonValues.contains(standardizedElements(values), standardized(entry.getValue()))) {
        verdict = Verdict.wrong("value_error:dict_value", "not an accepted value of key " + key);
        break;
      }
    }
    // A missing key is what is reported, even where a value was wrong before.
    for (Map.Entry<?, ?> entry : PythonValues.dict(answer).entrySet()) {
      if (!PythonValues.contains(value, entry.getKey())
          && !PythonValues.contains(entry.getValue(), "")) {
        return Verdict.wrong("value_error:dict_key", "key " + entry.getKey() + " is missing");
      }
    }
    return verdict;
  }

  /** A list of dicts, in the order of the answer's. */
  private static Verdict dicts(@Nullable Object value, List<@Nullable Object> accepted)
      throws PythonError {
    List<@Nullable Object> given = PythonValues.elements(value);
    Verdict verdict = Verdict.wrong("list_dict_checker:unclear", "no accepted list");
    for (Object answer : accepted) {
      if (given.size() != PythonValues.length(answer)) {
        verdict = Verdict.wrong("value_error:list_dict_count", "wrong number of dicts");
        continue;
      }
      boolean all = true;
      for (int i = 0; i < given.size() && all; i++) {
        verdict = dict(given.get(i), list(PythonValues.at(answer, i)));
        all = verdict.valid();
      }
      if (all) {
        return Verdict.RIGHT;
      }
    }
    return verdict;
  }

  private static List<@Nullable Object> list(@Nullable Object item) {
    List<@Nullable Object> list = new ArrayList<>();
    list.add(item);
    return list;
  }
}
