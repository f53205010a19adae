package org.grpo4j.torch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Sequences that are decoded together, and that join and leave between two steps: what continuous
 * batching needs. {@link KvCache} is for groups that begin together.
 *
 * <p>Rows 0 to {@link #size()} − 1 are in use, without gaps: where a sequence leaves, the last one
 * takes its row. Each row fills its own slots from 0 on; a mask hides what lies behind its length,
 * so that a sequence's logits depend on its own tokens alone, up to rounding. Memory grows with
 * what the sequences hold and is freed when the last one has left.
 *
 * <p>Valid while the parameters do not change; not thread-safe.
 */
public final class SequenceBatch implements AutoCloseable {
  /** Slots are allocated in multiples of it, so that few steps have to move everything. */
  private static final int SLOT_BLOCK = 64;

  private final DecoderModel model;
  private final ModelConfig config;
  private final List<DecoderLayer> layers;
  private final List<KvCache.LayerCache> caches = new ArrayList<>();
  private int rows;
  private int slots;
  private int[] lengths = new int[8];
  private int[] limits = new int[8];
  private int size;

  /** An empty batch; it reads the model's parameters and must be closed before the model. */
  public SequenceBatch(DecoderModel model) {
    this.model = model;
    config = model.config();
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      layers = model.gatherLayers().stream().map(DecoderLayer::retain).toList();
    }
  }

  /** How many sequences are in the batch. */
  public int size() {
    return size;
  }

  /** Tokens of a row's sequence, those of the prompt included. */
  public int length(int row) {
    requireRow(row);
    return lengths[row];
  }

  /** Bytes that keys and values of one token of one sequence take. */
  public static long bytesPerToken(ModelConfig config) {
    return 2L * Float.BYTES * config.layers() * config.keyValueHeads() * config.headDim();
  }

  /**
   * The slots that a sequence of this many tokens is given; a batch holds rows × the most slots
   * that one of its sequences may need.
   */
  public static int slotsFor(int tokens) {
    return Math.multiplyExact((tokens + SLOT_BLOCK - 1) / SLOT_BLOCK, SLOT_BLOCK);
  }

  /**
   * Computes a prompt once and appends sequences that continue it, in rows {@link #size()} and
   * following.
   *
   * @param prompt token ids, at least one
   * @param copies how many sequences continue it
   * @param limit the most tokens, prompt included, that one of them will hold
   * @return logits of the first new token [1, V], the same for all copies
   */
  public Tensor join(long[] prompt, int copies, int limit) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt: empty, wanted at least one token");
    }
    if (copies < 1) {
      throw new IllegalArgumentException("copies: given " + copies + ", wanted at least 1");
    }
    if (limit < prompt.length) {
      throw new IllegalArgumentException(
          "limit: given " + limit + ", wanted at least the prompt's " + prompt.length);
    }
    limits = room(limits, size + copies);
    lengths = room(lengths, size + copies);
    Arrays.fill(limits, size, size + copies, limit);
    ensure(size + copies, prompt.length);
    Tensor logits =
        Scopes.scopedWithoutGradient(
            () -> {
              TokenLayout layout =
                  new TokenLayout(model.device(), List.of(TokenLayout.Segment.whole(prompt)));
              PackedPass pass = new PackedPass(model, layout);
              for (int i = 0; i < layers.size(); i++) {
                store(caches.get(i), pass.run(layers.get(i)), copies, prompt.length);
              }
              Tensor last = pass.states().narrow(0, prompt.length - 1L, 1);
              return model.logits(model.norm(last));
            });
    Arrays.fill(lengths, size, size + copies, prompt.length);
    size += copies;
    return logits;
  }

  /** Copies a prompt's keys and values into the rows after those in use. */
  private void store(KvCache.LayerCache cache, DecoderLayer.Heads heads, int copies, int length) {
    Tensor keys = heads.queryKey().narrow(1, config.heads(), config.keyValueHeads());
    fill(cache.key(), copies, length).copy_(keys.transpose(0, 1).unsqueeze(0));
    fill(cache.value(), copies, length).copy_(heads.value().transpose(0, 1).unsqueeze(0));
  }

  private Tensor fill(Tensor cache, int copies, int length) {
    return cache.narrow(0, size, copies).narrow(2, 0, length);
  }

  /**
   * Adds one token to every sequence, without gradients.
   *
   * @param tokens the token of each row [size]
   * @return logits of the next token [size, V]
   */
  public Tensor step(long... tokens) {
    if (tokens.length != size || size == 0) {
      throw new IllegalArgumentException(
          "tokens: given " + tokens.length + ", wanted one for each of " + size + " sequences");
    }
    int longest = longest() + 1;
    for (int row = 0; row < size; row++) {
      if (lengths[row] == limits[row]) {
        throw new IllegalStateException("row " + row + " has reached its limit, " + limits[row]);
      }
    }
    ensure(size, longest);
    Tensor logits = Scopes.scopedWithoutGradient(() -> logits(tokens, longest));
    for (int row = 0; row < size; row++) {
      lengths[row]++;
    }
    return logits;
  }

  private Tensor logits(long[] tokens, int longest) {
    Tensor positions = Tensors.longs(model.device(), Arrays.copyOf(lengths, size));
    Tensor rotations = model.rope().rotations(positions, longest);
    Tensor unfilled =
        Tensors.range(model.device(), longest)
            .view(1, 1, 1, longest)
            .gt(positions.view(size, 1, 1, 1));
    Tensor mask = Attention.additive(unfilled);
    Tensor newest = newestSlots();
    Tensor x = model.embed(Tensors.longs(model.device(), tokens, size));
    for (int i = 0; i < layers.size(); i++) {
      DecoderLayer layer = layers.get(i);
      DecoderLayer.Heads heads = layer.project(x, model.rope(), rotations);
      x = layer.finish(x, attend(caches.get(i), heads, newest, mask));
    }
    return model.logits(model.norm(x));
  }

  /** Where each row's next key goes in a cache seen as [rows·keyValueHeads·slots, headDim]. */
  private Tensor newestSlots() {
    int heads = config.keyValueHeads();
    long[] flat = new long[size * heads];
    for (int row = 0; row < size; row++) {
      for (int head = 0; head < heads; head++) {
        flat[row * heads + head] = ((long) row * heads + head) * slots + lengths[row];
      }
    }
    return Tensors.longs(model.device(), flat, flat.length);
  }

  /**
   * Adds the newest keys and values to a layer and attends to everything so far.
   *
   * @param mask [size, 1, 1, longest]
   * @return [size, heads·headDim]
   */
  private Tensor attend(
      KvCache.LayerCache cache, DecoderLayer.Heads heads, Tensor newest, Tensor mask) {
    long dim = config.headDim();
    long keyHeads = config.keyValueHeads();
    Tensor keys = heads.queryKey().narrow(1, config.heads(), keyHeads).reshape(-1, dim);
    cache.key().view(-1, dim).index_copy_(0, newest, keys);
    cache.value().view(-1, dim).index_copy_(0, newest, heads.value().reshape(-1, dim));
    // The query heads that share a key head become its rows: nothing is repeated.
    Tensor query =
        heads
            .queryKey()
            .narrow(1, 0, config.heads())
            .view(size, keyHeads, config.heads() / keyHeads, dim);
    return Attention.fused(
            query, used(cache.key(), mask.size(3)), used(cache.value(), mask.size(3)), mask)
        .reshape(size, -1);
  }

  private Tensor used(Tensor cache, long longest) {
    return cache.narrow(0, 0, size).narrow(2, 0, longest);
  }

  /** Removes a sequence; the last row's moves to its row. */
  public void leave(int row) {
    requireRow(row);
    int last = size - 1;
    if (row != last) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        for (KvCache.LayerCache cache : caches) {
          move(cache.key(), last, row);
          move(cache.value(), last, row);
        }
      }
      lengths[row] = lengths[last];
      limits[row] = limits[last];
    }
    size = last;
    if (size == 0) {
      free();
    }
  }

  private void move(Tensor cache, int from, int to) {
    cache
        .select(0, to)
        .narrow(1, 0, lengths[from])
        .copy_(cache.select(0, from).narrow(1, 0, lengths[from]));
  }

  private int longest() {
    return Arrays.stream(lengths, 0, size).max().orElse(0);
  }

  /** Makes room for so many rows and slots, and for no more than the limits of the rows ask. */
  private void ensure(int wantedRows, int wantedSlots) {
    if (wantedRows <= rows && wantedSlots <= slots) {
      return;
    }
    int most = slotsFor(Arrays.stream(limits, 0, wantedRows).max().orElseThrow());
    int needed = Math.max(wantedSlots, longest());
    int newSlots = Math.min(most, slotsFor(needed + needed / 2));
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      // Layer by layer: the old and the new memory of all of them would be twice as much.
      for (int i = 0; i < layers.size(); i++) {
        KvCache.LayerCache wider =
            new KvCache.LayerCache(cache(wantedRows, newSlots), cache(wantedRows, newSlots));
        if (i == caches.size()) {
          caches.add(wider);
          continue;
        }
        KvCache.LayerCache old = caches.set(i, wider);
        if (size > 0) {
          used(wider.key(), longest()).copy_(used(old.key(), longest()));
          used(wider.value(), longest()).copy_(used(old.value(), longest()));
        }
        old.close();
      }
    }
    rows = wantedRows;
    slots = newSlots;
  }

  /** Zeros, not just memory: a masked slot must hold a number, 0 times NaN is NaN. */
  private Tensor cache(int newRows, int newSlots) {
    return Tensors.zeros(
            model.device(), newRows, config.keyValueHeads(), newSlots, config.headDim())
        .retainReference();
  }

  /** Removes every sequence, also after a step that failed. */
  public void clear() {
    size = 0;
    free();
  }

  private void free() {
    caches.forEach(KvCache.LayerCache::close);
    caches.clear();
    rows = 0;
    slots = 0;
  }

  private static int[] room(int[] values, int wanted) {
    return wanted <= values.length ? values : Arrays.copyOf(values, 2 * wanted);
  }

  private void requireRow(int row) {
    if (row < 0 || row >= size) {
      throw new IllegalArgumentException("row: given " + row + ", wanted one below " + size);
    }
  }

  @Override
  public void close() {
    free();
    layers.forEach(DecoderLayer::release);
  }
}
