package org.grpo4j.trainer.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** File operations that leave earlier contents intact when they fail. */
final class RunFiles {
  private RunFiles() {}

  /** Replaces a file: the new contents go to a neighbour first and are then renamed over it. */
  static void replace(Path file, String text) {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      Files.writeString(partial, text, StandardCharsets.UTF_8);
      Files.move(
          partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      discard(partial, e);
      throw new RunIoException(file, e);
    }
  }

  private static void discard(Path partial, IOException failure) {
    try {
      Files.deleteIfExists(partial);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** Appends bytes to an open file; if that fails half-way, the file is cut back to what it was. */
  static void append(FileChannel channel, Path file, ByteBuffer bytes) {
    try {
      long before = channel.size();
      try {
        channel.position(before);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      } catch (IOException e) {
        channel.truncate(before);
        throw e;
      }
    } catch (IOException e) {
      throw new RunIoException(file, e);
    }
  }

  static FileChannel open(Path file) {
    try {
      return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new RunIoException(file, e);
    }
  }

  static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RunIoException(file, e);
    }
  }

  static void createFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new RunIoException(folder, e);
    }
  }

  /** The entries of a folder in the order of their names; none where there is no folder. */
  static List<Path> list(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      throw new RunIoException(folder, e);
    }
  }

  /** Deletes a file, or a folder with everything in it. */
  static void delete(Path path) {
    try (Stream<Path> entries = Files.walk(path)) {
      for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    } catch (UncheckedIOException e) {
      throw new RunIoException(path, new IOException(e.getMessage(), e));
    } catch (IOException e) {
      throw new RunIoException(path, e);
    }
  }
}
