package org.grpo4j.trainer.task;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.trainer.data.Example;

/** The checkpoints kept in the project, and what they are made from. */
public final class EmbeddedCheckpoint {
  private static final String RESOURCES = "/org/grpo4j/trainer/";

  /** Files that the two checkpoints share; their weights differ. */
  private static final List<String> SHARED =
      List.of("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json");

  private static final String WEIGHTS = "model.safetensors";

  private EmbeddedCheckpoint() {}

  /**
   * Copies the kept checkpoint into a folder, which is then a Hugging Face checkpoint.
   *
   * @param folder created where absent; files of these names in it are replaced
   */
  public static void extractTo(Path folder) throws IOException {
    extract("embedded/", folder);
  }

  /** The same for the checkpoint of the multi-turn task: other weights, everything else equal. */
  public static void extractMultiTurnTo(Path folder) throws IOException {
    extract("embedded-multi-turn/", folder);
  }

  private static void extract(String weights, Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String file : SHARED) {
      copy("embedded/" + file, folder.resolve(file));
    }
    copy(weights + WEIGHTS, folder.resolve(WEIGHTS));
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in = EmbeddedCheckpoint.class.getResourceAsStream(RESOURCES + resource)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + RESOURCES + resource);
      }
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /**
   * Writes all of the checkpoint but its weights: the tokenizer, learnt anew, and the shape. With
   * {@code from_scratch=true}, {@code sft} trains the weights.
   */
  public static void writeWithoutWeights(Path folder, long seed) throws IOException {
    BpeTrainer.Vocabulary vocabulary = EmbeddedTokenizer.train(seed);
    EmbeddedTokenizer.write(vocabulary, folder);
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    Files.writeString(
        folder.resolve("config.json"),
        mapper.writeValueAsString(EmbeddedModel.config(vocabulary)) + "\n");
  }

  /**
   * Writes the task as data files that {@code train_file} and {@code eval_file} accept: warm-start
   * rows, prompts of reinforcement learning, and held-out prompts of each wording; and the same of
   * the multi-turn task in the folder multi-turn.
   *
   * @param rows of warm-start.jsonl and of train.jsonl, each
   * @param heldOut rows of each held-out file
   */
  public static void writeData(Path folder, int rows, int heldOut, long seed) throws IOException {
    Files.createDirectories(folder);
    write(folder.resolve("warm-start.jsonl"), EmbeddedTask.warmStart(rows, seed));
    write(folder.resolve("train.jsonl"), EmbeddedTask.trainPrompts(rows, seed));
    for (PhrasingSet phrasings : PhrasingSet.values()) {
      String name = "held-out-" + phrasings.name().toLowerCase(Locale.ROOT) + ".jsonl";
      write(folder.resolve(name), EmbeddedTask.heldOut(phrasings, heldOut, seed));
    }
    Path multiTurn = Files.createDirectories(folder.resolve("multi-turn"));
    write(multiTurn.resolve("warm-start.jsonl"), HouseTask.warmStart(rows, seed));
    write(multiTurn.resolve("train.jsonl"), HouseTask.trainPrompts(rows, seed));
    for (PhrasingSet phrasings : PhrasingSet.values()) {
      String name = "held-out-" + phrasings.name().toLowerCase(Locale.ROOT) + ".jsonl";
      write(multiTurn.resolve(name), HouseTask.heldOut(phrasings, heldOut, seed));
    }
  }

  private static void write(Path file, List<Example> examples) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (Example e : examples) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("id", e.id());
        row.put("prompt", e.messages());
        row.put("completion", e.answer());
        row.putAll(e.extra());
        out.write(mapper.writeValueAsString(row));
        out.write('\n');
      }
    }
  }
}
