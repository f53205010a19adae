package org.grpo4j.torch;

import com.fasterxml.jackson.core.JacksonException;

/** What is wrong with a JSON or YAML text, for the one line of an {@link InputException}. */
public final class JsonProblem {
  private JsonProblem() {}

  /** Jackson's words without the Java details that it adds: its sources and its further lines. */
  public static String of(JacksonException e) {
    String first = e.getOriginalMessage().lines().findFirst().orElse("unreadable");
    return first.replaceAll("\\[Source: [^;\\]]*; ", "[");
  }
}
