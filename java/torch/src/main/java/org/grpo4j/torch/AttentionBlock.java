package org.grpo4j.torch;

import org.bytedeco.pytorch.Tensor;

/**
 * Segments whose attention is computed by one call, padded to the longest of them.
 *
 * <p>Query heads that share a key head are rows of one matrix, so keys are not repeated. Head
 * vectors are gathered straight from the packed rows into that form; the slots that pad read row 0,
 * are masked, and are not read back.
 *
 * @param queryRows rows of [N·(heads + keyValueHeads), d] that make [S, keyValueHeads,
 *     (heads/keyValueHeads)·Tq, d]
 * @param keyRows likewise [S, keyValueHeads, Tk, d]
 * @param valueRows rows of [N·keyValueHeads, d] that make [S, keyValueHeads, Tk, d]
 * @param mask 0 or −inf [S or 1, 1, (heads/keyValueHeads)·Tq, Tk]
 */
record AttentionBlock(
    ModelConfig config,
    int from,
    int to,
    Tensor queryRows,
    Tensor keyRows,
    Tensor valueRows,
    Tensor mask,
    int queries,
    int keys) {

  /** The block of segments {@code from} to {@code to}, the latter excluded. */
  static AttentionBlock of(ModelConfig config, TokenLayout layout, int from, int to) {
    int queries = 0;
    int keys = 0;
    for (int i = from; i < to; i++) {
      queries = Math.max(queries, layout.length(i));
      keys = Math.max(keys, layout.prefixLength(i) + layout.length(i));
    }
    return new AttentionBlock(
        config,
        from,
        to,
        queryRows(config, layout, from, to, queries),
        keyRows(layout, from, to, keys, config.keyValueHeads(), config.heads()),
        keyRows(layout, from, to, keys, config.keyValueHeads(), 0),
        mask(config, layout, from, to, queries, keys),
        queries,
        keys);
  }

  private static Tensor queryRows(
      ModelConfig config, TokenLayout layout, int from, int to, int queries) {
    int all = config.heads() + config.keyValueHeads();
    long[] rows = new long[(to - from) * config.heads() * queries];
    int at = 0;
    for (int i = from; i < to; i++) {
      for (int head = 0; head < config.heads(); head++) {
        for (int t = 0; t < queries; t++) {
          rows[at++] = t < layout.length(i) ? (long) layout.row(i, t) * all + head : 0;
        }
      }
    }
    return Tensors.longs(layout.device(), rows, rows.length);
  }

  /**
   * @param skipped heads that come before the key heads in each row
   */
  static Tensor keyRows(TokenLayout layout, int from, int to, int keys, int keyHeads, int skipped) {
    long[] rows = new long[(to - from) * keyHeads * keys];
    int at = 0;
    for (int i = from; i < to; i++) {
      for (int head = 0; head < keyHeads; head++) {
        for (int s = 0; s < keys; s++) {
          long row = layout.rowAt(i, s);
          rows[at++] = row < 0 ? 0 : row * (skipped + keyHeads) + skipped + head;
        }
      }
    }
    return Tensors.longs(layout.device(), rows, rows.length);
  }

  /** Token t of a segment sees the positions up to its own. */
  private static Tensor mask(
      ModelConfig config, TokenLayout layout, int from, int to, int queries, int keys) {
    int shared = config.heads() / config.keyValueHeads();
    boolean sameStart = true;
    long[] starts = new long[to - from];
    for (int i = from; i < to; i++) {
      starts[i - from] = layout.prefixLength(i);
      sameStart &= starts[i - from] == starts[0];
    }
    Tensor start = Tensors.longs(layout.device(), starts, to - from, 1, 1, 1);
    Tensor first = sameStart ? start.narrow(0, 0, 1) : start;
    Tensor own = first.add(Tensors.range(layout.device(), queries).view(1, 1, queries, 1));
    Tensor later = Tensors.range(layout.device(), keys).view(1, 1, 1, keys).gt(own);
    return Attention.additive(later)
        .unsqueeze(2)
        .expand(first.size(0), 1, shared, queries, keys)
        .reshape(first.size(0), 1, (long) shared * queries, keys);
  }

  /**
   * Attends.
   *
   * @param queryKey rotated queries and keys of every row [N·(heads + keyValueHeads), d]
   * @param value [N·keyValueHeads, d]
   * @return head vectors [S·(heads/keyValueHeads)·Tq·keyValueHeads, d], see {@link #outputRow}
   */
  Tensor attend(Tensor queryKey, Tensor value) {
    int segments = to - from;
    long keyHeads = config.keyValueHeads();
    long dim = config.headDim();
    Tensor out =
        Attention.fused(
            Tensors.gather(queryKey, queryRows).view(segments, keyHeads, -1, dim),
            Tensors.gather(queryKey, keyRows).view(segments, keyHeads, keys, dim),
            Tensors.gather(value, valueRows).view(segments, keyHeads, keys, dim),
            mask);
    // The fused kernel lays its result out as [S, rows, heads, d]: this is a view.
    return out.transpose(1, 2).reshape(-1, dim);
  }

  /** How many head vectors {@link #attend} returns. */
  int outputs() {
    return (to - from) * config.heads() * queries;
  }

  /** Where {@link #attend} puts a head of a segment's token. */
  int outputRow(int segment, int token, int head) {
    int shared = config.heads() / config.keyValueHeads();
    int slot = ((segment - from) * shared + head % shared) * queries + token;
    return slot * config.keyValueHeads() + head / shared;
  }
}
