// Memory of the (emulated) device that tests copy to and from.
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include <utility>
#include <vector>

#include "grpo4j/grpo4j_cuda.h"

// Exactly `count` elements, so that AddressSanitizer sees one more.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(int64_t count) : count_(count) {
    if (count > 0) {
      memory_ = static_cast<T*>(grpo4j_cuda_allocate(count * int64_t{sizeof(T)}));
      if (memory_ == nullptr) abort();
    }
  }
  explicit DeviceArray(const std::vector<T>& host) : DeviceArray(static_cast<int64_t>(host.size())) {
    put(host);
  }
  DeviceArray(DeviceArray&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), count_(other.count_) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { grpo4j_cuda_free(memory_); }

  void put(const std::vector<T>& host) {
    if (grpo4j_cuda_copy_in(memory_, host.data(), count_ * int64_t{sizeof(T)}) != GRPO4J_OK) abort();
  }
  std::vector<T> get() const {
    std::vector<T> host(static_cast<size_t>(count_));
    if (grpo4j_cuda_copy_out(host.data(), memory_, count_ * int64_t{sizeof(T)}) != GRPO4J_OK) {
      abort();
    }
    return host;
  }
  // Null where there are no elements.
  T* data() const { return memory_; }

 private:
  T* memory_ = nullptr;
  int64_t count_;
};
