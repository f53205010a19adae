package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.recipe.ServeRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What decoding requests together is worth: the same requests one by one and at once, in turns on
 * one server. Prints tokens per second; run with -Dgroups.excluded= on idle cores.
 */
@Tag("long")
class ServeThroughputTest {
  private static final int REQUESTS = 16;
  private static final int TOKENS = 100;
  private static final int ROUNDS = 3;

  private final HttpClient client = HttpClient.newHttpClient();

  private HttpRequest request(ServeRun run, int i) {
    // A bias to one token that ends nothing: every request has its full length.
    String body =
        "{\"model\": \"embedded\", \"prompt\": \"%s\", \"temperature\": 0, \"max_tokens\": %d,"
            + " \"logit_bias\": {\"97\": 100}}";
    return HttpRequest.newBuilder(URI.create(run.baseUrl() + "/completions"))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.formatted("weather ".repeat(1 + i), TOKENS)))
        .build();
  }

  private static int tokens(HttpResponse<String> response) {
    try {
      return new ObjectMapper().readTree(response.body()).at("/usage/completion_tokens").asInt();
    } catch (IOException e) {
      throw new IllegalStateException(response.body(), e);
    }
  }

  private double oneByOne(ServeRun run) throws IOException, InterruptedException {
    long start = System.nanoTime();
    int tokens = 0;
    for (int i = 0; i < REQUESTS; i++) {
      tokens += tokens(client.send(request(run, i), HttpResponse.BodyHandlers.ofString()));
    }
    return tokens / ((System.nanoTime() - start) / 1e9);
  }

  private double atOnce(ServeRun run) {
    long start = System.nanoTime();
    List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      all.add(client.sendAsync(request(run, i), HttpResponse.BodyHandlers.ofString()));
    }
    int tokens = all.stream().mapToInt(each -> tokens(each.join())).sum();
    return tokens / ((System.nanoTime() - start) / 1e9);
  }

  @Test
  void sixteenAtOnceAgainstOneByOne() throws IOException, InterruptedException {
    List<String> settings = List.of("port=0", "num_threads=1", "log_requests=false");
    PrintStream messages = System.err;
    try (ServeRun run = ServeRun.start(ConfigLoader.SERVE.load(null, settings), messages)) {
      double[] alone = new double[ROUNDS];
      double[] together = new double[ROUNDS];
      for (int round = -1; round < ROUNDS; round++) {
        double one = oneByOne(run);
        double all = atOnce(run);
        if (round >= 0) {
          alone[round] = one;
          together[round] = all;
        }
      }
      Arrays.sort(alone);
      Arrays.sort(together);
      double ratio = together[ROUNDS / 2] / alone[ROUNDS / 2];
      System.out.printf(
          "tokens/s, medians of %d: one by one %.0f, %d at once %.0f, ratio %.2f%n",
          ROUNDS, alone[ROUNDS / 2], REQUESTS, together[ROUNDS / 2], ratio);
      assertTrue(ratio > 2, "ratio " + ratio);
    }
  }
}
