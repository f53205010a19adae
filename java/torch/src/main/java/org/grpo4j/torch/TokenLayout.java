package org.grpo4j.torch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Which tokens a pass computes, packed without padding: N rows, segment after segment. It is laid
 * out on the host; its tensors are on the device of the pass.
 *
 * <p>A segment is a whole sequence, a prompt, or a completion that continues an earlier segment.
 */
final class TokenLayout {
  /**
   * @param ids the tokens to compute, possibly none
   * @param prefix index of the segment that these tokens continue, or −1
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed from one method to the next, never compared.
  record Segment(long[] ids, int prefix) {
    static Segment whole(long[] ids) {
      return new Segment(ids, -1);
    }
  }

  private final TorchDevice device;
  private final List<Segment> segments;
  private final int[] firstRows;
  private final int rows;

  TokenLayout(TorchDevice device, List<Segment> segments) {
    this.device = device;
    this.segments = segments;
    firstRows = new int[segments.size()];
    int row = 0;
    for (int i = 0; i < firstRows.length; i++) {
      firstRows[i] = row;
      row += segments.get(i).ids().length;
    }
    rows = row;
  }

  /** Where the pass computes. */
  TorchDevice device() {
    return device;
  }

  /** N. */
  int rows() {
    return rows;
  }

  int segments() {
    return firstRows.length;
  }

  /** Tokens of a segment. */
  int length(int segment) {
    return segments.get(segment).ids().length;
  }

  /** Tokens before a segment's first. */
  int prefixLength(int segment) {
    int prefix = segments.get(segment).prefix();
    return prefix < 0 ? 0 : length(prefix);
  }

  /** Row of a segment's token. */
  int row(int segment, int token) {
    return firstRows[segment] + token;
  }

  /**
   * Row of the token at a position of the sequence that ends with a segment, or −1 past its end.
   */
  int rowAt(int segment, int position) {
    int before = prefixLength(segment);
    if (position < before) {
      return row(segments.get(segment).prefix(), position);
    }
    return position - before < length(segment) ? row(segment, position - before) : -1;
  }

  boolean hasPrefix(int segment) {
    return segments.get(segment).prefix() >= 0;
  }

  /** Token ids [N]. */
  Tensor ids() {
    long[] ids = new long[rows];
    for (int i = 0; i < segments(); i++) {
      System.arraycopy(segments.get(i).ids(), 0, ids, firstRows[i], length(i));
    }
    return Tensors.longs(device, ids, rows);
  }

  /** Positions in their sequences [N]. */
  Tensor positions() {
    long[] positions = new long[rows];
    for (int i = 0; i < segments(); i++) {
      for (int t = 0; t < length(i); t++) {
        positions[row(i, t)] = (long) prefixLength(i) + t;
      }
    }
    return Tensors.longs(device, positions, rows);
  }

  /** One more than the largest position. */
  int longest() {
    int longest = 0;
    for (int i = 0; i < segments(); i++) {
      longest = Math.max(longest, prefixLength(i) + length(i));
    }
    return longest;
  }

  /** The tokens of each row of a padded matrix. */
  static List<Segment> unpad(String name, Tensor ids, Tensor mask) {
    int width = (int) ids.size(1);
    long[] all = Tensors.toLongs(ids);
    long[] kept = Tensors.toLongs(mask);
    List<Segment> segments = new ArrayList<>();
    int rows = (int) ids.size(0);
    for (int row = 0; row < rows; row++) {
      long[] tokens = new long[width];
      int count = 0;
      for (int i = row * width; i < (row + 1) * width; i++) {
        if (kept[i] != 0) {
          tokens[count++] = all[i];
        }
      }
      if (count == 0) {
        throw new IllegalArgumentException(name + ": row " + row + " has no token");
      }
      segments.add(Segment.whole(Arrays.copyOf(tokens, count)));
    }
    return segments;
  }
}
