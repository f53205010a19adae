package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Plain completions of one or more prompts as an answer, whole or as events. */
final class CompletionAnswer {
  private final CompletionRequest request;
  private final AnswerSink sink;
  private final String model;
  private final String id = Answers.id("cmpl-");
  private final long created = Answers.now();
  private final List<Choice> choices = new ArrayList<>();
  private int openPrompts;
  private int completionTokens;
  private boolean failed;

  CompletionAnswer(CompletionRequest request, ServedModel served, AnswerSink sink) {
    this.request = request;
    this.sink = sink;
    model = served.name();
    openPrompts = request.generations().size();
    request.generations().stream()
        .mapToInt(Generation::choices)
        .forEach(
            n -> {
              for (int i = 0; i < n; i++) {
                choices.add(new Choice(choices.size()));
              }
            });
  }

  /** Hears of the completions of one prompt. */
  GenerationListener ofPrompt(int prompt) {
    int first = prompt * request.generations().get(prompt).choices();
    int count = request.generations().get(prompt).choices();
    return new GenerationListener() {
      @Override
      public void echo(PromptEcho prompt) {
        choices.subList(first, first + count).forEach(choice -> choice.echo(prompt));
      }

      @Override
      public void text(int choice, String text, List<TokenLogProb> tokens) {
        choices.get(first + choice).add(text, tokens);
      }

      @Override
      public void finished(int choice, FinishReason reason) {
        choices.get(first + choice).finish(Answers.name(reason));
      }

      @Override
      public void done(int tokens) {
        completionTokens += tokens;
        openPrompts--;
        if (openPrompts == 0 && !failed) {
          end();
        }
      }

      @Override
      public void failed(ApiException failure) {
        if (!failed) {
          failed = true;
          sink.fail(failure);
        }
      }
    };
  }

  private void end() {
    int promptTokens = request.generations().stream().mapToInt(g -> g.prompt().length).sum();
    sink.tokens(promptTokens, completionTokens);
    ObjectNode usage = Answers.usage(promptTokens, completionTokens);
    ObjectNode body = head();
    ArrayNode list = body.putArray("choices");
    body.set("usage", usage);
    if (!request.stream().on()) {
      choices.forEach(choice -> list.add(choice.whole()));
      sink.json(body);
      return;
    }
    if (request.stream().usage()) {
      sink.event(body);
    }
    sink.endOfEvents();
  }

  private ObjectNode head() {
    return Answers.JSON
        .objectNode()
        .put("id", id)
        .put("object", "text_completion")
        .put("created", created)
        .put("model", model);
  }

  /** One of the completions. */
  private final class Choice {
    private final int index;
    private final StringBuilder text = new StringBuilder();
    private final List<TokenLogProb> logProbs = new ArrayList<>();
    private String finishReason = "";
    // Chars of the echo.
    private int start;

    Choice(int index) {
      this.index = index;
    }

    void echo(PromptEcho prompt) {
      add(prompt.text(), prompt.tokens());
      start = prompt.text().length();
    }

    /** A piece of the completion; its tokens' offsets count from where the prompt ended. */
    void add(String piece, List<TokenLogProb> given) {
      List<TokenLogProb> tokens = given.stream().map(token -> token.shifted(start)).toList();
      if (request.stream().on()) {
        event(piece, tokens, null);
      } else {
        text.append(piece);
        logProbs.addAll(tokens);
      }
    }

    void finish(String reason) {
      finishReason = reason;
      if (request.stream().on()) {
        event("", List.of(), reason);
      }
    }

    private void event(String piece, List<TokenLogProb> tokens, @Nullable String reason) {
      ObjectNode event = head();
      event.putArray("choices").add(choice(piece, tokens, reason));
      if (request.stream().usage()) {
        event.set("usage", NullNode.getInstance());
      }
      sink.event(event);
    }

    ObjectNode whole() {
      return choice(text.toString(), logProbs, finishReason);
    }

    private ObjectNode choice(String piece, List<TokenLogProb> tokens, @Nullable String reason) {
      ObjectNode choice = Answers.JSON.objectNode().put("index", index).put("text", piece);
      boolean wanted = request.generations().get(0).topLogProbs() >= 0;
      choice.set("logprobs", wanted ? Answers.plainLogProbs(tokens) : NullNode.getInstance());
      return choice.put("finish_reason", reason);
    }
  }
}
