package org.grpo4j.trainer.report;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Writes a TensorBoard event file: TFRecord frames (length u64, masked CRC-32C of the length, data,
 * masked CRC-32C of the data; little endian) around protocol buffers {@code tensorflow.Event}.
 *
 * <p>Fields used, from TensorFlow's event.proto and summary.proto: Event.wall_time = 1 (double),
 * step = 2 (int64), file_version = 3 (string), summary = 5, session_log = 7; SessionLog.status = 1
 * (START = 1); Summary.value = 1; Value.tag = 1 (string), simple_value = 2 (float).
 */
final class EventFile implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  private EventFile(Path file) {
    this.file = file;
    this.channel = RunFiles.open(file);
  }

  /**
   * Creates a file in {@code folder}.
   *
   * @param resumedStep where it is not 0, TensorBoard is told to forget later steps of earlier
   *     files
   */
  static EventFile create(Path folder, int resumedStep) {
    long millis = System.currentTimeMillis();
    // A nanosecond suffix: two files of one folder must differ even within one second.
    String name = "events.out.tfevents.%010d.grpo4j.%d".formatted(millis / 1000, System.nanoTime());
    EventFile events = new EventFile(folder.resolve(name));
    events.frame(new Proto().fixed64(1, millis / 1e3).text(3, "brain.Event:2").bytes());
    if (resumedStep > 0) {
      byte[] start = new Proto().varint(1, 1).bytes();
      // TensorBoard drops steps at or after the start's.
      events.frame(
          new Proto()
              .fixed64(1, millis / 1e3)
              .varint(2, resumedStep + 1L)
              .message(7, start)
              .bytes());
    }
    return events;
  }

  /** Writes one scalar per finite value, all in one event. */
  void write(int step, Map<String, ? extends Number> values) {
    Proto summary = new Proto();
    values.forEach(
        (tag, value) -> {
          if (Double.isFinite(value.doubleValue())) {
            summary.message(1, new Proto().text(1, tag).fixed32(2, value.floatValue()).bytes());
          }
        });
    frame(
        new Proto()
            .fixed64(1, System.currentTimeMillis() / 1e3)
            .varint(2, step)
            .message(5, summary.bytes())
            .bytes());
  }

  private void frame(byte[] data) {
    ByteBuffer frame = ByteBuffer.allocate(data.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(data.length);
    frame.putInt(maskedCrc(frame.array(), 8));
    frame.put(data).putInt(maskedCrc(data, data.length));
    RunFiles.append(channel, file, frame.flip());
  }

  /** TFRecord's checksum: the CRC rotated right by 15 bits, plus a constant. */
  static int maskedCrc(byte[] data, int length) {
    CRC32C crc = new CRC32C();
    crc.update(data, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new RunIoException(file, e);
    }
  }

  /** The few wire types needed of a protocol buffer. */
  private static final class Proto {
    private final java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();

    private void raw(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        out.write((int) (rest & 0x7f) | 0x80);
        rest >>>= 7;
      }
      out.write((int) rest);
    }

    Proto varint(int field, long value) {
      raw((long) field << 3);
      raw(value);
      return this;
    }

    Proto fixed64(int field, double value) {
      raw((long) field << 3 | 1);
      out.writeBytes(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array());
      return this;
    }

    Proto fixed32(int field, float value) {
      raw((long) field << 3 | 5);
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
      return this;
    }

    Proto message(int field, byte[] bytes) {
      raw((long) field << 3 | 2);
      raw(bytes.length);
      out.writeBytes(bytes);
      return this;
    }

    Proto text(int field, String value) {
      return message(field, value.getBytes(StandardCharsets.UTF_8));
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }
}
