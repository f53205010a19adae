package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.serve.ToolCallSyntax.Call;
import org.grpo4j.trainer.serve.ToolCallSyntax.Part;
import org.jspecify.annotations.Nullable;

/** A chat completion as an answer, whole or as events. */
final class ChatAnswer implements GenerationListener {
  private final ChatRequest request;
  private final AnswerSink sink;
  private final String model;
  private final String id = Answers.id("chatcmpl-");
  private final long created = Answers.now();
  private final List<Choice> choices = new ArrayList<>();

  ChatAnswer(ChatRequest request, ServedModel served, AnswerSink sink) {
    this.request = request;
    this.sink = sink;
    model = served.name();
    for (int i = 0; i < request.generation().choices(); i++) {
      ToolCallSyntax syntax = request.readCalls() ? served.toolCalls() : ToolCallSyntax.NONE;
      choices.add(new Choice(i, syntax.reader()));
    }
  }

  @Override
  public void text(int choice, String text, List<TokenLogProb> tokens) {
    Choice own = choices.get(choice);
    own.add(own.reader.append(text), tokens);
  }

  @Override
  public void finished(int choice, FinishReason reason) {
    Choice own = choices.get(choice);
    own.add(own.reader.rest(), List.of());
    own.finish(reason);
  }

  @Override
  public void done(int completionTokens) {
    int promptTokens = request.generation().prompt().length;
    sink.tokens(promptTokens, completionTokens);
    ObjectNode usage = Answers.usage(promptTokens, completionTokens);
    if (request.stream().on()) {
      if (request.stream().usage()) {
        ObjectNode last = head("chat.completion.chunk");
        last.putArray("choices");
        last.set("usage", usage);
        sink.event(last);
      }
      sink.endOfEvents();
      return;
    }
    ObjectNode body = head("chat.completion");
    ArrayNode list = body.putArray("choices");
    choices.forEach(choice -> list.add(choice.whole()));
    body.set("usage", usage);
    sink.json(body);
  }

  @Override
  public void failed(ApiException failure) {
    sink.fail(failure);
  }

  private ObjectNode head(String object) {
    return Answers.JSON
        .objectNode()
        .put("id", id)
        .put("object", object)
        .put("created", created)
        .put("model", model);
  }

  private static ObjectNode call(Call call) {
    ObjectNode json = Answers.JSON.objectNode().put("id", Answers.id("call_"));
    json.put("type", "function");
    json.putObject("function").put("name", call.name()).put("arguments", call.arguments());
    return json;
  }

  /** One of the completions. */
  private final class Choice {
    final ToolCallReader reader;
    private final int index;
    private final StringBuilder content = new StringBuilder();
    private final List<ObjectNode> calls = new ArrayList<>();
    private final List<TokenLogProb> logProbs = new ArrayList<>();
    private boolean opened;
    private String finishReason = "";

    Choice(int index, ToolCallReader reader) {
      this.index = index;
      this.reader = reader;
    }

    void add(Part part, List<TokenLogProb> tokens) {
      List<ObjectNode> fresh = new ArrayList<>();
      for (Call each : part.calls()) {
        if (request.parallelCalls() || calls.isEmpty()) {
          ObjectNode call = call(each);
          calls.add(call);
          fresh.add(call);
        }
      }
      if (request.stream().on()) {
        stream(part.content(), fresh, tokens);
      } else {
        content.append(part.content());
        logProbs.addAll(tokens);
      }
    }

    private void stream(String text, List<ObjectNode> fresh, List<TokenLogProb> tokens) {
      open();
      if (!text.isEmpty() || !tokens.isEmpty()) {
        ObjectNode delta = Answers.JSON.objectNode().put("content", text);
        chunk(delta, tokens, null);
      }
      for (ObjectNode call : fresh) {
        ObjectNode delta = Answers.JSON.objectNode();
        ObjectNode indexed = Answers.JSON.objectNode().put("index", calls.indexOf(call));
        delta.putArray("tool_calls").add(indexed.setAll(call));
        chunk(delta, List.of(), null);
      }
    }

    private void open() {
      if (!opened) {
        opened = true;
        chunk(
            Answers.JSON.objectNode().put("role", "assistant").put("content", ""), List.of(), null);
      }
    }

    private void chunk(ObjectNode delta, List<TokenLogProb> tokens, @Nullable String reason) {
      ObjectNode event = head("chat.completion.chunk");
      ObjectNode choice = event.putArray("choices").addObject().put("index", index);
      choice.set("delta", delta);
      setLogProbs(choice, tokens);
      choice.put("finish_reason", reason);
      if (request.stream().usage()) {
        event.set("usage", NullNode.getInstance());
      }
      sink.event(event);
    }

    private void setLogProbs(ObjectNode choice, List<TokenLogProb> tokens) {
      if (request.generation().topLogProbs() < 0 || (request.stream().on() && tokens.isEmpty())) {
        choice.set("logprobs", NullNode.getInstance());
        return;
      }
      ObjectNode logProbs = choice.putObject("logprobs");
      logProbs.set("content", Answers.chatLogProbs(tokens));
      logProbs.set("refusal", NullNode.getInstance());
    }

    void finish(FinishReason reason) {
      boolean called = reason == FinishReason.STOP && !calls.isEmpty();
      finishReason = called ? "tool_calls" : Answers.name(reason);
      if (request.stream().on()) {
        open();
        chunk(Answers.JSON.objectNode(), List.of(), finishReason);
      }
    }

    ObjectNode whole() {
      ObjectNode choice = Answers.JSON.objectNode().put("index", index);
      ObjectNode message = choice.putObject("message").put("role", "assistant");
      // OpenAI's content is null beside calls alone.
      message.put("content", content.isEmpty() && !calls.isEmpty() ? null : content.toString());
      message.set("refusal", NullNode.getInstance());
      if (!calls.isEmpty()) {
        message.putArray("tool_calls").addAll(calls);
      }
      setLogProbs(choice, logProbs);
      return choice.put("finish_reason", finishReason);
    }
  }
}
