package org.grpo4j.trainer.config;

import java.util.Map;

/**
 * The model and how prompts are rendered for it.
 *
 * @param modelNameOrPath "embedded", "embedded_multi_turn", or a Hugging Face folder (config.json,
 *     safetensors, tokenizer.json)
 * @param chatTemplateKwargs extra variables of the chat template
 */
public record ModelSettings(
    @Key(
            byDefault = "embedded",
            doc =
                "The checkpoint: 'embedded', 'embedded_multi_turn' (the tiny models in the"
                    + " project) or a"
                    + " Hugging Face folder with config.json, safetensors and tokenizer.json.")
        String modelNameOrPath,
    @Key(
            byDefault = "{}",
            source = "TRL",
            doc = "Extra variables of the chat template, for example {enable_thinking: false}.")
        Map<String, Object> chatTemplateKwargs) {
  /** The value of model_name_or_path and train_file that means what is kept in the project. */
  public static final String EMBEDDED = "embedded";

  /** The same for the multi-turn task: its own checkpoint of the same shape and tokenizer. */
  public static final String EMBEDDED_MULTI_TURN = "embedded_multi_turn";

  /** Whether a checkpoint's or data file's name means something kept in the project. */
  public static boolean isEmbedded(String name) {
    return name.equals(EMBEDDED) || name.equals(EMBEDDED_MULTI_TURN);
  }

  /** Copies what it is given. */
  public ModelSettings {
    chatTemplateKwargs = Values.copy(chatTemplateKwargs);
  }

  /** Whether the model is one kept in the project. */
  public boolean embedded() {
    return isEmbedded(modelNameOrPath);
  }
}
