package org.grpo4j.trainer.config;

import java.util.Map;

/**
 * The model and how prompts are rendered for it.
 *
 * @param modelNameOrPath "embedded", or a Hugging Face folder (config.json, safetensors,
 *     tokenizer.json)
 * @param chatTemplateKwargs extra variables of the chat template
 */
public record ModelSettings(
    @Key(
            byDefault = "embedded",
            doc =
                "The checkpoint: 'embedded' (the tiny model in the project) or a Hugging Face"
                    + " folder with config.json, safetensors and tokenizer.json.")
        String modelNameOrPath,
    @Key(
            byDefault = "{}",
            source = "TRL",
            doc = "Extra variables of the chat template, for example {enable_thinking: false}.")
        Map<String, Object> chatTemplateKwargs) {
  /** The value of model_name_or_path and train_file that means what is kept in the project. */
  public static final String EMBEDDED = "embedded";

  /** Copies what it is given. */
  public ModelSettings {
    chatTemplateKwargs = Values.copy(chatTemplateKwargs);
  }

  /** Whether the model is the one kept in the project. */
  public boolean embedded() {
    return modelNameOrPath.equals(EMBEDDED);
  }
}
