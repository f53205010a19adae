// The part of the CUDA runtime that the host code uses, for an emulated device.
#include "devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <compare>
#include <iterator>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>

#include "sanitizer.h"

namespace grpo4j::emulation {
namespace {

// Public figures of the devices; shared memory in bytes per block (opt-in) and per multiprocessor.
struct Device {
  const char* setting;
  const char* name;
  int major;
  int minor;
  int multiprocessors;
  int shared_per_block;
  int shared_per_multiprocessor;
  int threads_per_multiprocessor;
  int l2_bytes;
};

constexpr Device kDevices[] = {
    {"h100", "NVIDIA H100 (emulated)", 9, 0, 132, 227 << 10, 228 << 10, 2048, 50 << 20},
    {"h200", "NVIDIA H200 (emulated)", 9, 0, 132, 227 << 10, 228 << 10, 2048, 50 << 20},
    {"a100", "NVIDIA A100 (emulated)", 8, 0, 108, 163 << 10, 164 << 10, 2048, 40 << 20},
    {"b200", "NVIDIA B200 (emulated)", 10, 0, 148, 227 << 10, 228 << 10, 2048, 126 << 20},
    {"rtx5090", "NVIDIA GeForce RTX 5090 (emulated)", 12, 0, 170, 99 << 10, 100 << 10, 1536, 96 << 20},
    {"v100", "Tesla V100 (emulated)", 7, 0, 80, 96 << 10, 96 << 10, 2048, 6 << 20},
};

constexpr int kSharedWithoutAsking = 48 << 10;

// Those of the process, by their numbers.
struct Devices {
  std::array<const Device*, 8> list;
  int count;
  const Devices* before = nullptr;  // the ones replaced: they may still be read and are never freed

  const Device* at(int number) const {
    return number >= 0 && number < count ? list[static_cast<size_t>(number)] : nullptr;
  }
};

constexpr Devices kAtFirst = {{&kDevices[0]}, 1};
constinit std::atomic<const Devices*> present{&kAtFirst};

// As on a device: each host thread has a current one, at first number 0.
thread_local int chosen = 0;

// A device as it is now, and the place of its kernels' states: two of a kind are two devices.
struct Place {
  const Device* device;
  int number;
  auto operator<=>(const Place&) const = default;
};

// The thread's current one; without a device where there is none.
Place current() {
  const Devices& devices = *present.load();
  const int number = chosen < devices.count ? chosen : 0;
  return {devices.at(number), number};
}

std::atomic<bool> capturing{false};

// What the runtime knows of each kernel on each device.
class Kernels {
 public:
  int shared_limit(const Place& place, const void* kernel) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return states_[{place, kernel}].shared_limit;
  }
  // False where it would be lowered: on a device another thread, about to launch with more, would fail.
  bool raise_shared_limit(const Place& place, const void* kernel, int bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    int& limit = states_[{place, kernel}].shared_limit;
    if (bytes < limit) return false;
    limit = bytes;
    return true;
  }
  // At its first use; while a stream is captured nothing can be loaded.
  cudaError_t load(const Place& place, const void* kernel) {
    const std::lock_guard<std::mutex> lock(mutex_);
    bool& loaded = states_[{place, kernel}].loaded;
    if (!loaded && capturing.load()) return cudaErrorStreamCaptureUnsupported;
    loaded = true;
    return cudaSuccess;
  }
  void unload_all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [key, state] : states_) state.loaded = false;
  }

 private:
  struct State {
    int shared_limit = kSharedWithoutAsking;
    bool loaded = false;
  };

  std::mutex mutex_;
  std::map<std::pair<Place, const void*>, State> states_;
};

Kernels& kernels() {
  static auto* instance = new Kernels;  // never destroyed: workers may outlive main
  return *instance;
}

thread_local cudaError_t last_error = cudaSuccess;

// What may not be done while a stream is captured.
cudaError_t outside_of_captures() {
  return capturing.load() ? set_last_error(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

uint64_t resident_blocks(const Device& device, const LaunchConfiguration& c) {
  const uint32_t threads = c.block.x * c.block.y * c.block.z;
  const uint64_t by_threads = static_cast<uint64_t>(device.threads_per_multiprocessor) / threads;
  // The driver keeps 1 KiB of each block's shared memory.
  const uint64_t by_memory =
      static_cast<uint64_t>(device.shared_per_multiprocessor) / (c.shared_bytes + 1024);
  return std::max<uint64_t>(1, std::min(by_threads, by_memory)) *
         static_cast<uint64_t>(device.multiprocessors);
}

}  // namespace

bool use_devices(const char* names) {
  Devices devices = {};
  std::istringstream list(strcmp(names, "none") == 0 ? "" : names);
  for (std::string name; std::getline(list, name, ',');) {
    const auto* found = std::find_if(std::begin(kDevices), std::end(kDevices),
                                     [&](const Device& d) { return name == d.setting; });
    if (found == std::end(kDevices) || devices.count == static_cast<int>(devices.list.size())) {
      return false;
    }
    devices.list[static_cast<size_t>(devices.count++)] = found;
  }
  devices.before = present;
  present = new Devices(devices);
  return true;
}

void set_capturing(bool on) { capturing = on; }

void unload_kernels() { kernels().unload_all(); }

cudaError_t set_last_error(cudaError_t error) { return last_error = error; }

cudaError_t check_launch(const LaunchConfiguration& c) {
  const Place place = current();
  const Device* device = place.device;
  if (device == nullptr) return cudaErrorNoDevice;
  const uint64_t threads = uint64_t{c.block.x} * c.block.y * c.block.z;
  if (c.kernel == nullptr) return cudaErrorInvalidDeviceFunction;
  if (threads == 0 || threads > 1024 || c.grid.x == 0 || c.grid.x > 0x7fffffffu || c.grid.y == 0 ||
      c.grid.y > 65535 || c.grid.z == 0 || c.grid.z > 65535) {
    return cudaErrorInvalidConfiguration;
  }
  if (c.shared_bytes > static_cast<size_t>(device->shared_per_block) ||
      c.shared_bytes > static_cast<size_t>(kernels().shared_limit(place, c.kernel))) {
    return cudaErrorInvalidValue;
  }
  if (c.cluster_size == 0 || c.grid.x % c.cluster_size != 0 || c.cluster_size > 8) {
    return cudaErrorInvalidClusterSize;
  }
  if (c.cluster_size > 1 && device->major < 9) return cudaErrorInvalidClusterSize;
  return kernels().load(place, c.kernel);
}

int64_t l2_share(const LaunchConfiguration& c) {
  const Device& device = *current().device;
  const uint64_t blocks = uint64_t{c.grid.x} * c.grid.y * c.grid.z;
  return device.l2_bytes / static_cast<int64_t>(std::min(blocks, resident_blocks(device, c)));
}

}  // namespace grpo4j::emulation

using namespace grpo4j::emulation;

namespace {

cudaError_t attribute(const Device& device, cudaDeviceAttr which, int& value) {
  switch (which) {
    case cudaDevAttrMultiProcessorCount: value = device.multiprocessors; break;
    case cudaDevAttrComputeCapabilityMajor: value = device.major; break;
    case cudaDevAttrComputeCapabilityMinor: value = device.minor; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: value = kSharedWithoutAsking; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: value = device.shared_per_block; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: value = device.shared_per_multiprocessor; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: value = device.threads_per_multiprocessor; break;
    case cudaDevAttrMaxThreadsPerBlock: value = 1024; break;
    case cudaDevAttrWarpSize: value = 32; break;
    case cudaDevAttrL2CacheSize: value = device.l2_bytes; break;
    case cudaDevAttrClusterLaunch: value = device.major >= 9; break;
    default: return set_last_error(cudaErrorNotSupported);
  }
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = present.load()->count;
  return *count == 0 ? set_last_error(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current().number;
  return current().device == nullptr ? set_last_error(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (present.load()->at(device) == nullptr) return set_last_error(cudaErrorInvalidDevice);
  chosen = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int number) {
  const Device* device = present.load()->at(number);
  return device == nullptr ? set_last_error(cudaErrorInvalidDevice)
                           : attribute(*device, which, *value);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  const Device* device = present.load()->at(number);
  if (device == nullptr) return set_last_error(cudaErrorInvalidDevice);
  memset(properties, 0, sizeof *properties);
  snprintf(properties->name, sizeof properties->name, "%s", device->name);
  properties->major = device->major;
  properties->minor = device->minor;
  properties->multiProcessorCount = device->multiprocessors;
  properties->warpSize = 32;
  properties->l2CacheSize = device->l2_bytes;
  properties->sharedMemPerBlockOptin = static_cast<size_t>(device->shared_per_block);
  properties->sharedMemPerMultiprocessor = static_cast<size_t>(device->shared_per_multiprocessor);
  properties->maxThreadsPerMultiProcessor = device->threads_per_multiprocessor;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute which, int value) {
  const Place place = current();
  if (place.device == nullptr) return set_last_error(cudaErrorNoDevice);
  if (which != cudaFuncAttributeMaxDynamicSharedMemorySize) {
    return set_last_error(cudaErrorNotSupported);
  }
  if (const cudaError_t error = kernels().load(place, kernel); error != cudaSuccess) {
    return set_last_error(error);
  }
  return value <= place.device->shared_per_block &&
                 kernels().raise_shared_limit(place, kernel, value)
             ? cudaSuccess
             : set_last_error(cudaErrorInvalidValue);
}

// Of a kernel here nothing is known but whether it is loaded.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  const Place place = current();
  if (place.device == nullptr) return set_last_error(cudaErrorNoDevice);
  memset(attributes, 0, sizeof *attributes);
  attributes->maxDynamicSharedSizeBytes = kernels().shared_limit(place, kernel);
  return set_last_error(kernels().load(place, kernel));
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = present.load()->count == 0 ? 0 : CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  count_allocation();
  if (current().device == nullptr) return set_last_error(cudaErrorNoDevice);
  if (outside_of_captures() != cudaSuccess) return cudaErrorStreamCaptureUnsupported;
  // Exactly that many bytes: AddressSanitizer sees one more.
  if (posix_memalign(memory, 256, std::max<size_t>(bytes, 1)) != 0) {
    return set_last_error(cudaErrorMemoryAllocation);
  }
  const uint32_t pattern = fill_pattern();
  for (size_t i = 0; i < bytes; ++i) {
    static_cast<unsigned char*>(*memory)[i] = static_cast<unsigned char>(pattern >> (8 * (i % 4)));
  }
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  count_allocation();
  if (outside_of_captures() != cudaSuccess) return cudaErrorStreamCaptureUnsupported;
  free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  count_synchronization();
  if (outside_of_captures() != cudaSuccess) return cudaErrorStreamCaptureUnsupported;
  if (bytes > 0) memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (bytes > 0) memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  if (bytes > 0) memset(memory, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  return cudaMemset(memory, value, bytes);
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  count_synchronization();
  return outside_of_captures();
}

cudaError_t cudaDeviceSynchronize(void) {
  count_synchronization();
  return outside_of_captures();
}

cudaError_t cudaGetLastError(void) {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError(void) { return last_error; }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDeviceFunction: return "cudaErrorInvalidDeviceFunction";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported: return "cudaErrorNotSupported";
    case cudaErrorInvalidClusterSize: return "cudaErrorInvalidClusterSize";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    default: return "unrecognized error code";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInvalidDeviceFunction: return "invalid device function";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    case cudaErrorNotSupported: return "operation not supported";
    case cudaErrorInvalidClusterSize: return "invalid cluster size";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    default: return "unrecognized error code";
  }
}

}  // extern "C"
