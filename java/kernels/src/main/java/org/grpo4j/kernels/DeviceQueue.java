package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativePolicyMetrics;
import org.grpo4j.kernels.internal.NativeReport;
import org.jspecify.annotations.Nullable;

/**
 * Work on a device, done in the order in which it is enqueued: a backend, one of its streams, and
 * the memory that calls need beside their arguments.
 *
 * <p>{@link Logits#onDevice} puts logits on a queue. The operations' {@code enqueue} then takes
 * device pointers everywhere, returns at once, and leaves metrics on the device until {@link
 * DeviceResult#read} waits for them; {@code compute} is both in one. Nothing is copied but those
 * metrics. Values in device memory can't be looked at from here: a row index, an offset or a target
 * out of range is a bad row when the result is read.
 *
 * <p>Memory grows with the largest call so far and is then used again: after a first call, later
 * ones of its size allocate and wait for nothing. They can be captured in a CUDA graph; {@link
 * #prepare} loads what other sizes and options would load first. A queue is for one thread at a
 * time; calls on two queues may run side by side.
 */
public final class DeviceQueue implements AutoCloseable {
  private static final int SLOT_BYTES = 256;
  private static final int SLOTS_PER_SLAB = 64;

  private final Backend backend;
  private final int device;
  private final Pointer stream;
  private final Map<Scratch, DeviceMemory> scratch = new EnumMap<>(Scratch.class);
  private final List<DeviceMemory> slabs = new ArrayList<>();
  private final Deque<Long> freeSlots = new ArrayDeque<>();
  private final ByteBuffer hostSlot =
      ByteBuffer.allocateDirect(SLOT_BYTES).order(ByteOrder.nativeOrder());
  private boolean closed;

  private DeviceQueue(Backend backend, int device, Pointer stream) {
    this.backend = backend;
    this.device = device;
    this.stream = stream;
  }

  /**
   * Work on a stream of this thread's current device.
   *
   * @param stream whose address is the cudaStream_t, for instance a CUstream_st of JavaCPP's CUDA
   *     preset; null: the default stream
   * @throws KernelException if the backend can't be used, with the cause
   */
  public static DeviceQueue on(Backend backend, @Nullable Pointer stream) {
    requireDevices(backend);
    String cause = backend.unavailableCause();
    if (!cause.isEmpty()) {
      throw new KernelException("backend " + backend + ": " + cause);
    }
    return on(backend, Native.grpo4j_device_current(backend.code()), stream);
  }

  /**
   * Work on a stream of a device. Calls may come from any thread: each is made with this device as
   * its thread's current one, and the one before is current again after it.
   *
   * @param device its number among the backend's devices
   * @param stream a stream of that device; null: its default stream
   * @throws KernelException if the backend or the device can't be used, with the cause
   */
  public static DeviceQueue on(Backend backend, int device, @Nullable Pointer stream) {
    requireDevices(backend);
    // Here, and not at the first call, it is told that there is none, or one too old.
    String cause = backend.unavailableCause(device);
    if (!cause.isEmpty()) {
      throw new KernelException("backend " + backend + ", device " + device + ": " + cause);
    }
    return new DeviceQueue(backend, device, new NativeCalls.Address(Struct.address(stream)));
  }

  private static void requireDevices(Backend backend) {
    check(
        Arguments.present("backend", backend) != Backend.CPU,
        "backend is cpu: want one with a device, cuda or cuda-emulated");
  }

  public Backend backend() {
    return backend;
  }

  /** The number of its device among the backend's. */
  public int device() {
    return device;
  }

  /** Whether its stream is the one at this pointer's address; null: the default stream. */
  public boolean isOn(@Nullable Pointer other) {
    return stream.address() == Struct.address(other);
  }

  /** To be open around every native call. */
  DeviceSelection select() {
    return new DeviceSelection(backend, device);
  }

  /**
   * Loads every kernel onto the device, which otherwise happens at a kernel's first launch. To be
   * called once before calls are captured in a CUDA graph: during a capture nothing can be loaded.
   * Takes as long as the first call of each kind would, together.
   *
   * @throws KernelException if the device fails, or a stream is being captured
   */
  public void prepare() {
    checkOpen();
    try (DeviceSelection selected = select()) {
      checkStatus(Native.grpo4j_device_prepare(backend.code()));
    }
  }

  /**
   * Memory of the device, for callers without another runtime.
   *
   * @throws KernelException if the device has none left
   */
  public DeviceMemory allocate(long bytes) {
    checkOpen();
    try (DeviceSelection selected = select()) {
      return DeviceMemory.allocate(backend, bytes);
    }
  }

  /** Waits until everything enqueued so far is done. */
  public void synchronize() {
    checkOpen();
    try (DeviceSelection selected = select()) {
      checkStatus(Native.grpo4j_device_synchronize(backend.code(), stream));
    }
  }

  Pointer stream() {
    return stream;
  }

  void checkOpen() {
    check(!closed, "the queue was closed");
  }

  /** Turns the status of a call that was enqueued into an exception. */
  void checkStatus(int status) {
    if (status == Native.GRPO4J_DEVICE_ERROR) {
      throw NativeCalls.deviceError(backend);
    }
    NativeCalls.check(status);
  }

  /** What a call may need beside its arguments. */
  enum Scratch {
    WORKSPACE,
    STATES,
    SLOPES
  }

  /**
   * At least these bytes, aligned to 256, for one call after the other.
   *
   * @param bytes as a workspace query gives them; negative: the query rejected its arguments
   */
  Pointer scratch(Scratch use, long bytes) {
    if (bytes < 0) {
      NativeCalls.check(Native.GRPO4J_INVALID_ARGUMENT);
    }
    DeviceMemory memory = scratch.get(use);
    if (memory == null || memory.bytes() < bytes) {
      if (memory != null) {
        synchronize(); // earlier calls may still be using it
        memory.close();
        scratch.remove(use);
      }
      memory = allocate(Math.max(SLOT_BYTES, bytes));
      scratch.put(use, memory);
    }
    return memory.pointer();
  }

  /** How a result is made of what a call left in its slot, and what a bad row means there. */
  record Reading<R>(
      int bytes, int report, boolean badRowsAreErrors, Function<ByteBuffer, R> parse) {
    /** Of a report. */
    static Reading<Isa> report(boolean badRowsAreErrors) {
      return new Reading<>(
          Pointer.sizeof(NativeReport.class), 0, badRowsAreErrors, b -> NativeCalls.isa(b, 0));
    }

    /** Of the metrics of a policy loss. */
    static Reading<PolicyLossMetrics> metrics(PolicyLossConfig config) {
      return new Reading<>(
          Pointer.sizeof(NativePolicyMetrics.class),
          Struct.Metrics.REPORT,
          !config.zeroBadRows(),
          PolicyLossMetrics::of);
    }
  }

  /** A native call that leaves something in a slot and gives a status. */
  interface Launch {
    int run(Pointer slot);
  }

  /** Runs a call with a slot of its own for what it leaves. */
  <R> DeviceResult<R> enqueue(long rows, Reading<R> reading, Launch launch) {
    Pointer slot = takeSlot();
    int status = launch.run(slot);
    if (status != Native.GRPO4J_OK) {
      giveBackSlot(slot);
      checkStatus(status);
    }
    return new DeviceResult<>(this, slot, reading, rows);
  }

  /** A place on the device for the report or the metrics of one call. */
  private Pointer takeSlot() {
    checkOpen();
    if (freeSlots.isEmpty()) {
      DeviceMemory slab = allocate((long) SLOT_BYTES * SLOTS_PER_SLAB);
      slabs.add(slab);
      for (long k = 0; k < SLOTS_PER_SLAB; k++) {
        freeSlots.add(slab.pointer().address() + k * SLOT_BYTES);
      }
    }
    return new NativeCalls.Address(freeSlots.remove());
  }

  void giveBackSlot(Pointer slot) {
    freeSlots.add(slot.address());
  }

  /** Waits for the stream, then copies a slot to the host. */
  ByteBuffer readSlot(Pointer slot, int bytes) {
    synchronize();
    checkStatus(
        Native.grpo4j_device_copy_out(backend.code(), new BytePointer(hostSlot), slot, bytes));
    return hostSlot;
  }

  /** Waits for what is enqueued, and releases the queue's memory; the stream stays its owner's. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    try {
      synchronize();
    } finally {
      closed = true;
      List<DeviceMemory> memories = new ArrayList<>(scratch.values());
      memories.addAll(slabs);
      memories.forEach(DeviceMemory::close);
    }
  }
}
