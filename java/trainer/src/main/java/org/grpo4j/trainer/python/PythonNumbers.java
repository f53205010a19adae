package org.grpo4j.trainer.python;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Python's {@code int(text)} and {@code float(text)}. */
public final class PythonNumbers {
  private static final Pattern INTEGER = Pattern.compile("[+-]?\\d+(_\\d+)*");
  private static final Pattern REAL =
      Pattern.compile(
          "[+-]?(\\d+(_\\d+)*(\\.(\\d+(_\\d+)*)?)?|\\.\\d+(_\\d+)*)([eE][+-]?\\d+(_\\d+)*)?");
  private static final Pattern NO_NUMBER = Pattern.compile("([+-]?)(inf|infinity|nan)");

  /** {@code sys.int_info.default_max_str_digits}: longer texts raise ValueError. */
  static final int MAX_INTEGER_DIGITS = 4300;

  private PythonNumbers() {}

  /** The value of {@code int(text)}; empty where it raises ValueError. */
  public static Optional<BigInteger> integer(String text) {
    String stripped = asciiDigits(PythonText.strip(text));
    if (!INTEGER.matcher(stripped).matches()) {
      return Optional.empty();
    }
    String number = stripped.replace("_", "");
    int signs = Character.isDigit(number.charAt(0)) ? 0 : 1;
    return number.length() - signs > MAX_INTEGER_DIGITS
        ? Optional.empty()
        : Optional.of(new BigInteger(number));
  }

  /** The value of {@code float(text)}; empty where it raises ValueError. */
  public static Optional<Double> real(String text) {
    String stripped = asciiDigits(PythonText.strip(text));
    if (REAL.matcher(stripped).matches()) {
      return Optional.of(Double.valueOf(stripped.replace("_", "")));
    }
    String lower = stripped.toLowerCase(Locale.ROOT);
    if (!NO_NUMBER.matcher(lower).matches()) {
      return Optional.empty();
    }
    if (lower.endsWith("nan")) {
      return Optional.of(Double.NaN);
    }
    return Optional.of(lower.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
  }

  /** Python reads the decimal digits of every script. */
  private static String asciiDigits(String text) {
    StringBuilder ascii = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> ascii.appendCodePoint(Character.isDigit(c) ? '0' + Character.digit(c, 10) : c));
    return ascii.toString();
  }
}
