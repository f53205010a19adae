/**
 * Settings of every command. Each key is declared once, as an annotated record component ({@link
 * org.grpo4j.trainer.config.Key}); loading, validation, help and writing back all read that
 * declaration.
 */
@NullMarked
package org.grpo4j.trainer.config;

import org.jspecify.annotations.NullMarked;
