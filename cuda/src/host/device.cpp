#include "host/device.h"

#include <string>

#include "grpo4j/grpo4j_cuda.h"

namespace grpo4j::cuda {
namespace {

constexpr int32_t kOldestMajor = 8;

thread_local std::string last_error;
thread_local std::string reason;

std::string words_of(cudaError_t error) {
  return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

// A failed call stays the "last error" of the runtime until somebody asks for it; the next launch
// must not be blamed for it.
cudaError_t forgotten(cudaError_t error) {
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
  }
  return error;
}

std::string why_no_device(cudaError_t error) {
  if (error == cudaErrorInsufficientDriver) {
    int32_t driver = 0;
    (void)forgotten(cudaDriverGetVersion(&driver));
    if (driver == 0) {
      return "no NVIDIA driver is installed (libcuda.so.1 was not found)";
    }
    return "the NVIDIA driver supports CUDA " + std::to_string(driver / 1000) + "." +
           std::to_string(driver % 1000 / 10) + ", which is too old; CUDA 13.0 is needed";
  }
  if (error == cudaErrorNoDevice) {
    return "the driver finds no NVIDIA GPU";
  }
  return words_of(error);
}

cudaError_t attribute(int32_t device, cudaDeviceAttr which, int64_t& value) {
  int32_t read = 0;
  const cudaError_t error = cudaDeviceGetAttribute(&read, which, device);
  value = read;
  return error;
}

cudaError_t read_device(int32_t device, DeviceInfo& info) {
  int64_t major = 0;
  int64_t minor = 0;
  int64_t multiprocessors = 0;
  int64_t clusters = 0;
  const struct {
    cudaDeviceAttr which;
    int64_t* value;
  } wanted[] = {
      {cudaDevAttrComputeCapabilityMajor, &major},
      {cudaDevAttrComputeCapabilityMinor, &minor},
      {cudaDevAttrMultiProcessorCount, &multiprocessors},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, &info.shared_per_block},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, &info.shared_per_multiprocessor},
      {cudaDevAttrL2CacheSize, &info.l2_bytes},
      {cudaDevAttrClusterLaunch, &clusters},
  };
  for (const auto& item : wanted) {
    if (const cudaError_t error = attribute(device, item.which, *item.value);
        error != cudaSuccess) {
      return forgotten(error);
    }
  }
  info.major = static_cast<int32_t>(major);
  info.minor = static_cast<int32_t>(minor);
  info.multiprocessors = static_cast<int32_t>(multiprocessors);
  info.clusters = clusters != 0;
  return cudaSuccess;
}

// Why there are no devices; "" when there are.
std::string read_count(int32_t& count) {
  const cudaError_t error = forgotten(cudaGetDeviceCount(&count));
  if (error == cudaSuccess && count > 0) {
    return "";
  }
  return why_no_device(error == cudaSuccess ? cudaErrorNoDevice : error);
}

// Why a device can't run the kernels; "" when it can.
std::string judge_device(int32_t device, DeviceInfo& info) {
  if (const cudaError_t error = read_device(device, info); error != cudaSuccess) {
    return words_of(error);
  }
  if (info.major < kOldestMajor) {
    cudaDeviceProp properties = {};
    const cudaError_t error = forgotten(cudaGetDeviceProperties(&properties, device));
    const std::string name = error == cudaSuccess ? properties.name : "the device";
    return name + " has compute capability " + std::to_string(info.major) + "." +
           std::to_string(info.minor) + "; 8.0 (A100) or newer is needed";
  }
  return "";
}

std::string judge_current_device(DeviceInfo& info) {
  int32_t count = 0;
  if (const std::string why = read_count(count); !why.empty()) {
    return why;
  }
  int32_t device = 0;
  const cudaError_t error = forgotten(cudaGetDevice(&device));
  return error != cudaSuccess ? words_of(error) : judge_device(device, info);
}

}  // namespace

bool current_device(DeviceInfo& device) {
  const std::string why = judge_current_device(device);
  if (!why.empty()) {
    last_error = why;
  }
  return why.empty();
}

int32_t status_of(cudaError_t error, const char* during) {
  if (error == cudaSuccess) {
    return GRPO4J_OK;
  }
  (void)forgotten(error);
  last_error = std::string(during) + ": " + words_of(error);
  return GRPO4J_DEVICE_ERROR;
}

}  // namespace grpo4j::cuda

// Of any device: one that is too old, or busy, must not hide the others.
int32_t grpo4j_cuda_available(void) {
  int32_t count = 0;
  if (!grpo4j::cuda::read_count(count).empty()) {
    return 0;
  }
  for (int32_t device = 0; device < count; ++device) {
    grpo4j::cuda::DeviceInfo info;
    if (grpo4j::cuda::judge_device(device, info).empty()) {
      return 1;
    }
  }
  return 0;
}

const char* grpo4j_cuda_unavailable_reason(void) {
  grpo4j::cuda::DeviceInfo device;
  grpo4j::cuda::reason = grpo4j::cuda::judge_current_device(device);
  return grpo4j::cuda::reason.c_str();
}

const char* grpo4j_cuda_last_error(void) { return grpo4j::cuda::last_error.c_str(); }

int32_t grpo4j_cuda_isa(void) {
#if defined(GRPO4J_CUDA_EMULATED)
  return GRPO4J_ISA_CUDA_EMULATED;
#else
  return GRPO4J_ISA_CUDA;
#endif
}

int32_t grpo4j_cuda_current_device(void) {
  int32_t device = -1;
  return grpo4j::cuda::status_of(cudaGetDevice(&device), "query of the device") == GRPO4J_OK
             ? device
             : -1;
}

int32_t grpo4j_cuda_use_device(int32_t device) {
  return grpo4j::cuda::status_of(cudaSetDevice(device), "choice of a device");
}

void* grpo4j_cuda_allocate(int64_t bytes) {
  void* memory = nullptr;
  if (bytes <= 0) {
    return nullptr;
  }
  const cudaError_t error = cudaMalloc(&memory, static_cast<size_t>(bytes));
  return grpo4j::cuda::status_of(error, "allocation") == GRPO4J_OK ? memory : nullptr;
}

int32_t grpo4j_cuda_free(void* memory) {
  return grpo4j::cuda::status_of(cudaFree(memory), "release of memory");
}

int32_t grpo4j_cuda_copy_in(void* device, const void* host, int64_t bytes) {
  if (bytes < 0 || (bytes > 0 && (device == nullptr || host == nullptr))) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  return grpo4j::cuda::status_of(
      cudaMemcpy(device, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice),
      "copy to the device");
}

int32_t grpo4j_cuda_copy_out(void* host, const void* device, int64_t bytes) {
  if (bytes < 0 || (bytes > 0 && (device == nullptr || host == nullptr))) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  return grpo4j::cuda::status_of(
      cudaMemcpy(host, device, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost),
      "copy from the device");
}

int32_t grpo4j_cuda_synchronize(void* stream) {
  return grpo4j::cuda::status_of(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)),
                                 "synchronisation");
}
