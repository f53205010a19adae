/**
 * The part of Jinja that chat templates use, with Python's semantics.
 *
 * <p>Why not a library: the JVM's Jinja engines follow Java where the two differ, and do it
 * silently. A missing message content is written as "null", {@code for x in y if z} ignores its
 * condition, {@code none} prints as nothing and {@code '1' == 1} holds. In a prompt each of these
 * is a wrong token sequence that nobody sees. Here what is not supported is an error that names it.
 */
@NullMarked
package org.grpo4j.torch.text.jinja;

import org.jspecify.annotations.NullMarked;
