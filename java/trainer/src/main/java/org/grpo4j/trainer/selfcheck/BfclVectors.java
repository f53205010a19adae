package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.benchmark.BfclData;
import org.grpo4j.trainer.benchmark.BfclJudge;
import org.grpo4j.trainer.benchmark.BfclQuestion;
import org.grpo4j.trainer.benchmark.PromptFormat;
import org.grpo4j.trainer.benchmark.Verdict;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonValues;

/**
 * BFCL's verdicts on calls; fields id, category, output, valid, error_type. The questions are not
 * in the vectors: they are read from the folder {@code data/bfcl_v4} beside them or above.
 */
public final class BfclVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, "id", "category", "output", "valid", "error_type");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    Optional<Path> folder = questionsNear(file);
    if (folder.isEmpty()) {
      int[] cases = new int[1];
      VectorFiles.forEachCase(file, report, (index, vector) -> cases[0]++);
      report.skipped(file, cases[0] + " cases", "no folder data/bfcl_v4 beside the vectors");
      return;
    }
    BfclData data = BfclData.of(folder.get());
    Map<String, Map<String, BfclQuestion>> questions = new HashMap<>();
    VectorFiles.forEachCase(
        file,
        report,
        (index, vector) -> {
          String category = VectorFiles.need(vector, "category").asText();
          String id = VectorFiles.need(vector, "id").asText();
          BfclQuestion question = questions.computeIfAbsent(category, c -> byId(data, c)).get(id);
          String name = "case " + index + " " + id + " " + vector.path("mutation").asText();
          if (question == null) {
            report.failed(file, name, "a question of that id", "none in " + folder.get());
          } else {
            checkCase(file, name, vector, question, report);
          }
        });
  }

  private static Map<String, BfclQuestion> byId(BfclData data, String category) {
    return data.questions(category).stream()
        .collect(Collectors.toMap(BfclQuestion::id, Function.identity(), (a, b) -> a));
  }

  private static Optional<Path> questionsNear(Path file) {
    for (Path at = file.toAbsolutePath().getParent(); at != null; at = at.getParent()) {
      Path folder = at.resolve("data").resolve("bfcl_v4");
      if (Files.isDirectory(folder)) {
        return Optional.of(folder);
      }
    }
    return Optional.empty();
  }

  private static void checkCase(
      Path file, String name, JsonNode vector, BfclQuestion question, CheckReport report) {
    Verdict got = verdict(question, VectorFiles.need(vector, "output"));
    boolean valid = VectorFiles.need(vector, "valid").asBoolean();
    JsonNode errorType = VectorFiles.need(vector, "error_type");
    // Null says nothing of a wrong answer: the reference program gave no type.
    String wanted = errorType.isNull() ? got.errorType() : errorType.asText();
    if (valid == got.valid() && (valid || Objects.equals(wanted, got.errorType()))) {
      report.passed(file, name);
    } else {
      report.failed(
          file,
          name,
          valid ? "right" : "wrong: " + errorType.asText(),
          got.valid() ? "right" : "wrong: " + got.errorType() + ", " + got.message());
    }
  }

  /** An output is decoded calls, or a model's text in BFCL's prompting mode. */
  private static Verdict verdict(BfclQuestion question, JsonNode output) {
    if (output.isTextual()) {
      return new BfclJudge(PromptFormat.PROMPT, false).judge(question, output.asText()).verdict();
    }
    try {
      // Python's numbers: 1 and 1.0 are different types there.
      return BfclJudge.judge(question, PythonValues.elements(PythonJson.parse(output.toString())));
    } catch (PythonError e) {
      throw new InputException(
          "output is neither a text nor a list of calls: " + e.getMessage(), e);
    }
  }
}
