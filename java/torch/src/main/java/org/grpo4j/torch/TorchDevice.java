package org.grpo4j.torch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.DeviceType;

/**
 * Where a model's tensors lie: host memory, or one GPU's.
 *
 * @param kind of memory
 * @param index of the GPU; 0 elsewhere
 */
public record TorchDevice(Kind kind, int index) {
  private static final Pattern NAME = Pattern.compile("(cpu|cuda)(?::(\\d{1,2}))?");

  /** Host memory. */
  public static final TorchDevice CPU = new TorchDevice(Kind.CPU, 0);

  /** Shapes without memory: libtorch refuses to mix such a tensor with one that has memory. */
  static final TorchDevice META = new TorchDevice(Kind.META, 0);

  /** Kinds of memory. */
  public enum Kind {
    /** The host's. */
    CPU(DeviceType.CPU),
    /** An NVIDIA GPU's. */
    CUDA(DeviceType.CUDA),
    /** None: to find out which tensors an operation makes, and where. */
    META(DeviceType.Meta);

    private final DeviceType type;

    Kind(DeviceType type) {
      this.type = type;
    }
  }

  /**
   * The device of a name: cpu, cuda (the first GPU) or cuda:N.
   *
   * @throws InputException for another name
   */
  public static TorchDevice named(String name) {
    Matcher matcher = NAME.matcher(name);
    boolean known = matcher.matches();
    String index = known ? matcher.group(2) : null;
    if (!known || (name.startsWith("cpu") && index != null)) {
      throw new InputException("device=" + name + ": want cpu, cuda or cuda:N, N a GPU's number");
    }
    return name.startsWith("cpu")
        ? CPU
        : new TorchDevice(Kind.CUDA, index == null ? 0 : Integer.parseInt(index));
  }

  /** Where a tensor lies. */
  static TorchDevice of(Tensor tensor) {
    if (tensor.is_cuda()) {
      return new TorchDevice(Kind.CUDA, tensor.device().index());
    }
    return tensor.is_meta() ? META : CPU;
  }

  /** Whether it is a GPU. */
  public boolean isCuda() {
    return kind == Kind.CUDA;
  }

  /** What is missing to compute there, in words; "" when nothing is. */
  public String unavailableCause() {
    return isCuda() ? TorchCuda.unavailableCause(index) : "";
  }

  /** Bytes that can still be had there. */
  public long freeBytes() {
    return isCuda() ? TorchCuda.freeBytes(this) : Pointer.availablePhysicalBytes();
  }

  /** The tensor itself where it lies here, otherwise a copy; the caller's scope owns it. */
  public Tensor move(Tensor tensor) {
    return tensor.to(new Device(kind.type, (byte) (isCuda() ? index : -1)), tensor.scalar_type());
  }

  DeviceOptional optional() {
    return new DeviceOptional(new Device(kind.type, (byte) (isCuda() ? index : -1)));
  }

  /** The name as {@link #named} takes it. */
  @Override
  public String toString() {
    return isCuda() ? "cuda:" + index : kind == Kind.CPU ? "cpu" : "meta";
  }
}
