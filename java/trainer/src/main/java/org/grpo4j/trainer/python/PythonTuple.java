package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A tuple: never equal to a list of the same items. */
public record PythonTuple(List<@Nullable Object> items) {
  /** Copies the items; None is among the values that they may have. */
  public PythonTuple {
    items = Collections.unmodifiableList(new ArrayList<>(items));
  }
}
