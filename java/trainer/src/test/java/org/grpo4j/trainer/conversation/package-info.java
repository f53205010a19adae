/** Tests of conversations with a script in place of the model. */
@org.jspecify.annotations.NullMarked
package org.grpo4j.trainer.conversation;
