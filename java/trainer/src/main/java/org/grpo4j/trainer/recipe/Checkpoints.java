package org.grpo4j.trainer.recipe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.stream.Stream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.RunIoException;
import org.jspecify.annotations.Nullable;

/**
 * Checkpoints of a run: folders that transformers loads, with the optimizer and the run's counters
 * beside the weights. A folder appears under its name only when it is whole.
 */
final class Checkpoints {
  private static final String OPTIMIZER = "optimizer.pt";
  private static final String STATE = "trainer_state.json";
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Checkpoints() {}

  /** Saves the policy, the optimizer and the counters as one folder. */
  static Path save(RunDirectory run, Policy policy, PolicyOptimizer optimizer, TrainerState state) {
    Path target = run.checkpoint(state.step());
    Path partial = target.resolveSibling(target.getFileName() + ".partial");
    try {
      delete(partial);
      Files.createDirectories(partial);
      policy.save(partial);
      optimizer.save(partial.resolve(OPTIMIZER));
      MAPPER.writeValue(partial.resolve(STATE).toFile(), state);
      delete(target);
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      return target;
    } catch (IOException e) {
      throw new RunIoException(target, e);
    }
  }

  /** Deletes the oldest checkpoints beyond the limit; null keeps all. */
  static void keep(RunDirectory run, @Nullable Integer limit) {
    if (limit != null) {
      run.keepCheckpoints(limit);
    }
  }

  /** Reads the counters of a checkpoint folder. */
  static TrainerState readState(Path checkpoint) {
    Path file = checkpoint.resolve(STATE);
    try {
      return MAPPER.readValue(file.toFile(), TrainerState.class);
    } catch (IOException e) {
      throw new InputException(
          file + ": not a readable trainer state, so the run cannot be resumed from it", e);
    }
  }

  /** Puts a checkpoint's moments into an optimizer of the same model. */
  static void readOptimizer(Path checkpoint, PolicyOptimizer optimizer) {
    optimizer.load(checkpoint.resolve(OPTIMIZER));
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    try (Stream<Path> entries = Files.walk(tree)) {
      for (Path p : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(p);
      }
    }
  }
}
