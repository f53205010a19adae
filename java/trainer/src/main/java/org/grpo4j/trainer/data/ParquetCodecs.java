package org.grpo4j.trainer.data;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * The Parquet library's codecs, and gzip from the JDK: the library takes that one from Hadoop, of
 * which only empty shells are on the class path.
 */
final class ParquetCodecs implements CompressionCodecFactory {
  private final CompressionCodecFactory library;

  ParquetCodecs(CompressionCodecFactory library) {
    this.library = library;
  }

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    return library.getCompressor(codec);
  }

  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return codec == CompressionCodecName.GZIP ? new Gzip() : library.getDecompressor(codec);
  }

  @Override
  public void release() {
    library.release();
  }

  private static final class Gzip implements BytesInputDecompressor {
    @Override
    public BytesInput decompress(BytesInput bytes, int decompressedSize) throws IOException {
      return BytesInput.from(unpack(bytes.toInputStream(), decompressedSize));
    }

    @Override
    public void decompress(
        ByteBuffer input, int compressedSize, ByteBuffer output, int decompressedSize)
        throws IOException {
      byte[] packed = new byte[compressedSize];
      input.get(packed);
      output.put(unpack(new ByteArrayInputStream(packed), decompressedSize));
    }

    private static byte[] unpack(InputStream packed, int size) throws IOException {
      try (InputStream in = new GZIPInputStream(packed)) {
        byte[] unpacked = in.readNBytes(size);
        if (unpacked.length != size) {
          throw new IOException("a gzip page holds " + unpacked.length + " bytes, not " + size);
        }
        return unpacked;
      }
    }

    @Override
    public void release() {}
  }
}
