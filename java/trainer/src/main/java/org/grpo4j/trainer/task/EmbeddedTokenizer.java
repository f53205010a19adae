package org.grpo4j.trainer.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.grpo4j.trainer.data.Example;

/**
 * The tokenizer of the embedded checkpoint: 768 entries learnt from the task's training text, and
 * the files under which Hugging Face's libraries load it.
 */
final class EmbeddedTokenizer {
  static final int VOCABULARY_SIZE = 768;
  static final String END_OF_TEXT = "<|endoftext|>";
  static final String END_OF_TURN = "<|im_end|>";

  /** Control tokens, dropped when a completion is decoded; the tags that follow are text. */
  private static final List<String> CONTROL = List.of(END_OF_TEXT, "<|im_start|>", END_OF_TURN);

  private static final List<String> TAGS =
      List.of("<think>", "</think>", "<tool_call>", "</tool_call>", "<response>", "</response>");

  static final List<String> SPECIAL_TOKENS =
      Stream.concat(CONTROL.stream(), TAGS.stream()).toList();

  /**
   * Turns between control tokens. Tools become the signatures that the task's prompts list, one a
   * line at the start of the first message.
   */
  static final String CHAT_TEMPLATE =
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
          + "{% if loop.first and tools %}{% for tool in tools %}"
          + "{{ tool['function']['name'] + '(' +"
          + " ((tool['function']['parameters'] or {})['properties'] or {}) | join(', ') + ')\\n' }}"
          + "{% endfor %}{% endif %}"
          + "{{ message['content'] + '<|im_end|>\\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

  private static final int CORPUS_EXAMPLES = 4000;

  private EmbeddedTokenizer() {}

  /**
   * Learns the vocabulary from training text alone: warm-start examples and prompts of
   * reinforcement learning, nothing held out, no wording of {@link PhrasingSet#NEVER}.
   */
  static BpeTrainer.Vocabulary train(long seed) {
    List<String> texts = new ArrayList<>();
    EmbeddedTask.warmStart(CORPUS_EXAMPLES, seed).forEach(e -> texts.add(text(e)));
    EmbeddedTask.trainPrompts(CORPUS_EXAMPLES, seed).forEach(e -> texts.add(text(e)));
    return new BpeTrainer(SPECIAL_TOKENS, VOCABULARY_SIZE).train(texts);
  }

  private static String text(Example e) {
    return "<|im_start|>user\n"
        + EmbeddedTask.question(e)
        + "<|im_end|>\n<|im_start|>assistant\n"
        + e.answer()
        + END_OF_TURN;
  }

  /** Writes tokenizer.json, tokenizer_config.json and generation_config.json. */
  static void write(BpeTrainer.Vocabulary vocabulary, Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("tokenizer.json"), json(tokenizerJson(vocabulary)));
    Files.writeString(folder.resolve("tokenizer_config.json"), json(tokenizerConfig()));
    Map<String, Object> generation = new LinkedHashMap<>();
    generation.put("do_sample", true);
    generation.put("eos_token_id", vocabulary.specialId(END_OF_TURN));
    generation.put("pad_token_id", vocabulary.specialId(END_OF_TEXT));
    generation.put("temperature", 1.0);
    Files.writeString(folder.resolve("generation_config.json"), json(generation));
  }

  private static Map<String, Object> tokenizerJson(BpeTrainer.Vocabulary vocabulary) {
    Map<String, Object> byteLevel = new LinkedHashMap<>();
    byteLevel.put("type", "ByteLevel");
    byteLevel.put("add_prefix_space", false);
    byteLevel.put("trim_offsets", false);
    byteLevel.put("use_regex", false);
    Map<String, Object> split = new LinkedHashMap<>();
    split.put("type", "Split");
    split.put("pattern", Map.of("Regex", BpeTrainer.PIECES));
    split.put("behavior", "Isolated");
    split.put("invert", false);
    Map<String, Object> preTokenizer = new LinkedHashMap<>();
    preTokenizer.put("type", "Sequence");
    preTokenizer.put("pretokenizers", List.of(split, byteLevel));
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("continuing_subword_prefix", null);
    model.put("end_of_word_suffix", null);
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.put("vocab", vocabulary.vocabulary());
    model.put("merges", vocabulary.merges());
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("truncation", null);
    root.put("padding", null);
    root.put("added_tokens", SPECIAL_TOKENS.stream().map(t -> addedToken(t, vocabulary)).toList());
    root.put("normalizer", null);
    root.put("pre_tokenizer", preTokenizer);
    root.put("post_processor", null);
    root.put("decoder", byteLevel);
    root.put("model", model);
    return root;
  }

  private static Map<String, Object> addedToken(String token, BpeTrainer.Vocabulary vocabulary) {
    Map<String, Object> added = new LinkedHashMap<>();
    added.put("id", vocabulary.specialId(token));
    added.put("content", token);
    added.put("single_word", false);
    added.put("lstrip", false);
    added.put("rstrip", false);
    added.put("normalized", false);
    added.put("special", CONTROL.contains(token));
    return added;
  }

  private static Map<String, Object> tokenizerConfig() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", EmbeddedModel.MAX_POSITIONS);
    config.put("eos_token", END_OF_TURN);
    config.put("pad_token", END_OF_TEXT);
    config.put("chat_template", CHAT_TEMPLATE);
    return config;
  }

  private static String json(Map<String, Object> value) throws JsonProcessingException {
    return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value)
        + "\n";
  }
}
