// Parts of a workspace, one after another, each aligned for any access.
#pragma once

#include <stdint.h>

namespace grpo4j::cuda {

constexpr int64_t kWorkspaceAlignment = 256;

class Workspace {
 public:
  // Without memory it only counts: that is how the queries get their answer.
  explicit Workspace(void* memory) : memory_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(int64_t count) {
    char* part = memory_ == nullptr ? nullptr : memory_ + used_;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    used_ += (bytes + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
    return reinterpret_cast<T*>(part);
  }

  int64_t used() const { return used_; }

 private:
  char* memory_;
  int64_t used_ = 0;
};

// Whether the caller's workspace is as large as its query said.
inline bool workspace_fits(const void* workspace, int64_t bytes, int64_t needed) {
  return needed == 0 || (workspace != nullptr && bytes >= needed &&
                         reinterpret_cast<uintptr_t>(workspace) % kWorkspaceAlignment == 0);
}

}  // namespace grpo4j::cuda
