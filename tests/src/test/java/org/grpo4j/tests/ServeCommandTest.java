package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.grpo4j.trainer.cli.Main;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process that serves the embedded checkpoint, and Ctrl-C. */
class ServeCommandTest {
  private static final int SECONDS = 300;

  /** One token again and again: 32 choices for each prompt, a second or more of work. */
  private static final String REQUEST =
      "{\"model\": \"embedded\", \"prompt\": %s, \"stream\": true, \"temperature\": 0,"
          + " \"logit_bias\": {\"97\": 100}, \"max_tokens\": 500, \"n\": 32}";

  @TempDir Path folder;
  private Path errors;
  private Process process;
  private String url;

  @BeforeEach
  void start() throws IOException {
    errors = folder.resolve("err.txt");
    process =
        new ProcessBuilder(
                // Where the tests run in the background of a script, Ctrl-C is ignored, and what is
                // ignored is inherited: without this the second test waited for ever.
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName(),
                "serve",
                "--model",
                "embedded",
                "port=0",
                "num_threads=1",
                "drain_seconds=" + SECONDS)
            .redirectError(errors.toFile())
            .start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = String.valueOf(out.readLine());
    assertTrue(line.startsWith("serving embedded at http://127.0.0.1:"), line);
    url = line.replaceAll(".* at (\\S+),.*", "$1");
  }

  @AfterEach
  void stop() {
    process.destroyForcibly();
  }

  private void interrupt() throws IOException, InterruptedException {
    assertEquals(0, new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor());
  }

  private Stream<String> stream(int prompts) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/completions"))
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    REQUEST.formatted(Collections.nCopies(prompts, "\"a\""))))
            .build();
    HttpResponse<Stream<String>> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofLines());
    assertEquals(200, response.statusCode());
    return response.body();
  }

  @Test
  void ctrlCLetsARequestEnd() throws IOException, InterruptedException {
    try (Stream<String> lines = stream(1)) {
      Iterator<String> events = lines.iterator();
      String last = events.next();
      interrupt();
      while (events.hasNext()) {
        String line = events.next();
        last = line.isEmpty() ? last : line;
      }
      assertEquals("data: [DONE]", last);
    }
    assertTrue(process.waitFor(SECONDS, TimeUnit.SECONDS), "still alive");
    assertEquals(130, process.exitValue(), Files.readString(errors));
    assertTrue(Files.readString(errors).contains("32 sequences"), Files.readString(errors));
  }

  @Test
  void theSecondCtrlCEndsAtOnce() throws IOException, InterruptedException {
    try (Stream<String> lines = stream(8)) {
      Iterator<String> events = lines.iterator();
      assertTrue(events.hasNext());
      interrupt();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!Files.readString(errors).contains("Ctrl-C again")) {
        assertTrue(process.isAlive());
        assertTrue(System.nanoTime() < deadline, "the first Ctrl-C had no answer");
        Thread.sleep(10);
      }
      interrupt();
      // 128,000 tokens take longer than the two signals: it did not wait for their end.
      assertThrows(UncheckedIOException.class, () -> events.forEachRemaining(event -> {}));
      assertTrue(process.waitFor(SECONDS, TimeUnit.SECONDS), "still alive");
    }
    assertEquals(130, process.exitValue());
  }

  @Test
  void aPortThatIsTakenIsOneLine() {
    int port = URI.create(url).getPort();
    CommandLineRun second = CommandLineRun.of("serve", "port=" + port, "num_threads=1");
    assertEquals(2, second.status(), second.err());
    String line = second.err().lines().reduce((a, b) -> b).orElse("");
    assertTrue(line.startsWith("grpo4j: cannot listen on 127.0.0.1:" + port), line);
    assertFalse(second.err().contains("\tat "), second.err());
  }
}
