package org.grpo4j.torch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that are either the old ones or complete new ones, whatever happens while writing. */
final class AtomicFiles {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private AtomicFiles() {}

  /** Writes the content of a file. */
  interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  static void writeJson(Path file, JsonNode json) {
    try {
      byte[] bytes = (MAPPER.writeValueAsString(json) + "\n").getBytes(StandardCharsets.UTF_8);
      Path temporary = writeTemporary(file, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
      commit(temporary, file);
    } catch (IOException e) {
      throw cannotWrite(file, e);
    }
  }

  /**
   * Writes {@code .NAME.tmp} beside the file and forces it to the disk; the file itself is not
   * touched. On failure the temporary file is removed.
   */
  static Path writeTemporary(Path file, Content content) throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      content.writeTo(channel);
      channel.force(true);
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    return temporary;
  }

  static void commit(Path temporary, Path file) throws IOException {
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** One line that says what could not be written and why. */
  static InputException cannotWrite(Path file, IOException cause) {
    String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (reason.contains("No space left") || reason.contains("quota")) {
      return new InputException(
          file
              + ": the disk is full; files written earlier are intact; free space or choose another"
              + " folder",
          cause);
    }
    if (cause instanceof AccessDeniedException) {
      reason = "permission denied";
    }
    return new InputException(file + ": cannot be written (" + reason + ")", cause);
  }
}
