package org.grpo4j.trainer.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.trainer.config.ModelSettings;

/**
 * The shapes of the models in configs/, as their config.json files have them: a dry run needs no
 * checkpoint. They are resources beside this class, one file for each folder name.
 */
final class PublishedShapes {
  private PublishedShapes() {}

  /** The shape by the folder's name where the folder is absent; empty for another name. */
  static Optional<ModelConfig> ifAbsent(ModelSettings model) {
    Path folder = Path.of(model.modelNameOrPath());
    if (model.embedded() || Files.isDirectory(folder)) {
      return Optional.empty();
    }
    String resource = "shapes/" + folder.getFileName() + ".json";
    try (InputStream in = PublishedShapes.class.getResourceAsStream(resource)) {
      if (in == null) {
        return Optional.empty();
      }
      ObjectNode json = new ObjectMapper().readValue(in, ObjectNode.class);
      return Optional.of(ModelConfig.parse(json, Path.of(resource)));
    } catch (IOException e) {
      throw new IllegalStateException("resource " + resource + " is unreadable", e);
    }
  }
}
