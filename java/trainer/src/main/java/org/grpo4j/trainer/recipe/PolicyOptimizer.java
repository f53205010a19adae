package org.grpo4j.trainer.recipe;

import java.nio.file.Path;
import java.util.SortedMap;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.InputArchive;
import org.bytedeco.pytorch.OptimizerParamGroup;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.OutputArchive;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.OptimizerSettings;

/**
 * AdamW with decoupled weight decay, gradient clipping by the global norm and a learning-rate
 * schedule: libtorch's optimizer, set up as transformers' Trainer sets it up (no decay on biases
 * and norm weights).
 */
final class PolicyOptimizer implements AutoCloseable {
  private final TensorVector parameters;
  private final AdamW adam;
  private final OptimizerSettings settings;
  private final int totalSteps;

  /**
   * @param parameters trainable tensors by name; they outlive the optimizer
   * @param totalSteps updates of the whole run, for the schedule
   */
  PolicyOptimizer(
      SortedMap<String, Tensor> parameters, OptimizerSettings settings, int totalSteps) {
    this.parameters = new TensorVector();
    TensorVector decayed = new TensorVector();
    TensorVector plain = new TensorVector();
    parameters.forEach(
        (name, tensor) -> {
          this.parameters.push_back(tensor);
          (tensor.dim() > 1 ? decayed : plain).push_back(tensor);
        });
    this.adam = new AdamW(decayed, options(settings, settings.weightDecay()));
    if (!plain.empty()) {
      adam.add_param_group(new OptimizerParamGroup(plain, options(settings, 0)));
    }
    this.settings = settings;
    this.totalSteps = totalSteps;
  }

  private static AdamWOptions options(OptimizerSettings settings, double weightDecay) {
    AdamWOptions options = new AdamWOptions(settings.learningRate());
    options.eps().put(settings.adamEpsilon());
    options.weight_decay().put(weightDecay);
    putBetas(options.betas(), settings.adamBeta1(), settings.adamBeta2());
    return options;
  }

  /**
   * betas is a std::tuple, whose elements libstdc++ lays out last first and libc++ first first: the
   * defaults (0.9, 0.999) tell which.
   */
  private static void putBetas(DoublePointer betas, double beta1, double beta2) {
    int first = betas.get(0) == 0.9 ? 0 : 1;
    if (betas.get(first) != 0.9 || betas.get(1 - first) != 0.999) {
      throw new IllegalStateException(
          "AdamWOptions.betas() holds neither order of the defaults 0.9 and 0.999: "
              + "this libtorch lays the tuple out in a way this program does not know");
    }
    betas.put(first, beta1);
    betas.put(1 - first, beta2);
  }

  /**
   * One update from the accumulated gradients, which are cleared.
   *
   * @param step number of updates done before this one
   * @return global gradient norm before clipping; a value that is not finite means that no update
   *     was made
   */
  double step(int step) {
    try (PointerScope scope = new PointerScope()) {
      // torch's clip_grad_norm_ with an unlimited bound still measures the norm.
      double bound = settings.maxGradNorm() > 0 ? settings.maxGradNorm() : Double.POSITIVE_INFINITY;
      double norm = torch.clip_grad_norm_(parameters, bound);
      if (Double.isFinite(norm)) {
        double rate = learningRate(step);
        OptimizerParamGroupVector groups = adam.param_groups();
        for (long g = 0; g < groups.size(); g++) {
          groups.get(g).options().set_lr(rate);
        }
        adam.step();
      }
      adam.zero_grad();
      return norm;
    }
  }

  /** Learning rate of the update that follows {@code step} others. */
  double learningRate(int step) {
    return settings.learningRate() * settings.scheduleFactor(step, totalSteps);
  }

  /** Writes the moments in libtorch's own archive format. */
  void save(Path file) {
    try (PointerScope scope = new PointerScope()) {
      OutputArchive archive = new OutputArchive();
      adam.save(archive);
      archive.save_to(file.toString());
    } catch (RuntimeException e) {
      throw new InputException("cannot write the optimizer state " + file + ": " + firstLine(e), e);
    }
  }

  /** Reads what {@link #save} wrote for the same parameters, wherever they were then. */
  void load(Path file) {
    try (PointerScope scope = new PointerScope()) {
      InputArchive archive = new InputArchive();
      archive.load_from(file.toString(), new DeviceOptional(parameters.get(0).device()));
      adam.load(archive);
    } catch (RuntimeException e) {
      throw new InputException("cannot read the optimizer state " + file + ": " + firstLine(e), e);
    }
  }

  private static String firstLine(RuntimeException e) {
    String message = String.valueOf(e.getMessage());
    return message.lines().findFirst().orElse(message);
  }

  @Override
  public void close() {
    adam.close();
    parameters.close();
  }
}
