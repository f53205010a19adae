// Every kernel of the library, for what must be done to all of them.
#pragma once

namespace grpo4j::cuda {

struct KernelEntry {
  const void* kernel;
  const KernelEntry* next;
};

// Complete when the library has loaded, in no particular order.
inline const KernelEntry* kernel_list = nullptr;

// A kernel that some line of the library launches enrols by being named there, so that none can be
// forgotten: launch() makes one of these exist.
template <auto kKernel>
class Enrolled {
 public:
  static const KernelEntry entry;

 private:
  static KernelEntry enrol() {
    const KernelEntry* others = kernel_list;
    kernel_list = &entry;
    return {reinterpret_cast<const void*>(kKernel), others};
  }
};

template <auto kKernel>
const KernelEntry Enrolled<kKernel>::entry = Enrolled<kKernel>::enrol();

}  // namespace grpo4j::cuda
