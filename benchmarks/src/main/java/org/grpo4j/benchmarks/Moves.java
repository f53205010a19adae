package org.grpo4j.benchmarks;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The byte formula of an operation on N × V logits, beside its benchmark: what it has to move
 * through memory if every byte moves once.
 *
 * <p>bytes = (reads + writes) · N · V · size of an element + rowBytes · N
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Moves {
  /** Times that the logits are read. */
  int reads() default 0;

  /** Times that as many bytes are written. */
  int writes() default 0;

  /** Beside them, for each row; left out where logits are moved, of which it is below 1/1000. */
  int rowBytes() default 0;
}
