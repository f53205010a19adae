package org.grpo4j.trainer.python;

/** A complex number. */
public record PythonComplex(double real, double imaginary) {}
