package org.grpo4j.torch.text;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A byte-level BPE tokenizer of 256 bytes, a few merges and two special tokens, with the kind of
 * Split pre-tokenizer the embedded task uses.
 */
final class TinyTokenizer {
  private TinyTokenizer() {}

  static final int END = 256 + 4;
  static final int PAD = END + 1;

  static Path write(Path folder) throws IOException {
    var mapper = JsonFiles.MAPPER;
    ObjectNode root = mapper.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (String token : List.of("<|end|>", "<|pad|>")) {
      ObjectNode node = added.addObject().put("id", END + added.size() - 1).put("content", token);
      for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        node.put(flag, false);
      }
      node.put("special", true);
    }
    root.putNull("normalizer");
    ObjectNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = sequence.putArray("pretokenizers");
    ObjectNode split = steps.addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", "\\p{N}| ?\\p{L}+|[^\\p{L}\\p{N}]");
    split.put("behavior", "Isolated").put("invert", false);
    byteLevel(steps.addObject());
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout");
    model.putNull("unk_token").putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix").put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode vocab = model.putObject("vocab");
    for (String symbol : byteSymbols()) {
      vocab.put(symbol, vocab.size());
    }
    ArrayNode merges = model.putArray("merges");
    for (String[] pair : new String[][] {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}}) {
      vocab.put(pair[0] + pair[1], vocab.size());
      merges.addArray().add(pair[0]).add(pair[1]);
    }
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, mapper.writeValueAsString(root));
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"eos_token\": {\"content\": \"<|end|>\"}, \"pad_token\": \"<|pad|>\", \"bos_token\": null}");
    return file;
  }

  private static void byteLevel(ObjectNode node) {
    node.put("type", "ByteLevel").put("add_prefix_space", false);
    node.put("trim_offsets", false).put("use_regex", false);
  }

  /** GPT-2's byte alphabet: printable bytes as they are, the others from U+0100 on. */
  private static List<String> byteSymbols() {
    String[] symbols = new String[256];
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      symbols[b] = Character.toString(printable ? b : next++);
    }
    return List.of(symbols);
  }
}
