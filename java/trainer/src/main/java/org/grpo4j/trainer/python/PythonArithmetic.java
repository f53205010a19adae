package org.grpo4j.trainer.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's operators on numbers, texts, lists, tuples and dicts. */
final class PythonArithmetic {
  /** Larger results are refused: Python would go on until the memory is full. */
  private static final int MAX_BITS = 1_000_000;

  private static final int MAX_ELEMENTS = 10_000_000;

  /** More digits than any double tells apart, so that one rounding decides. */
  private static final MathContext QUOTIENT = new MathContext(800);

  private PythonArithmetic() {}

  static Object unary(String operator, @Nullable Object value) throws PythonError {
    if (operator.equals("not")) {
      return !PythonEvaluator.isTrue(value);
    }
    Object number = number(value);
    if (number instanceof BigInteger i) {
      return switch (operator) {
        case "-" -> i.negate();
        case "~" -> i.not();
        default -> i;
      };
    }
    if (operator.equals("~")) {
      throw unsupported(operator, value, value);
    }
    boolean negative = operator.equals("-");
    if (number instanceof Double d) {
      return negative ? -d : d;
    }
    PythonComplex c = (PythonComplex) number;
    return negative ? new PythonComplex(-c.real(), -c.imaginary()) : c;
  }

  static Object binary(String operator, @Nullable Object a, @Nullable Object b) throws PythonError {
    if (a instanceof Boolean x && b instanceof Boolean y && "&|^".contains(operator)) {
      return switch (operator) {
        case "&" -> x && y;
        case "|" -> x || y;
        default -> x ^ y;
      };
    }
    if (isNumber(a) && isNumber(b)) {
      return numbers(operator, number(a), number(b));
    }
    if (operator.equals("+")) {
      return concatenated(a, b);
    }
    if (operator.equals("*") && isIntegral(b)) {
      return repeated(a, (BigInteger) number(b));
    }
    if (operator.equals("*") && isIntegral(a)) {
      return repeated(b, (BigInteger) number(a));
    }
    if (operator.equals("|") && a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      Map<@Nullable Object, @Nullable Object> union = new LinkedHashMap<>();
      for (Map<?, ?> map : List.of(x, y)) {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          PythonValues.put(union, entry.getKey(), entry.getValue());
        }
      }
      return union;
    }
    throw unsupported(operator, a, b);
  }

  private static PythonError unsupported(String operator, @Nullable Object a, @Nullable Object b) {
    return new PythonError(
        "unsupported operand type(s) for %s: '%s' and '%s'"
            .formatted(operator, PythonType.of(a), PythonType.of(b)));
  }

  private static boolean isNumber(@Nullable Object value) {
    return value instanceof Number || value instanceof Boolean || value instanceof PythonComplex;
  }

  private static boolean isIntegral(@Nullable Object value) {
    return value instanceof BigInteger || value instanceof Boolean;
  }

  /** A bool as the int it is in arithmetic. */
  private static Object number(@Nullable Object value) throws PythonError {
    if (value instanceof Boolean b) {
      return b ? BigInteger.ONE : BigInteger.ZERO;
    }
    if (value == null || !isNumber(value)) {
      throw new PythonError("bad operand type: '" + PythonType.of(value) + "'");
    }
    return value;
  }

  private static Object numbers(String operator, Object a, Object b) throws PythonError {
    if (a instanceof PythonComplex || b instanceof PythonComplex) {
      return complexes(operator, complex(a), complex(b));
    }
    if (a instanceof BigInteger x && b instanceof BigInteger y) {
      return integers(operator, x, y);
    }
    return reals(operator, real(a), real(b));
  }

  private static double real(Object number) throws PythonError {
    if (number instanceof Double d) {
      return d;
    }
    double value = ((BigInteger) number).doubleValue();
    if (Double.isInfinite(value)) {
      throw new PythonError("int too large to convert to float");
    }
    return value;
  }

  private static PythonComplex complex(Object number) throws PythonError {
    return number instanceof PythonComplex c ? c : new PythonComplex(real(number), 0);
  }

  private static Object integers(String operator, BigInteger a, BigInteger b) throws PythonError {
    return switch (operator) {
      case "+" -> a.add(b);
      case "-" -> a.subtract(b);
      case "*" -> a.multiply(b);
      case "&" -> a.and(b);
      case "|" -> a.or(b);
      case "^" -> a.xor(b);
      case "/" -> quotient(a, nonZero(b));
      case "//" -> floorDivision(a, nonZero(b));
      case "%" -> a.subtract(floorDivision(a, nonZero(b)).multiply(b));
      case "<<", ">>" -> shifted(operator, a, b);
      case "**" -> power(a, b);
      default -> throw unsupported(operator, a, b);
    };
  }

  private static BigInteger nonZero(BigInteger divisor) throws PythonError {
    if (divisor.signum() == 0) {
      throw new PythonError("division by zero");
    }
    return divisor;
  }

  private static double quotient(BigInteger a, BigInteger b) throws PythonError {
    double result = new BigDecimal(a).divide(new BigDecimal(b), QUOTIENT).doubleValue();
    if (Double.isInfinite(result)) {
      throw new PythonError("integer division result too large for a float");
    }
    return result;
  }

  private static BigInteger floorDivision(BigInteger a, BigInteger b) {
    BigInteger[] parts = a.divideAndRemainder(b);
    boolean inexact = parts[1].signum() != 0;
    return inexact && a.signum() != b.signum() ? parts[0].subtract(BigInteger.ONE) : parts[0];
  }

  private static BigInteger shifted(String operator, BigInteger a, BigInteger b)
      throws PythonError {
    if (b.signum() < 0) {
      throw new PythonError("negative shift count");
    }
    if (operator.equals("<<")) {
      return a.shiftLeft(limited(b, MAX_BITS));
    }
    return a.shiftRight(b.bitLength() > 31 ? Integer.MAX_VALUE : b.intValue());
  }

  private static int limited(BigInteger n, int limit) throws PythonError {
    if (n.compareTo(BigInteger.valueOf(limit)) > 0) {
      throw new PythonError("the result would be too large");
    }
    return n.intValue();
  }

  private static Object power(BigInteger base, BigInteger exponent) throws PythonError {
    if (exponent.signum() < 0) {
      return reals("**", real(base), real(exponent));
    }
    if (base.bitLength() <= 1) {
      // 0, 1 and -1 have powers of any size.
      boolean odd = exponent.testBit(0);
      return exponent.signum() == 0 || base.equals(BigInteger.ONE) || (base.signum() < 0 && !odd)
          ? BigInteger.ONE
          : base;
    }
    limited(exponent.multiply(BigInteger.valueOf(base.bitLength())), MAX_BITS);
    return base.pow(exponent.intValue());
  }

  private static Object reals(String operator, double a, double b) throws PythonError {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "**" -> power(a, b);
      case "/", "//", "%" -> divided(operator, a, b);
      default -> throw unsupported(operator, a, b);
    };
  }

  private static double divided(String operator, double a, double b) throws PythonError {
    if (b == 0) {
      throw new PythonError("float division by zero");
    }
    if (operator.equals("/")) {
      return a / b;
    }
    // The remainder has the divisor's sign; the quotient is exact before it is floored.
    double remainder = a % b;
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
    if (operator.equals("%")) {
      return remainder == 0 ? Math.copySign(0.0, b) : remainder;
    }
    double floor = Math.floor(quotient);
    double nearest = quotient - floor > 0.5 ? floor + 1 : floor;
    return quotient == 0 ? Math.copySign(0.0, a / b) : nearest;
  }

  private static double power(double base, double exponent) throws PythonError {
    if (base == 0 && exponent < 0) {
      throw new PythonError("0.0 cannot be raised to a negative power");
    }
    if (base < 0 && Double.isFinite(base) && exponent != Math.rint(exponent)) {
      throw new PythonError("complex powers are not supported");
    }
    if (base == 1 || (base == -1 && Double.isInfinite(exponent))) {
      return 1.0; // Also to the power of NaN, where Java gives NaN.
    }
    double result = Math.pow(base, exponent);
    if (Double.isInfinite(result) && Double.isFinite(base) && Double.isFinite(exponent)) {
      throw new PythonError("Numerical result out of range");
    }
    return result;
  }

  private static Object complexes(String operator, PythonComplex a, PythonComplex b)
      throws PythonError {
    double re = a.real();
    double im = a.imaginary();
    return switch (operator) {
      case "+" -> new PythonComplex(re + b.real(), im + b.imaginary());
      case "-" -> new PythonComplex(re - b.real(), im - b.imaginary());
      case "*" ->
          new PythonComplex(re * b.real() - im * b.imaginary(), re * b.imaginary() + im * b.real());
      default -> throw unsupported(operator, a, b);
    };
  }

  private static Object concatenated(@Nullable Object a, @Nullable Object b) throws PythonError {
    if (a instanceof String x && b instanceof String y) {
      return x + y;
    }
    if (a instanceof PythonBytes x && b instanceof PythonBytes y) {
      return new PythonBytes(x.latin1() + y.latin1());
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      return joined(x, y);
    }
    if (a instanceof PythonTuple x && b instanceof PythonTuple y) {
      return new PythonTuple(joined(x.items(), y.items()));
    }
    throw unsupported("+", a, b);
  }

  private static List<@Nullable Object> joined(List<?> a, List<?> b) {
    List<@Nullable Object> result = new ArrayList<>(a);
    result.addAll(b);
    return result;
  }

  private static Object repeated(@Nullable Object sequence, BigInteger times) throws PythonError {
    boolean isSequence =
        sequence instanceof String
            || sequence instanceof PythonBytes
            || sequence instanceof List<?>
            || sequence instanceof PythonTuple;
    if (!isSequence) {
      throw unsupported("*", sequence, times);
    }
    int length = PythonValues.length(sequence);
    int n = length == 0 ? 0 : limited(times.max(BigInteger.ZERO), MAX_ELEMENTS / length);
    if (sequence instanceof String text) {
      return text.repeat(n);
    }
    if (sequence instanceof PythonBytes bytes) {
      return new PythonBytes(bytes.latin1().repeat(n));
    }
    List<@Nullable Object> items = new ArrayList<>();
    for (List<@Nullable Object> part : Collections.nCopies(n, PythonValues.elements(sequence))) {
      items.addAll(part);
    }
    return sequence instanceof PythonTuple ? new PythonTuple(items) : items;
  }
}
