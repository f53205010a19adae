/** Tests of the environments and of reading calls. */
@org.jspecify.annotations.NullMarked
package org.grpo4j.trainer.environment;
