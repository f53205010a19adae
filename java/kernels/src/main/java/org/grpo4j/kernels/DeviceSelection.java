package org.grpo4j.kernels;

import org.grpo4j.kernels.internal.Native;

/**
 * A device as the thread's current one, until it is closed; then the one before is current again.
 * To be open around native calls: memory and kernels are the current device's.
 */
final class DeviceSelection implements AutoCloseable {
  private final Backend backend;
  private final int before;
  private final boolean changed;

  /**
   * @throws KernelException if the backend has no such device
   */
  DeviceSelection(Backend backend, int device) {
    this.backend = backend;
    before = Native.grpo4j_device_current(backend.code());
    changed = before != device;
    if (changed) {
      use(device);
    }
  }

  private void use(int device) {
    if (Native.grpo4j_device_use(backend.code(), device) != Native.GRPO4J_OK) {
      throw NativeCalls.deviceError(backend);
    }
  }

  @Override
  public void close() {
    if (changed && before >= 0) {
      use(before);
    }
  }
}
