package org.grpo4j.trainer.python;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each case's expected outcome is that of CPython 3.11. */
final class PythonValuesTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | 1.0 | true",
        "1 | true | true",
        "0 | false | true",
        "-0 | 0.0 | true",
        "100 | 1E2 | true",
        "1 | \"1\" | false",
        "null | false | false",
        // An int and the float it rounds to differ: Python compares exactly.
        "9007199254740993 | 9007199254740992.0 | false",
        "9007199254740992 | 9007199254740992.0 | true",
        "1e400 | Infinity | true",
        // NaN equals nothing, but the parser's one NaN object is itself inside a container.
        "NaN | NaN | false",
        "[NaN] | [NaN] | true",
        "{\"a\": NaN} | {\"a\": NaN} | true",
        "[1, true] | [1.0, 1] | true",
        "{\"a\": 1, \"b\": 2} | {\"b\": 2, \"a\": 1} | true",
        "{\"a\": 1, \"a\": 2} | {\"a\": 2} | true",
        "{\"a\": null} | {\"b\": null} | false",
        "[] | {} | false",
        "\"\\u00e9\" | \"é\" | true",
        "\"\\ud83d\\ude42\" | \"🙂\" | true"
      })
  void equality(String a, String b, boolean expected) throws PythonError {
    assertEquals(expected, PythonValues.equal(PythonJson.parse(a), PythonJson.parse(b)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "INF",
        "-NaN",
        "+1",
        "01",
        "1.",
        ".5",
        "nan",
        "True",
        "{'a': 1}",
        "[1,]",
        "1 2",
        "{\"a\": 1}}",
        "\"a\tb\"",
        "\"\\x41\"",
        "\ufeff1",
        "\u00a01"
      })
  void notJson(String text) {
    assertThrows(PythonError.class, () -> PythonJson.parse(text));
  }

  @Test
  void integersStopAtPythonsDigitLimit() throws PythonError {
    PythonJson.parse("-" + "1".repeat(4300));
    assertThrows(PythonError.class, () -> PythonJson.parse("1".repeat(4301)));
    assertEquals(Double.POSITIVE_INFINITY, PythonJson.parse("1".repeat(4301) + ".0"));
  }

  @Test
  void aVeryDeepValueIsAnErrorAndNotAStackOverflow() {
    assertThrows(PythonError.class, () -> PythonJson.parse("[".repeat(100_000)));
  }

  /** Two escapes in a literal are two characters, which JSON would join. */
  @Test
  void halvesOfASurrogatePairStayApart() throws PythonError {
    assertEquals("🙂", PythonEscapes.text("\\U0001f642", false));
    assertNotEquals("🙂", PythonEscapes.text("\\ud83d\\ude42", false));
    assertEquals(2, PythonValues.length(PythonEscapes.text("\\ud83d\\ude42", false)));
  }

  @Test
  void digitsOfEveryScriptAreDigits() {
    assertEquals(Optional.of(BigInteger.valueOf(-32)), PythonNumbers.integer("-٣2"));
    assertEquals(Optional.of(3.5), PythonNumbers.real(" 𝟑.٥"));
    assertEquals(Optional.empty(), PythonNumbers.integer("²"));
  }

  @Test
  void whiteSpaceIsPythons() {
    // U+0085, U+00A0 and U+001C are space to str.strip, U+200B and U+FEFF are not.
    assertEquals("a", PythonText.strip("\u0085\u00a0\u001c\u3000 a\u2028\n"));
    assertEquals("\u200ba\ufeff", PythonText.strip("\u200ba\ufeff"));
    assertEquals(3, PythonText.countWords(" a\u00a0b\u2003c "));
    assertEquals(0, PythonText.countWords(" \n"));
  }
}
