package org.grpo4j.trainer.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Declares a configuration key. The key's name is the component's name in snake_case, its type the
 * component's type; a key whose default is {@code null} is optional and its component boxed and
 * nullable.
 *
 * <p>To add a key, add one annotated component to the settings record it belongs to.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Key {
  /** The source of defaults that are this project's. */
  String OWN = "grpo4j";

  /** What the key does, in one sentence. */
  String doc();

  /** The default as YAML text; {@code null} makes the key optional. */
  String byDefault();

  /** Whose default it is: a program or paper, or {@link #OWN}. */
  String source() default OWN;

  /** Smallest allowed number. */
  double min() default Double.NEGATIVE_INFINITY;

  /** Largest allowed number. */
  double max() default Double.POSITIVE_INFINITY;

  /** Whether {@link #min} itself is refused. */
  boolean aboveMin() default false;

  /** For text and lists of text: the allowed values; empty means any. */
  String[] allowed() default {};
}
