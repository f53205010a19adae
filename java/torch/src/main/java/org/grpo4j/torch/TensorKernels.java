package org.grpo4j.torch;

import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DeviceQueue;
import org.grpo4j.kernels.DeviceResult;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.jspecify.annotations.Nullable;

/**
 * The loss kernels on a model's tensors, wherever these lie. What belongs to each row is given on
 * the host and copied where the kernels read it.
 *
 * <p>On the host a call is done when it returns. On a GPU it is enqueued on libtorch's current
 * stream, after the tensor operations before it and before those after it, and the first wait is
 * the reading of its result. Tensors are made, used and freed on that one stream, so libtorch's
 * allocator hands their memory on in the same order; nothing needs record_stream.
 *
 * <p>Copies belong to the caller's innermost PointerScope: leave it after the results were read.
 * For one thread at a time.
 */
public final class TensorKernels implements AutoCloseable {
  private final TorchDevice device;
  private final Backend backend;
  private final @Nullable DeviceQueue queue;

  private TensorKernels(TorchDevice device, Backend backend, @Nullable DeviceQueue queue) {
    this.device = device;
    this.backend = backend;
    this.queue = queue;
  }

  /** Host memory, and the backend that {@link Kernels#backend} names when this is called. */
  public static TensorKernels onHost() {
    return new TensorKernels(TorchDevice.CPU, Kernels.backend(), null);
  }

  /**
   * Tensors of a device, and the backend that reads them. The emulated device's memory is the
   * host's: it takes the host's tensors, by the calls that a GPU gets.
   *
   * @throws InputException if one of the two is not here, with the cause, or they do not go
   *     together
   */
  public static TensorKernels on(TorchDevice device, Backend backend) {
    String cause = device.unavailableCause();
    if (!cause.isEmpty()) {
      throw new InputException("device=" + device + ": " + cause);
    }
    if (device.isCuda()) {
      if (backend != Backend.CUDA) {
        throw new InputException(
            "backend=" + backend + " can't read tensors on device=" + device + ": want cuda");
      }
      return new TensorKernels(device, backend, TorchCuda.queue(device));
    }
    cause = backend.unavailableCause();
    if (!cause.isEmpty()) {
      throw new InputException("backend=" + backend + ": " + cause);
    }
    if (backend == Backend.CUDA_EMULATED) {
      return new TensorKernels(device, backend, DeviceQueue.on(backend, null));
    }
    Kernels.use(backend);
    return new TensorKernels(device, backend, null);
  }

  /** Where the tensors lie. */
  public TorchDevice device() {
    return device;
  }

  /** What computes. */
  public Backend backend() {
    return backend;
  }

  /** The instruction set that computes. */
  private String isa() {
    return queue == null ? Kernels.isa().toString() : backend.toString();
  }

  /** One line for logs: device, backend, instruction set, threads. */
  public String describe() {
    String where = device.isCuda() ? device + " (" + TorchCuda.name(device) + ")" : "cpu";
    return "device %s, backend %s, isa %s of %s, %d threads"
        .formatted(where, backend, isa(), Kernels.availableIsas(), Kernels.threads());
  }

  /**
   * Statistics of n rows, where the kernels write them.
   *
   * @param values [4, n] f32 on the device: logProbs, entropy, lse, sumSquares
   * @param rows the same memory
   */
  public record Statistics(Tensor values, RowStatistics rows) {
    /** What was written, on the host; from a GPU a copy, which waits for what is enqueued. */
    public RowStatistics read() {
      return view(values.cpu(), null);
    }

    private static RowStatistics view(Tensor values, @Nullable DeviceQueue queue) {
      return new RowStatistics(
          TorchTensors.floats(values.select(0, 0), queue),
          TorchTensors.floats(values.select(0, 1), queue),
          TorchTensors.floats(values.select(0, 2), queue),
          TorchTensors.floats(values.select(0, 3), queue));
    }
  }

  /** Memory for the statistics of n rows. */
  public Statistics statistics(long n) {
    Tensor values = Tensors.empty(device, ScalarType.Float, 4, n);
    return new Statistics(values, Statistics.view(values, queue));
  }

  /**
   * The rows of a batch where the kernels read them; on the host the batch itself. A copy to a GPU
   * waits for what is enqueued: make it before the forward pass.
   */
  public PolicyBatch place(PolicyBatch host) {
    if (queue == null) {
      return host;
    }
    return new PolicyBatch(
        integers(host.targets()),
        floats(host.oldLogProbs()),
        floats(host.refLogProbs()),
        present(host.advantages()),
        present(host.policyWeights()),
        present(host.regularizerWeights()),
        longs(host.rowIndices()),
        longs(host.sequenceOffsets()),
        host.advantagesPerSequence(),
        floats(host.temperatures()));
  }

  /**
   * Loss, statistics, and the gradient in the logits' own memory.
   *
   * @param logits [N, V]
   * @param batch as {@link #place} gave it
   * @return gives the metrics; on a GPU it waits for them, and bad rows become an exception then
   * @throws org.grpo4j.kernels.KernelException if rows are bad, on the host
   */
  public Supplier<PolicyLossMetrics> policyLoss(
      Tensor logits, PolicyBatch batch, PolicyLossConfig config, Statistics out) {
    Logits view = TorchTensors.logits(logits, queue);
    if (queue == null) {
      PolicyLossMetrics metrics = PolicyLoss.compute(view, batch, config, out.rows(), view);
      return () -> metrics;
    }
    DeviceResult<PolicyLossMetrics> result =
        PolicyLoss.enqueue(view, batch, config, out.rows(), view);
    return result::read;
  }

  /**
   * Statistics of rows of logits, done when it returns.
   *
   * @param logits [N, V]
   * @param targets [N] on the host, a LongPointer or IntPointer
   */
  public void tokenStats(Tensor logits, Pointer targets, float temperature, Statistics out) {
    Pointer placed = queue == null ? targets : integers(targets);
    TokenStats.compute(TorchTensors.logits(logits, queue), placed, null, temperature, out.rows());
  }

  private FloatPointer present(FloatPointer host) {
    float[] values = new float[Math.toIntExact(host.limit() - host.position())];
    host.get(values);
    return TorchTensors.floats(Tensors.floats(device, values, values.length), queue);
  }

  private @Nullable FloatPointer floats(@Nullable FloatPointer host) {
    return host == null ? null : present(host);
  }

  private @Nullable LongPointer longs(@Nullable LongPointer host) {
    if (host == null) {
      return null;
    }
    long[] values = new long[Math.toIntExact(host.limit() - host.position())];
    host.get(values);
    return TorchTensors.longs(Tensors.longs(device, values, values.length), queue);
  }

  /** Targets, as 64-bit integers. */
  private LongPointer integers(Pointer host) {
    if (host instanceof IntPointer ints) {
      int[] values = new int[Math.toIntExact(ints.limit() - ints.position())];
      ints.get(values);
      return TorchTensors.longs(Tensors.longs(device, values), queue);
    }
    long[] values = new long[Math.toIntExact(host.limit() - host.position())];
    ((LongPointer) host).get(values);
    return TorchTensors.longs(Tensors.longs(device, values, values.length), queue);
  }

  /** Waits for what is enqueued and frees the kernels' memory on the device. */
  @Override
  public void close() {
    if (queue != null) {
      queue.close();
    }
  }
}
