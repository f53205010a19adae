package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Cases at the edges of TRL's loss, with TRL 1.13's own results, and cases that are not whole. */
class TrlLossVectorsTest {
  private static final String CASES =
      """
      {"cases": [
      {"name": "one token wide", "loss_type": "grpo", "importance_sampling_level": "token",
      "beta": 0.5, "epsilon_low": 0.2, "max_completion_length": 2, "ref_log_probs": [-0.75,
      -0.5], "shape": [2, 1, 2], "logits": [0.5, -0.5, 0.25, 0.0], "completion_ids": [0, 1],
      "completion_mask": [1, 0], "advantages": [1.0, -1.0], "old_log_probs": [-0.5, -0.25],
      "expected": {"loss": -0.5792802978316907, "log_probs": [-0.313261688, -0.82593942],
      "entropies": [0.582203109, 0.685395295], "dlogits": [0.023791869, -0.023791869, 0.0,
      0.0], "metrics": {"kl": 0.0711354157892159, "entropy": 0.633799201772806,
      "clip_ratio/low_mean": 0.5, "clip_ratio/high_mean": 0.5, "clip_ratio/region_mean": 1.0,
      "clip_ratio/low_min": 0.0, "clip_ratio/high_max": 1.0}}},
      {"name": "one token wide, sequences", "loss_type": "grpo",
      "importance_sampling_level": "sequence", "beta": 0.5, "epsilon_low": 0.2,
      "use_bias_correction_kl": true, "max_completion_length": 2, "ref_log_probs": [-0.75,
      -0.5], "shape": [2, 1, 2], "logits": [0.5, -0.5, 0.25, 0.0], "completion_ids": [0, 1],
      "completion_mask": [1, 0], "advantages": [1.0, -1.0], "old_log_probs": [-0.5, -0.25],
      "expected": {"loss": -0.5750262978890831, "log_probs": [-0.313261688, -0.82593942],
      "entropies": [0.582203109, 0.685395295], "dlogits": [0.035393085, -0.035393085, 0.0,
      0.0], "metrics": {"kl": 0.07964341567443112, "entropy": 0.633799201772806,
      "clip_ratio/low_mean": 0.0, "clip_ratio/high_mean": 0.5, "clip_ratio/region_mean": 0.5,
      "clip_ratio/low_min": 0.0, "clip_ratio/high_max": 1.0}}},
      {"name": "nothing trained", "loss_type": "grpo", "importance_sampling_level": "token",
      "epsilon_low": 0.2, "max_completion_length": 2, "shape": [2, 2, 2], "logits": [0.5,
      -0.5, 0.25, 0.0, 1.0, 0.0, 0.0, 2.0], "completion_ids": [0, 1, 1, 0],
      "completion_mask": [0, 0, 0, 0], "advantages": [1.0, -1.0], "old_log_probs": [-0.5,
      -0.75, -1.5, -2.0], "expected": {"loss": 0.0, "log_probs": [-0.313261688, -0.82593942,
      -1.313261688, -2.126928011], "entropies": [0.582203109, 0.685395295, 0.582203109,
      0.365333855], "dlogits": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
      "metrics": {"entropy": 0.0, "clip_ratio/low_mean": 0.0, "clip_ratio/high_mean": 0.0,
      "clip_ratio/region_mean": 0.0, "clip_ratio/low_min": NaN,
      "clip_ratio/high_max": NaN}}},
      {"name": "on policy, dropped", "loss_type": "grpo",
      "importance_sampling_level": "token", "epsilon_low": 0.2,
      "off_policy_mask_threshold": -0.5, "max_completion_length": 2, "shape": [2, 2, 2],
      "logits": [0.5, -0.5, 0.25, 0.0, 1.0, 0.0, 0.0, 2.0], "completion_ids": [0, 1, 1, 0],
      "completion_mask": [1, 1, 1, 0], "advantages": [1.0, -1.0], "expected": {"loss": -0.5,
      "log_probs": [-0.313261688, -0.82593942, -1.313261688, -2.126928011],
      "entropies": [0.582203109, 0.685395295, 0.582203109, 0.365333855],
      "dlogits": [-0.067235355, 0.067235355, 0.140544125, -0.140544125, 0.0, 0.0, 0.0, 0.0],
      "metrics": {"entropy": 0.61660050414461, "clip_ratio/low_mean": 0.0,
      "clip_ratio/high_mean": 0.0, "clip_ratio/region_mean": 0.0, "clip_ratio/low_min": 0.0,
      "clip_ratio/high_max": 0.0}}},
      {"name": "a ratio per sequence", "loss_type": "grpo",
      "importance_sampling_level": "token", "epsilon_low": 0.2, "max_completion_length": 2,
      "importance_sampling_ratio": [0.5, 2.0], "shape": [2, 2, 2], "logits": [0.5, -0.5,
      0.25, 0.0, 1.0, 0.0, 0.0, 2.0], "completion_ids": [0, 1, 1, 0], "completion_mask": [1,
      1, 1, 0], "advantages": [1.0, -1.0], "old_log_probs": [-0.5, -0.75, -1.5, -2.0],
      "expected": {"loss": 0.9394527843528182, "log_probs": [-0.313261688, -0.82593942,
      -1.313261688, -2.126928011], "entropies": [0.582203109, 0.685395295, 0.582203109,
      0.365333855], "dlogits": [0.0, 0.0, 0.065133232, -0.065133232, -0.881153552,
      0.881153552, 0.0, 0.0], "metrics": {"entropy": 0.61660050414461,
      "clip_ratio/low_mean": 0.0, "clip_ratio/high_mean": 0.3333333432674408,
      "clip_ratio/region_mean": 0.3333333432674408, "clip_ratio/low_min": 0.0,
      "clip_ratio/high_max": 0.5}}},
      {"name": "gspo-token", "loss_type": "grpo",
      "importance_sampling_level": "sequence_token", "epsilon_low": 0.2,
      "max_completion_length": 2, "shape": [2, 2, 2], "logits": [0.5, -0.5, 0.25, 0.0, 1.0,
      0.0, 0.0, 2.0], "completion_ids": [0, 1, 1, 0], "completion_mask": [1, 1, 1, 0],
      "advantages": [1.0, -1.0], "old_log_probs": [-0.5, -0.75, -1.5, -2.0],
      "expected": {"loss": 0.0741745492490411, "log_probs": [-0.313261688, -0.82593942,
      -1.313261688, -2.126928011], "entropies": [0.582203109, 0.685395295, 0.582203109,
      0.365333855], "dlogits": [-0.071065265, 0.071065265, 0.148549902, -0.148549902,
      -0.440576776, 0.440576776, 0.0, 0.0], "metrics": {"entropy": 0.61660050414461,
      "clip_ratio/low_mean": 0.0, "clip_ratio/high_mean": 0.0, "clip_ratio/region_mean": 0.0,
      "clip_ratio/low_min": 0.0, "clip_ratio/high_max": 0.0}}}
      ]}
      """;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .build();

  @TempDir Path folder;

  private RecordedReport check(JsonNode file) throws IOException {
    Path path = Files.writeString(folder.resolve("v.json"), MAPPER.writeValueAsString(file));
    assertTrue(new TrlLossVectors().accepts(path));
    return RecordedReport.of(new TrlLossVectors(), path);
  }

  /** The report of one case after a change to it. */
  private RecordedReport changed(String name, Consumer<ObjectNode> change) throws IOException {
    ObjectNode file = (ObjectNode) MAPPER.readTree(CASES);
    for (JsonNode vector : file.path("cases")) {
      if (vector.path("name").asText().equals(name)) {
        change.accept((ObjectNode) vector);
        return check(MAPPER.createObjectNode().set("cases", MAPPER.createArrayNode().add(vector)));
      }
    }
    throw new AssertionError("no case " + name);
  }

  private static ObjectNode expected(ObjectNode vector) {
    return (ObjectNode) vector.path("expected");
  }

  @Test
  void theEdgesAgree() throws IOException {
    RecordedReport report = check(MAPPER.readTree(CASES));
    assertEquals(List.of(), report.failed);
    assertEquals(List.of(), report.skipped);
    assertEquals(6, report.passed.size());
  }

  @Test
  void aLittleWrongFails() throws IOException {
    RecordedReport loss =
        changed("gspo-token", v -> expected(v).put("loss", 0.0741745492490411 + 2e-5));
    assertTrue(loss.failed.get(0).contains("expected loss = "), loss.failed.toString());
    RecordedReport metric =
        changed(
            "nothing trained", v -> ((ObjectNode) expected(v).path("metrics")).put("entropy", 1));
    assertTrue(metric.failed.get(0).contains("expected entropy = 1.0"), metric.failed.toString());
  }

  @Test
  void whatIsNotComputedKeepsACaseFromPassing() throws IOException {
    assertEquals(
        List.of("gspo-token: agrees, but without [grad_norm]"),
        changed("gspo-token", v -> expected(v).put("grad_norm", 1)).skipped);
    assertEquals(
        List.of("gspo-token: agrees, but without [loss (NaN in the reference)]"),
        changed("gspo-token", v -> expected(v).put("loss", Double.NaN)).skipped);
    RecordedReport unknown = changed("gspo-token", v -> v.put("loss_type", "next"));
    assertTrue(unknown.skipped.get(0).contains("loss_type next is not one of"));
    RecordedReport level = changed("gspo-token", v -> v.put("importance_sampling_level", "word"));
    assertTrue(level.skipped.get(0).contains("importance_sampling_level word is not one of"));
  }

  @Test
  void aFailureNamesTheFieldsThatNothingReads() throws IOException {
    RecordedReport report =
        changed(
            "gspo-token",
            v -> {
              v.put("gradient_accumulation_steps", 2);
              expected(v).put("loss", 0.037);
            });
    assertTrue(
        report.failed.get(0).endsWith("not read: [gradient_accumulation_steps]"),
        report.failed.toString());
    assertFalse(changed("gspo-token", v -> v.put("seed", 2)).passed.isEmpty());
  }

  @Test
  void whatIsMissingOrNoNumberIsNamed() throws IOException {
    assertNamed("field loss is missing", v -> expected(v).remove("loss"));
    assertNamed("field dlogits is missing", v -> expected(v).remove("dlogits"));
    assertNamed("field advantages is missing", v -> v.remove("advantages"));
    assertNamed("field epsilon_low is \"0.2\": want a number", v -> v.put("epsilon_low", "0.2"));
    assertNamed(
        "field advantages has null at 0: want numbers",
        v -> v.putArray("advantages").addNull().add(1));
    assertNamed("field shape has 2 values", v -> v.putArray("shape").add(2).add(2));
  }

  private void assertNamed(String what, Consumer<ObjectNode> change) throws IOException {
    RecordedReport report = changed("gspo-token", change);
    assertEquals(1, report.failed.size());
    assertTrue(report.failed.get(0).contains(what), report.failed.toString());
  }

  @Test
  void aMaskMayBeOfBooleans() throws IOException {
    RecordedReport report =
        changed(
            "gspo-token",
            v -> v.putArray("completion_mask").add(true).add(true).add(true).add(false));
    assertEquals(List.of(), report.failed);
  }
}
