/**
 * Sampling of conversations: turns of the policy, answers of an environment, what stands between.
 */
@NullMarked
package org.grpo4j.trainer.conversation;

import org.jspecify.annotations.NullMarked;
