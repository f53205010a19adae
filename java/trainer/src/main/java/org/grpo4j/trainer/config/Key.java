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
  /** What the key does, in one sentence. */
  String doc();

  /** The default as YAML text; {@code null} makes the key optional. */
  String byDefault();

  /** Where the default comes from. */
  String source() default "grpo4j";

  /** Smallest allowed number. */
  double min() default Double.NEGATIVE_INFINITY;

  /** Largest allowed number. */
  double max() default Double.POSITIVE_INFINITY;

  /** Whether {@link #min} itself is refused. */
  boolean aboveMin() default false;

  /** For text and lists of text: the allowed values; empty means any. */
  String[] allowed() default {};
}
