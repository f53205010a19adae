package org.grpo4j.trainer.recipe;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.Safetensors;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.WeightType;
import org.grpo4j.torch.text.GenerationConfig;
import org.grpo4j.torch.text.HfFolder;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.rollout.Sampler;

/** A model with its tokenizer and the tokens that end its answers. */
final class Policy implements AutoCloseable {
  private final Path folder;
  private final DecoderModel model;
  private final TensorKernels kernels;
  private final Tokenizer tokenizer;
  private final Set<Integer> stopTokens;
  private final int stopToken;
  private final int padToken;
  private final Map<Integer, String> tokenTexts = new HashMap<>();

  private Policy(Path folder, DecoderModel model, Tokenizer tokenizer, TensorKernels kernels) {
    this.folder = folder;
    this.model = model;
    this.kernels = kernels;
    this.tokenizer = tokenizer;
    GenerationConfig generation = GenerationConfig.read(folder);
    this.stopTokens = new HashSet<>(generation.eosTokenIds());
    tokenizer.eosId().ifPresent(stopTokens::add);
    if (stopTokens.isEmpty()) {
      throw new InputException(
          folder
              + ": no eos_token_id in generation_config.json or config.json and no eos_token in"
              + " tokenizer_config.json, so no completion could ever end: add one");
    }
    // The tokenizer's eos is what its chat template ends a turn with; the list may hold others.
    this.stopToken = tokenizer.eosId().orElse(stopTokens.iterator().next());
    this.padToken = generation.padTokenId().orElse(tokenizer.padId().orElse(stopToken));
    if (tokenizer.vocabSize() > model.config().vocabSize()) {
      throw new InputException(
          folder
              + ": tokenizer.json has ids up to "
              + (tokenizer.vocabSize() - 1)
              + ", the model's vocab_size is "
              + model.config().vocabSize()
              + ": they do not belong together");
    }
  }

  /** Loads a Hugging Face folder to the kernels' device. */
  static Policy load(Path folder, boolean trainable, TensorKernels kernels) {
    return load(folder, folder, trainable, kernels);
  }

  /** Loads weights from one folder and the tokenizer from another. */
  static Policy load(Path weights, Path tokenizer, boolean trainable, TensorKernels kernels) {
    return of(tokenizer, DecoderModel.load(weights, trainable, kernels.device()), kernels);
  }

  /** Takes over the model, but not the kernels. */
  static Policy of(Path folder, DecoderModel model, TensorKernels kernels) {
    Tokenizer tokenizer = null;
    try {
      tokenizer = Tokenizer.load(folder);
      return new Policy(folder, model, tokenizer, kernels);
    } catch (RuntimeException e) {
      if (tokenizer != null) {
        tokenizer.close();
      }
      model.close();
      throw e;
    }
  }

  /** Where its tokenizer and chat template come from. */
  Path folder() {
    return folder;
  }

  DecoderModel model() {
    return model;
  }

  /** What computes on the model's tensors. */
  TensorKernels kernels() {
    return kernels;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  int padToken() {
    return padToken;
  }

  /** The tokens that end its answers. */
  Set<Integer> stopTokens() {
    return Set.copyOf(stopTokens);
  }

  Sampler sampler() {
    return new Sampler(model, kernels, stopTokens, padToken);
  }

  /** The text of sampled tokens without special tokens. */
  String text(int[] tokens) {
    return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
  }

  /** The token that ends a turn. */
  int stopToken() {
    return stopToken;
  }

  /** The text of each token by itself; a part of a character shows as U+FFFD. */
  List<String> tokenTexts(int[] tokens) {
    return Arrays.stream(tokens)
        .mapToObj(
            id -> tokenTexts.computeIfAbsent(id, i -> tokenizer.decode(new long[] {i}, false)))
        .toList();
  }

  /**
   * Writes a folder that loads by itself, here and in transformers; in fp32, as it was trained,
   * whatever the source folder had: a resumed run must not start from rounded weights.
   */
  void save(Path to) {
    model.save(to, WeightType.FLOAT32, Safetensors.DEFAULT_MAX_SHARD_BYTES);
    HfFolder.copyTokenizerFiles(folder, to);
  }

  @Override
  public void close() {
    tokenizer.close();
    model.close();
  }
}
