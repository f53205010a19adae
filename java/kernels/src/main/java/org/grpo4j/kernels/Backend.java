package org.grpo4j.kernels;

import java.util.List;
import java.util.Locale;
import org.grpo4j.kernels.internal.Native;

/**
 * Where the operations run. Those on host memory go to the backend chosen with {@link
 * Kernels#use(Backend)}, at first the CPU; those on a device's memory to the backend of their
 * {@link DeviceQueue}.
 */
public enum Backend {
  /** This processor. */
  CPU(Native.GRPO4J_BACKEND_CPU),
  /** An NVIDIA GPU of compute capability 8.0 or newer. Host memory is copied there and back. */
  CUDA(Native.GRPO4J_BACKEND_CUDA),
  /** The CUDA kernels executed thread by thread on this processor: to check them, far from fast. */
  CUDA_EMULATED(Native.GRPO4J_BACKEND_CUDA_EMULATED);

  private final int code;

  Backend(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static Backend of(int code) {
    for (Backend backend : values()) {
      if (backend.code == code) {
        return backend;
      }
    }
    throw new KernelException("the native library reports an unknown backend " + code);
  }

  /** The backend of a name as {@link #toString} gives it. */
  public static Backend named(String name) {
    Arguments.present("name", name);
    for (Backend backend : values()) {
      if (backend.toString().equals(name.toLowerCase(Locale.ROOT))) {
        return backend;
      }
    }
    throw new IllegalArgumentException(name + ": want one of " + List.of(values()));
  }

  /** Whether its library is here and this thread's current device can run the kernels. */
  public boolean isAvailable() {
    return unavailableCause().isEmpty();
  }

  /**
   * What is missing, in words: the artifact, the driver, a device, a current device new enough. ""
   * when nothing is. The first call loads the library, later ones try again where that failed.
   */
  public String unavailableCause() {
    String cause = libraryCause();
    return cause.isEmpty() && this != CPU ? NativeCalls.unavailableReason(this) : cause;
  }

  /**
   * The same for the device of a number, whatever the others are.
   *
   * @param device its number among the backend's devices; the CPU is device 0
   */
  public String unavailableCause(int device) {
    String cause = libraryCause();
    if (!cause.isEmpty()) {
      return cause;
    }
    if (this == CPU) {
      return device == 0 ? "" : "there is no device " + device;
    }
    try (DeviceSelection selected = new DeviceSelection(this, device)) {
      return NativeCalls.unavailableReason(this);
    } catch (KernelException noSuchDevice) {
      return String.valueOf(noSuchDevice.getMessage());
    }
  }

  /** Why its library can't be used on any device. */
  private String libraryCause() {
    return this == CPU ? "" : BackendLibrary.open(this);
  }

  /** The name as {@code -Dgrpo4j.backend} and {@code GRPO4J_BACKEND} take it: cuda-emulated. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
