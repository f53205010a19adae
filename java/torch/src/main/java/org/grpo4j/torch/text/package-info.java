/** Text around a checkpoint: tokenizer, chat template, generation settings, their files. */
@NullMarked
package org.grpo4j.torch.text;

import org.jspecify.annotations.NullMarked;
