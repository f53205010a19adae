package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.KvCache;
import org.grpo4j.torch.PromptBatch;

/**
 * Compares a decoder with what transformers computed from the same folder: {@code reference.json}
 * beside {@code config.json} and safetensors.
 */
public final class ModelVectors implements VectorChecker {
  private static final double LOGITS_TOLERANCE = 1e-4;
  private static final double GRADIENT_TOLERANCE = 1e-3;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @Override
  public boolean accepts(Path file) throws IOException {
    String name = String.valueOf(file.getFileName());
    if (!name.endsWith(".json") || !Files.exists(file.resolveSibling("config.json"))) {
      return false;
    }
    try {
      JsonNode json = MAPPER.readTree(Files.readAllBytes(file));
      return json.has("greedy_continuation") && json.has("last_logits_row0");
    } catch (JsonProcessingException e) {
      return false; // Not a file of this format; whoever owns it reports what is wrong with it.
    }
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    JsonNode reference = MAPPER.readTree(Files.readAllBytes(file));
    Path folder = file.toAbsolutePath().resolveSibling("");
    try (PointerScope scope = new PointerScope();
        DecoderModel model = DecoderModel.load(folder, true)) {
      Run run = new Run(file, reference, model, report);
      run.checkForward();
      run.checkGreedy();
    }
  }

  /** One model with its reference. */
  private record Run(Path file, JsonNode reference, DecoderModel model, CheckReport report) {

    void checkForward() {
      Tensor ids = matrix(reference.path("input_ids"));
      Tensor mask = matrix(reference.path("attention_mask"));
      long length = ids.size(1);
      Tensor logits = model.logits(model.hidden(ids, mask));
      for (int row = 0; reference.has("last_logits_row" + row); row++) {
        compare(
            "last_logits_row" + row,
            numbers(reference.path("last_logits_row" + row)),
            floats(logits.select(0, row).select(0, length - 1)),
            LOGITS_TOLERANCE);
      }
      checkLogitSums(logits, mask);
      Tensor loss = crossEntropy(firstRow(logits), firstRow(ids), firstRow(mask));
      compare(
          "cross_entropy",
          new double[] {reference.path("cross_entropy").asDouble()},
          new double[] {loss.item_float()},
          LOGITS_TOLERANCE);
      loss.backward();
      checkGradients();
    }

    /** Sums over the vocabulary at every token; what stands at padding is nobody's business. */
    private void checkLogitSums(Tensor logits, Tensor mask) {
      if (!reference.has("logits_sum")) {
        return;
      }
      float[] sums = toFloats(logits.sum(2).reshape(-1));
      float[] scale = toFloats(logits.abs().sum(2).reshape(-1));
      long[] tokens = toLongs(mask.reshape(-1));
      double worst = 0;
      int at = 0;
      int i = 0;
      double[] expected = new double[sums.length];
      for (JsonNode row : reference.path("logits_sum")) {
        for (JsonNode value : row) {
          expected[i] = value.asDouble();
          double error = Math.abs(expected[i] - sums[i]) / scale[i];
          if (tokens[i] != 0 && error > worst) {
            worst = error;
            at = i;
          }
          i++;
        }
      }
      verdict("logits_sum", worst, LOGITS_TOLERANCE, expected[at], sums[at]);
    }

    /** The reference takes its cross entropy and gradients from the unpadded row 0 alone. */
    private static Tensor firstRow(Tensor tensor) {
      return tensor.narrow(0, 0, 1).contiguous();
    }

    /** Mean over the tokens that follow a token of their own sequence. */
    private static Tensor crossEntropy(Tensor logits, Tensor ids, Tensor mask) {
      long length = ids.size(1);
      Tensor logProbs = torch.log_softmax(logits.narrow(1, 0, length - 1), -1);
      Tensor targets = ids.narrow(1, 1, length - 1).unsqueeze(2);
      Tensor chosen = logProbs.gather(2, targets).squeeze(2);
      Tensor counted =
          mask.narrow(1, 1, length - 1).mul(mask.narrow(1, 0, length - 1)).to(ScalarType.Float);
      return chosen.mul(counted).sum().div(counted.sum()).neg();
    }

    private void checkGradients() {
      for (Map.Entry<String, JsonNode> each : reference.path("grad_norm_and_sum").properties()) {
        String name = each.getKey();
        Tensor parameter = model.parameters().get(name);
        String caseName = "grad " + name;
        if (parameter == null) {
          report.failed(file, caseName, "a parameter of this name", "none");
          continue;
        }
        Tensor gradient = parameter.grad().to(ScalarType.Double);
        double norm = each.getValue().get(0).asDouble();
        double sum = each.getValue().get(1).asDouble();
        double gotNorm = gradient.norm().item_double();
        double gotSum = gradient.sum().item_double();
        // A sum cancels; its error is measured against the norm where that is larger.
        double error =
            Math.max(
                Math.abs(norm - gotNorm) / Math.abs(norm),
                Math.abs(sum - gotSum) / Math.max(Math.abs(sum), Math.abs(norm)));
        boolean zero = norm == 0 && gotNorm == 0;
        if (zero || error <= GRADIENT_TOLERANCE) {
          report.passed(file, caseName);
        } else {
          report.failed(
              file, caseName, norm + " (norm), " + sum + " (sum)", gotNorm + ", " + gotSum);
        }
      }
    }

    /** Continues row 0 with the most likely token, through the cache. */
    void checkGreedy() {
      long[] expected =
          Arrays.stream(numbers(reference.path("greedy_continuation")))
              .mapToLong(Math::round)
              .toArray();
      Tensor ids = firstRow(matrix(reference.path("input_ids")));
      Tensor mask = firstRow(matrix(reference.path("attention_mask")));
      PromptBatch prompt = new PromptBatch(ids, mask, torch.tensor(new long[] {0}));
      List<Long> got = new ArrayList<>();
      try (KvCache cache = model.prefill(prompt, expected.length)) {
        Tensor logits = cache.firstLogits();
        while (true) {
          long token = logits.argmax().item_long();
          got.add(token);
          if (got.size() == expected.length) {
            break;
          }
          logits = model.step(cache, torch.tensor(new long[] {token}));
        }
      }
      List<Long> wanted = Arrays.stream(expected).boxed().toList();
      if (got.equals(wanted)) {
        report.passed(file, "greedy_continuation");
      } else {
        report.failed(file, "greedy_continuation", wanted.toString(), got.toString());
      }
    }

    /** Relative to the largest expected value. */
    private void compare(String caseName, double[] expected, double[] got, double tolerance) {
      if (expected.length != got.length) {
        report.failed(file, caseName, expected.length + " values", got.length + " values");
        return;
      }
      double scale = Arrays.stream(expected).map(Math::abs).max().orElse(1);
      double worst = 0;
      int at = 0;
      for (int i = 0; i < expected.length; i++) {
        double error = Math.abs(expected[i] - got[i]) / scale;
        if (!(error <= worst)) {
          worst = error;
          at = i;
        }
      }
      verdict(caseName, worst, tolerance, expected[at], got[at]);
    }

    private void verdict(
        String caseName, double error, double tolerance, double expected, double got) {
      if (error <= tolerance) {
        report.passed(file, caseName);
      } else {
        report.failed(file, caseName, String.valueOf(expected), String.valueOf(got));
      }
    }
  }

  private static Tensor matrix(JsonNode rows) {
    int width = rows.get(0).size();
    long[] values = new long[rows.size() * width];
    int i = 0;
    for (JsonNode row : rows) {
      for (JsonNode value : row) {
        values[i++] = value.asLong();
      }
    }
    return torch.tensor(values).view(rows.size(), width);
  }

  private static double[] numbers(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asDouble();
    }
    return values;
  }

  private static double[] floats(Tensor vector) {
    float[] values = toFloats(vector);
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private static float[] toFloats(Tensor vector) {
    Tensor contiguous = vector.detach().contiguous();
    float[] values = new float[(int) contiguous.numel()];
    contiguous.data_ptr_float().get(values);
    return values;
  }

  private static long[] toLongs(Tensor vector) {
    Tensor contiguous = vector.contiguous();
    long[] values = new long[(int) contiguous.numel()];
    contiguous.data_ptr_long().get(values);
    return values;
  }
}
