package org.grpo4j.trainer.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Defaults of one command that differ from those of the settings records it shares. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Defaults {
  /** Lines {@code key: value} in YAML. */
  String[] value() default {};

  /**
   * Resource beside this class whose lines replace the defaults while {@code train_file} is
   * "embedded": the recipe of the embedded task. Empty for none.
   */
  String embeddedTask() default "";

  /** The same while {@code train_file} is "embedded_multi_turn". */
  String embeddedMultiTurn() default "";
}
