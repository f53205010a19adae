package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TorchCuda;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.RunDirectory;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with what a user gave is one line that names it, and exit status 2. */
class BadInputTest {
  private static final String ROW =
      "{\"prompt\": [{\"role\": \"user\", \"content\": \"Is it late?\"}], \"completion\": \"Yes.\"}\n";

  @TempDir Path folder;
  private Path checkpoint;
  private Path output;

  @BeforeEach
  void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.copyTo(folder.resolve("tiny"));
    output = folder.resolve("run");
  }

  private CommandLineRun train(String... more) {
    List<String> arguments = new ArrayList<>(TinyCheckpoint.trainSettings(checkpoint, output));
    arguments.addAll(Arrays.asList(more));
    return CommandLineRun.of(arguments);
  }

  /** Status 2, and one line with all the words. */
  private static void assertOneLine(CommandLineRun run, String... words) {
    assertEquals(2, run.status(), run.err());
    // generate says there what it computes on: its standard output is for completions.
    List<String> lines = run.err().lines().filter(l -> !l.startsWith("kernels: ")).toList();
    assertEquals(1, lines.size(), run.err());
    assertTrue(lines.get(0).startsWith("grpo4j: "), run.err());
    for (String word : words) {
      assertTrue(lines.get(0).contains(word), () -> "'" + word + "' is not in: " + run.err());
    }
  }

  @Test
  void misspeltKey() throws IOException {
    assertOneLine(train("max_step=3"), "'max_step'", "did you mean 'max_steps'");
    Path file = Files.writeString(folder.resolve("my.yaml"), "temprature: 1\n");
    assertOneLine(
        CommandLineRun.of("train", "--config", file.toString()), "my.yaml", "'temperature'");
    assertFalse(Files.exists(output));
  }

  /** Before anything is written or loaded, and with what to do about it. */
  @Test
  void aDeviceOrBackendThatIsNotHere() {
    assertOneLine(train("device=gpu"), "device=gpu: want cpu, cuda or cuda:N");
    assertOneLine(train("backend=opencl"), "backend=opencl", "cuda-emulated");
    if (!TorchCuda.isAvailable()) {
      assertOneLine(train("device=cuda:1"), "device=cuda:1: ", TorchCuda.unavailableCause());
      assertOneLine(
          CommandLineRun.of("compare", "device=cuda", "output_dir=" + output), "device=cuda:0: ");
      assertOneLine(
          CommandLineRun.of("generate", "device=cuda", "prompt=x"), TorchCuda.unavailableCause());
      CommandLineRun dry = train("device=cuda", "--dry-run");
      assertEquals(0, dry.status(), dry.err());
      assertTrue(
          dry.out().contains("# device cuda:0, backend auto: not on this machine; "), dry.out());
    }
    if (!Backend.CUDA.isAvailable()) {
      assertOneLine(train("backend=cuda"), "backend=cuda: ", Backend.CUDA.unavailableCause());
    }
    assertFalse(Files.exists(output));
  }

  @Test
  void missingFolder() {
    assertOneLine(train("model_name_or_path=" + folder.resolve("none")), "none", "no folder");
  }

  @Test
  void missingWeights() throws IOException {
    Files.delete(checkpoint.resolve("model.safetensors"));
    assertOneLine(train(), checkpoint.toString(), "model.safetensors");
  }

  @Test
  void missingShard() throws IOException {
    Files.move(checkpoint.resolve("model.safetensors"), checkpoint.resolve("a.safetensors"));
    Files.writeString(
        checkpoint.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"model.norm.weight\": \"b.safetensors\"}}");
    assertOneLine(train(), "b.safetensors");
  }

  @Test
  void truncatedWeights() throws IOException {
    Path weights = checkpoint.resolve("model.safetensors");
    long size = Files.size(weights);
    // In the last tensor, in the header, in the length of the header.
    for (long keep : new long[] {size - 5, 100, 3}) {
      try (FileChannel channel = FileChannel.open(weights, StandardOpenOption.WRITE)) {
        channel.truncate(keep);
      }
      assertOneLine(train(), "model.safetensors", "truncated");
    }
  }

  @Test
  void wrongShape() throws IOException {
    ObjectNode config = TinyCheckpoint.object(checkpoint.resolve("config.json"));
    config.put("intermediate_size", 48);
    TinyCheckpoint.MAPPER.writeValue(checkpoint.resolve("config.json").toFile(), config);
    assertOneLine(train(), "model.safetensors", "mlp.down_proj", "[32, 64]", "[32, 48]");
  }

  @Test
  void unknownArchitecture() throws IOException {
    ObjectNode config = TinyCheckpoint.object(checkpoint.resolve("config.json"));
    config.putArray("architectures").add("MambaForCausalLM");
    config.put("model_type", "mamba");
    TinyCheckpoint.MAPPER.writeValue(checkpoint.resolve("config.json").toFile(), config);
    assertOneLine(train(), "config.json", "Mamba", "Qwen3");
  }

  @Test
  void malformedRow() throws IOException {
    Path rows = folder.resolve("rows.jsonl");
    for (String bad : List.of("{\"prompt\": [", "[1, 2]", "{\"question\": 1}", "{\"prompt\": 5}")) {
      Files.writeString(rows, ROW + ROW + bad + "\n" + ROW);
      assertOneLine(train("train_file=" + rows), "rows.jsonl", "3");
    }
    Path array = Files.writeString(folder.resolve("rows.json"), "[\n" + ROW + ",\n{\"a\": }]\n");
    assertOneLine(train("train_file=" + array), "rows.json", "4");
    Path parquet = Files.writeString(folder.resolve("rows.parquet"), "PAR1 not really");
    assertOneLine(train("train_file=" + parquet), "rows.parquet");
    assertOneLine(train("train_file=" + folder.resolve("none.jsonl")), "none.jsonl");
  }

  @Test
  void tokenizerWithoutTemplate() throws IOException {
    Path settings = checkpoint.resolve("tokenizer_config.json");
    ObjectNode config = TinyCheckpoint.object(settings);
    config.remove("chat_template");
    TinyCheckpoint.MAPPER.writeValue(settings.toFile(), config);
    Path rows = Files.writeString(folder.resolve("rows.jsonl"), ROW);
    assertOneLine(train("train_file=" + rows), "rows.jsonl", "chat template");
  }

  @Test
  void tokenizerMissingDamagedOrOfAnotherModel() throws IOException {
    Path tokenizer = checkpoint.resolve("tokenizer.json");
    ObjectNode config = TinyCheckpoint.object(checkpoint.resolve("config.json"));
    config.put("vocab_size", 700);
    TinyCheckpoint.saveRandom(config, checkpoint);
    assertOneLine(train(), "tokenizer.json", "767", "700");
    Files.writeString(tokenizer, "{\"model\": ");
    assertOneLine(train(), "tokenizer.json");
    Files.delete(tokenizer);
    assertOneLine(train(), "tokenizer.json");
  }

  @Test
  void outputThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "mine");
    assertOneLine(train("output_dir=" + file), file.toString());
    assertOneLine(train("output_dir=" + file.resolve("run")), file.toString());
    assertOneLine(train("output_dir=/proc/grpo4j/run"), "/proc/grpo4j");
    Files.writeString(Files.createDirectories(output).resolve("thesis.tex"), "mine");
    assertOneLine(train(), output.toString(), "not empty");
    assertEquals("mine", Files.readString(file));
  }

  /** A link to /dev/full stands where a file will be written: every write says ENOSPC. */
  private static void fillDiskAt(Path file) throws IOException {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.isWritable(full), "no /dev/full here");
    Files.createDirectories(file.getParent());
    Files.createSymbolicLink(file, full);
  }

  @Test
  void diskFullAtTheEndLeavesTheRunReadable() throws IOException {
    // What a run that never began left: its folder is taken over.
    Files.createDirectories(output);
    Files.writeString(output.resolve("config.yaml"), "");
    fillDiskAt(output.resolve("summary.json.partial"));
    assertOneLine(train(), "summary.json", "disk is full");
    RunDirectory run = RunDirectory.resume(output);
    assertEquals(6, MetricsLog.read(run.metrics()).size(), "4 steps and 2 evaluations");
    assertEquals(run.checkpoint(4), run.latestCheckpoint().orElseThrow());
    try (DecoderModel model = DecoderModel.load(run.checkpoint(4), false)) {
      assertTrue(model.parameterCount() > 0);
    }
    // With the disk free again, resuming only writes what is missing.
    assertEquals(0, CommandLineRun.of("train", "--resume", output.toString()).status());
    assertTrue(Files.exists(run.summary()) && Files.exists(run.report()));
  }

  @Test
  void diskFullInOutputFiles() {
    Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/full")), "no /dev/full here");
    String[] common = {
      "model_name_or_path=" + checkpoint, "max_completion_length=2", "output_file=/dev/full"
    };
    assertOneLine(
        CommandLineRun.of("generate", common[0], common[1], common[2], "max_prompts=1"),
        "/dev/full",
        "cannot be written");
    assertOneLine(
        CommandLineRun.of("eval", common[0], common[1], common[2], "eval_prompts=1"),
        "/dev/full",
        "cannot be written");
  }

  @Test
  void tooLittleMemory() throws IOException {
    ObjectNode config = TinyCheckpoint.object(checkpoint.resolve("config.json"));
    // An embedding of 1 PiB, beyond any address space.
    config.put("vocab_size", 2_000_000_000).put("hidden_size", 1 << 17);
    TinyCheckpoint.MAPPER.writeValue(checkpoint.resolve("config.json").toFile(), config);
    assertOneLine(
        CommandLineRun.of(
            "sft",
            "model_name_or_path=" + checkpoint,
            "output_dir=" + output,
            "from_scratch=true",
            "max_steps=1"),
        "out of memory",
        "per_device_train_batch_size");
  }

  @Test
  void absentInstructionSet() {
    for (Isa isa : Isa.values()) {
      String name = isa.toString().toLowerCase(Locale.ROOT);
      if (!Kernels.availableIsas().contains(isa)) {
        assertOneLine(train("isa=" + name), name);
        return;
      }
    }
    Assumptions.abort("every instruction set is present here");
  }

  @Test
  void resumeOfWhatIsNoRun() {
    assertOneLine(CommandLineRun.of("train", "--resume", checkpoint.toString()), "no run");
    assertOneLine(
        CommandLineRun.of("sft", "--resume", folder.resolve("none").toString()), "no run");
  }

  @Test
  void resumeFromADamagedCheckpoint() throws IOException {
    assertEquals(0, train("max_steps=2").status());
    Path last = output.resolve("checkpoints/step-2");
    Files.writeString(last.resolve("trainer_state.json"), "{");
    assertOneLine(
        CommandLineRun.of("train", "--resume", output.toString(), "max_steps=3"),
        "trainer_state.json");
    Files.delete(last.resolve("model.safetensors"));
    Files.writeString(last.resolve("trainer_state.json"), "{\"step\": 2}");
    assertOneLine(
        CommandLineRun.of("train", "--resume", output.toString(), "max_steps=3"),
        "model.safetensors");
  }

  @Test
  void rewardThatIsNoClassOrThrows() {
    assertOneLine(train("reward_funcs=[com.acme.None]"), "com.acme.None");
    assertOneLine(train("reward_funcs=[java.lang.String]"), "java.lang.String", "RewardFunction");
  }
}
