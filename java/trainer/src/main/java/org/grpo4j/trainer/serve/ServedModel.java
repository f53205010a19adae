package org.grpo4j.trainer.serve;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;

/**
 * What is served; whoever made it closes model and tokenizer.
 *
 * @param name what clients call it
 * @param otherName a second name that requests may use: the folder as it was given
 * @param template empty: chat completions are refused
 * @param templateArguments variables of the chat template that requests may override
 * @param stopTokens ids that end a completion
 * @param contextLength tokens of prompt and completion together, at most
 * @param toolCalls how calls are read from a completion
 */
public record ServedModel(
    String name,
    String otherName,
    DecoderModel model,
    Tokenizer tokenizer,
    Optional<ChatTemplate> template,
    Map<String, Object> templateArguments,
    Set<Integer> stopTokens,
    int contextLength,
    ToolCallSyntax toolCalls) {
  public ServedModel {
    templateArguments = Map.copyOf(templateArguments);
    stopTokens = Set.copyOf(stopTokens);
  }
}
