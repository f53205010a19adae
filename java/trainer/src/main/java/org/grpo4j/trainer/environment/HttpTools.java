package org.grpo4j.trainer.environment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * The tools of a file: a JSON list of OpenAI's {@code {type: function, function: {name,
 * description, parameters}}}, each with a {@code url} beside {@code function} or reached under
 * {@code base_url/name}.
 *
 * @param signatures for the chat template, without the URLs
 * @param urls by the tool's name
 */
record HttpTools(List<Map<String, Object>> signatures, Map<String, URI> urls) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static HttpTools read(Path file, @Nullable String baseUrl) {
    List<Map<String, Object>> signatures = new ArrayList<>();
    Map<String, URI> urls = new LinkedHashMap<>();
    for (Map<String, Object> tool : list(file)) {
      String where = file + ": tool " + (signatures.size() + 1);
      if (!(tool.get("function") instanceof Map<?, ?> function)
          || !(function.get("name") instanceof String name)) {
        throw new InputException(where + ": want function.name, as in OpenAI's tools");
      }
      String url = url(tool, name, baseUrl, where);
      if (urls.put(name, uri(url, where)) != null) {
        throw new InputException(where + ": a second tool " + name);
      }
      Map<String, Object> signature = new LinkedHashMap<>(tool);
      signature.remove("url");
      signatures.add(signature);
    }
    if (signatures.isEmpty()) {
      throw new InputException(file + ": holds no tool");
    }
    return new HttpTools(List.copyOf(signatures), Map.copyOf(urls));
  }

  private static String url(
      Map<String, Object> tool, String name, @Nullable String baseUrl, String where) {
    Object own = tool.get("url");
    if (own != null) {
      return own.toString();
    }
    if (baseUrl == null) {
      throw new InputException(
          where + " (" + name + "): has no url, and environment_options has no base_url");
    }
    return baseUrl + (baseUrl.endsWith("/") ? "" : "/") + name;
  }

  private static List<Map<String, Object>> list(Path file) {
    try {
      return JSON.readValue(Files.readString(file), new TypeReference<>() {});
    } catch (JsonProcessingException e) {
      throw new InputException(file + ": want a JSON list of tools", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read (" + e + ")", e);
    }
  }

  private static URI uri(String url, String where) {
    try {
      URI uri = URI.create(url);
      if (uri.getHost() != null
          && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw new InputException(where + ": '" + url + "' is no URL", e);
    }
    throw new InputException(where + ": '" + url + "' is no http or https URL");
  }
}
