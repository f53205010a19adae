package org.grpo4j.trainer.reward;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.grpo4j.trainer.python.PythonText;

/**
 * The options of ToolRL's reward.
 *
 * @param release which published form
 * @param chatFrame the chat markup that may still surround a completion
 * @param switches what is turned on
 */
public record ToolRlOptions(Release release, ChatFrame chatFrame, Set<Switch> switches) {

  /** The switches; all but PROGRESSREWARD by the published code's environment variables. */
  public enum Switch {
    /**
     * The format's range shrinks from [−2, 2] to [−1, 1] while that of correctness grows from [−2,
     * 2] to [−3, 3], over 150 steps.
     */
    SCHEDULEREWARD,
    /**
     * ResT's paper form, not in the published code: the total is (1 − ν)·format + ν·correctness
     * with ν the part of the run that is done, so it moves from format to accuracy.
     */
    PROGRESSREWARD,
    /** Correctness in [−1, 1]. */
    CORRECTMAX1,
    /** Correctness a third of its range before step 30, format half of its range from then on. */
    MAX1STEP30MAX3,
    /** Calls that are not all equal give the minimum. */
    COARSEREWARD,
    /** Names and parameter names count only where the lists are equal. */
    REFINEDREWARD,
    /** Per call: equal or nothing. */
    INTERMEDIATEREWARD,
    /** Also measure the reasoning's length; ToolRL adds it to the total, ResT only reports it. */
    WITHLENGTH,
    /** The reasoning's full length is 384 words and grows by 256 per 105 steps, instead of 512. */
    SCHEDULELENGTH
  }

  /** The two published forms. They differ in what counts as well formed, and in the total. */
  public enum Release {
    /** ToolRL: the completion as a whole is the blocks, one per line; length adds to the total. */
    TOOLRL,
    /**
     * ResT: the tags occur in order, text around them is allowed; length stays out of the total.
     */
    REST
  }

  /** Chat markup around the assistant's text. */
  public enum ChatFrame {
    CHATML("<|im_start|>assistant", "<|im_end|>"),
    LLAMA3("<|start_header_id|>assistant<|end_header_id|>", "<|eot_id|>");

    private final String open;
    private final String close;

    ChatFrame(String open, String close) {
      this.open = open;
      this.close = close;
    }

    /** The text of the last assistant turn without its markup and without surrounding space. */
    String strip(String text) {
      return PythonText.strip(PythonText.beforeFirst(PythonText.afterLast(text, open), close));
    }
  }

  public ToolRlOptions {
    switches = Set.copyOf(switches);
    if (switches.contains(Switch.PROGRESSREWARD) && switches.contains(Switch.SCHEDULEREWARD)) {
      throw new InputException(
          "reward options PROGRESSREWARD and SCHEDULEREWARD are two schedules: turn one on");
    }
  }

  /** ResT's release with the given switches on. */
  public static ToolRlOptions of(Switch... on) {
    return new ToolRlOptions(Release.REST, ChatFrame.CHATML, Set.of(on));
  }

  /**
   * The options of a configuration: switches by their names with true or false, {@code RELEASE}
   * with rest (the default) or toolrl, {@code CHAT_FRAME} with chatml (the default) or llama3.
   *
   * @throws InputException for another name or value
   */
  public static ToolRlOptions fromConfig(Map<String, ?> values) {
    Release release = Release.REST;
    ChatFrame chatFrame = ChatFrame.CHATML;
    Set<Switch> switches = EnumSet.noneOf(Switch.class);
    for (Map.Entry<String, ?> entry : values.entrySet()) {
      String name = entry.getKey();
      switch (name) {
        case "RELEASE" -> release = constant(Release.values(), name, entry.getValue());
        case "CHAT_FRAME" -> chatFrame = constant(ChatFrame.values(), name, entry.getValue());
        default -> {
          if (!(entry.getValue() instanceof Boolean on)) {
            throw new InputException(
                "reward option " + name + " is " + entry.getValue() + "; give true or false");
          }
          Switch option = switchNamed(name);
          if (on) {
            switches.add(option);
          }
        }
      }
    }
    return new ToolRlOptions(release, chatFrame, switches);
  }

  /** Whether a switch is on. */
  boolean on(Switch option) {
    return switches.contains(option);
  }

  private static Switch switchNamed(String name) {
    for (Switch option : Switch.values()) {
      if (option.name().equals(name)) {
        return option;
      }
    }
    throw new InputException(
        "unknown reward option '"
            + name
            + "'; "
            + NearestName.suggestion(
                Stream.concat(
                        Stream.of("RELEASE", "CHAT_FRAME"),
                        Arrays.stream(Switch.values()).map(Switch::name))
                    .toList(),
                name));
  }

  private static <E extends Enum<E>> E constant(E[] constants, String name, Object value) {
    for (E constant : constants) {
      if (constant.name().toLowerCase(Locale.ROOT).equals(value)) {
        return constant;
      }
    }
    throw new InputException(
        "reward option "
            + name
            + " is '"
            + value
            + "'; use "
            + Arrays.stream(constants)
                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" or ")));
  }
}
