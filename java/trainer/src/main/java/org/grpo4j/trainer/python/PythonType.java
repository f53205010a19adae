package org.grpo4j.trainer.python;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code type(value)} of the values that literals and JSON have. */
public enum PythonType {
  NONE("NoneType"),
  BOOL("bool"),
  INT("int"),
  FLOAT("float"),
  COMPLEX("complex"),
  STR("str"),
  BYTES("bytes"),
  LIST("list"),
  TUPLE("tuple"),
  /** No value here has it: neither JSON nor what BFCL decodes gives a set. */
  SET("set"),
  DICT("dict");

  private final String pythonName;

  PythonType(String pythonName) {
    this.pythonName = pythonName;
  }

  /** The exact type, as {@code type()} gives it: a bool is no int. */
  public static PythonType of(@Nullable Object value) {
    if (value == null) {
      return NONE;
    }
    if (value instanceof Boolean) {
      return BOOL;
    }
    if (value instanceof BigInteger) {
      return INT;
    }
    if (value instanceof Double) {
      return FLOAT;
    }
    if (value instanceof String) {
      return STR;
    }
    if (value instanceof List<?>) {
      return LIST;
    }
    if (value instanceof Map<?, ?>) {
      return DICT;
    }
    if (value instanceof PythonTuple) {
      return TUPLE;
    }
    if (value instanceof PythonComplex) {
      return COMPLEX;
    }
    if (value instanceof PythonBytes) {
      return BYTES;
    }
    throw new IllegalArgumentException("no Python value: " + value.getClass());
  }

  @Override
  public String toString() {
    return pythonName;
  }
}
