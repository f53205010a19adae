/** What a run leaves behind and shows: its folder, metrics, completions, summary and report. */
@NullMarked
package org.grpo4j.trainer.report;

import org.jspecify.annotations.NullMarked;
