package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Files of loss vectors, told apart by the fields that name their program's settings. */
abstract class LossVectorChecker implements VectorChecker {
  /** Of every loss vector, see {@link LossVector}. */
  private static final List<String> SHARED = List.of("logits", "completion_mask", "expected");

  private final String[] fields;

  /**
   * @param own fields that the cases of this program alone have
   */
  LossVectorChecker(String... own) {
    fields = Stream.concat(Stream.of(own), SHARED.stream()).toArray(String[]::new);
  }

  @Override
  public final boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, fields);
  }

  @Override
  public final boolean usesKernels() {
    return true;
  }

  @Override
  public final void check(Path file, CheckReport report) throws IOException {
    VectorFiles.forEachCase(file, report, (index, vector) -> checkCase(file, vector, report));
  }

  /** Reports one case. */
  abstract void checkCase(Path file, JsonNode vector, CheckReport report);
}
