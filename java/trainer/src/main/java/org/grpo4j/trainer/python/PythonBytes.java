package org.grpo4j.trainer.python;

/**
 * A bytes object.
 *
 * @param latin1 one character for each byte, U+0000 to U+00FF
 */
public record PythonBytes(String latin1) {}
