package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Files of loss vectors, told apart by the fields that name their program's settings. */
abstract class LossVectorChecker implements VectorChecker {
  /** Of every loss vector, see {@link LossVector}. */
  private static final List<String> SHARED = List.of("logits", "completion_mask", "expected");

  private static final Set<String> OPTIONAL =
      Set.of(
          "name",
          "shape",
          "completion_ids",
          "advantages",
          "old_log_probs",
          "ref_log_probs",
          "temperature");

  private final Set<String> own;
  private final Set<String> settings;

  /**
   * @param own fields that the cases of this program alone have
   * @param settings further fields that are read
   */
  LossVectorChecker(Set<String> own, Set<String> settings) {
    this.own = own;
    this.settings = settings;
  }

  @Override
  public final boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(
        file, Stream.concat(own.stream(), SHARED.stream()).toArray(String[]::new));
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

  /** Whether a field has one of the words that this program knows; if not the case is skipped. */
  static boolean known(
      Path file, JsonNode vector, String field, List<String> words, CheckReport report) {
    String word = VectorFiles.need(vector, field).asText();
    if (words.contains(word)) {
      return true;
    }
    report.skipped(file, name(vector), field + " " + word + " is not one of " + words);
    return false;
  }

  private static String name(JsonNode vector) {
    return vector.path("name").asText();
  }

  /**
   * The comparison of a case; a failure names the fields that nothing here reads.
   *
   * @param magnitude of the log-probs behind the loss, see {@link LossVector#magnitude}
   */
  final LossComparison comparison(
      Path file, JsonNode vector, double magnitude, CheckReport report) {
    List<String> unread =
        vector.properties().stream()
            .map(Map.Entry::getKey)
            .filter(field -> !own.contains(field) && !settings.contains(field))
            .filter(field -> !SHARED.contains(field) && !OPTIONAL.contains(field))
            .toList();
    return new LossComparison(report, file, name(vector), magnitude, unread);
  }
}
