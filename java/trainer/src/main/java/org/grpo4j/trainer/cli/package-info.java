/** The command line: parsing, what is printed, exit statuses. */
@NullMarked
package org.grpo4j.trainer.cli;

import org.jspecify.annotations.NullMarked;
