#include "dispatch/backend.h"

#include <dlfcn.h>

#include <atomic>
#include <mutex>
#include <string>

#include "grpo4j/grpo4j_backend.h"

namespace grpo4j {
namespace {

struct Backend {
  int32_t isa;  // what its library must say it is
  const char* what;
  std::string problem;
  CudaLibrary library;
  std::atomic<const CudaLibrary*> usable;  // null until the library is open and can run
};

Backend& backend_at(int32_t backend) {
  static Backend backends[GRPO4J_BACKEND_COUNT] = {
      {-1, "the CPU", "", {}, nullptr},
      {GRPO4J_ISA_CUDA, "the CUDA kernels", "its library was not opened", {}, nullptr},
      {GRPO4J_ISA_CUDA_EMULATED, "the emulated CUDA kernels", "its library was not opened", {},
       nullptr}};
  return backends[backend];
}

// An opened library stays open: its table may be in use by other threads.
std::mutex opening;

std::atomic<int32_t>& chosen() {
  static std::atomic<int32_t> backend{GRPO4J_BACKEND_CPU};
  return backend;
}

bool is_device(int32_t backend) {
  return backend > GRPO4J_BACKEND_CPU && backend < GRPO4J_BACKEND_COUNT;
}

const CudaLibrary* usable(int32_t backend) {
  return is_device(backend) ? backend_at(backend).usable.load(std::memory_order_acquire) : nullptr;
}

// The first name that the library does not export, or null.
const char* resolve(void* handle, CudaLibrary& library) {
#define GRPO4J_RESOLVE(name)                                                                     \
  library.name =                                                                                 \
      reinterpret_cast<decltype(library.name)>(dlsym(handle, "grpo4j_cuda_" #name));             \
  if (library.name == nullptr) {                                                                 \
    return "grpo4j_cuda_" #name;                                                                 \
  }
  GRPO4J_CUDA_FUNCTIONS(GRPO4J_RESOLVE)
#undef GRPO4J_RESOLVE
  return nullptr;
}

// Why the library can't be used, "" when it can. A stranger is closed again; the CUDA runtime, once
// asked, has handlers for the process's exit and stays.
std::string open_library(Backend& backend, const char* path) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return dlerror();  // names the file, and what it needs that is missing
  }
  const char* missing = resolve(handle, backend.library);
  if (missing != nullptr) {
    dlclose(handle);
    return std::string(path) + " has no " + missing + ": want a library of " + backend.what +
           " of this version";
  }
  if (backend.library.isa() != backend.isa) {
    dlclose(handle);
    return std::string(path) + " is another library: want one of " + backend.what;
  }
  return backend.library.available() != 0 ? "" : backend.library.unavailable_reason();
}

}  // namespace

const CudaLibrary* active_backend() { return usable(chosen().load(std::memory_order_relaxed)); }

}  // namespace grpo4j

int32_t grpo4j_backend_open(int32_t backend, const char* path) {
  using namespace grpo4j;
  if (!is_device(backend) || path == nullptr || *path == '\0') {
    return GRPO4J_INVALID_ARGUMENT;
  }
  const std::lock_guard<std::mutex> lock(opening);
  Backend& b = backend_at(backend);
  if (usable(backend) != nullptr) {
    return GRPO4J_OK;
  }
  b.problem = open_library(b, path);
  if (!b.problem.empty()) {
    return GRPO4J_DEVICE_ERROR;
  }
  b.usable.store(&b.library, std::memory_order_release);
  return GRPO4J_OK;
}

const char* grpo4j_backend_problem(int32_t backend) {
  return backend >= 0 && backend < GRPO4J_BACKEND_COUNT
             ? grpo4j::backend_at(backend).problem.c_str()
             : nullptr;
}

int32_t grpo4j_use_backend(int32_t backend) {
  if (backend < 0 || backend >= GRPO4J_BACKEND_COUNT) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  if (backend != GRPO4J_BACKEND_CPU && grpo4j::usable(backend) == nullptr) {
    return GRPO4J_DEVICE_ERROR;
  }
  grpo4j::chosen().store(backend, std::memory_order_relaxed);
  return GRPO4J_OK;
}

int32_t grpo4j_backend(void) { return grpo4j::chosen().load(std::memory_order_relaxed); }

// Calls a function of the backend's library, or gives the value for a backend that is not open.
#define GRPO4J_FORWARD(backend, otherwise, call)                       \
  const grpo4j::CudaLibrary* const library = grpo4j::usable(backend);  \
  return library == nullptr ? (otherwise) : library->call

int64_t grpo4j_device_token_stats_workspace(int32_t backend, const grpo4j_token_stats_args* args) {
  GRPO4J_FORWARD(backend, -1, token_stats_workspace(args));
}

int32_t grpo4j_device_token_stats(int32_t backend, const grpo4j_token_stats_args* args,
                                  grpo4j_report* report, void* workspace, int64_t workspace_bytes,
                                  void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR,
                 token_stats(args, report, workspace, workspace_bytes, stream));
}

int64_t grpo4j_device_policy_loss_workspace(int32_t backend, const grpo4j_policy_loss_args* args) {
  GRPO4J_FORWARD(backend, -1, policy_loss_workspace(args));
}

int32_t grpo4j_device_policy_loss(int32_t backend, const grpo4j_policy_loss_args* args,
                                  grpo4j_policy_metrics* metrics, void* workspace,
                                  int64_t workspace_bytes, void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR,
                 policy_loss(args, metrics, workspace, workspace_bytes, stream));
}

int64_t grpo4j_device_row_states_workspace(int32_t backend, const grpo4j_row_states_args* args) {
  GRPO4J_FORWARD(backend, -1, row_states_workspace(args));
}

int32_t grpo4j_device_row_states(int32_t backend, const grpo4j_row_states_args* args,
                                 grpo4j_report* report, void* workspace, int64_t workspace_bytes,
                                 void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR,
                 row_states(args, report, workspace, workspace_bytes, stream));
}

int32_t grpo4j_device_merge_states(int32_t backend, const grpo4j_merge_states_args* args,
                                   grpo4j_report* report, void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, merge_states(args, report, stream));
}

int64_t grpo4j_device_objective_workspace(int32_t backend, const grpo4j_objective_args* args) {
  GRPO4J_FORWARD(backend, -1, objective_workspace(args));
}

int32_t grpo4j_device_objective(int32_t backend, const grpo4j_objective_args* args,
                                grpo4j_policy_metrics* metrics, void* workspace,
                                int64_t workspace_bytes, void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR,
                 objective(args, metrics, workspace, workspace_bytes, stream));
}

int32_t grpo4j_device_logits_gradient(int32_t backend, const grpo4j_logits_gradient_args* args,
                                      grpo4j_report* report, void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, logits_gradient(args, report, stream));
}

int32_t grpo4j_device_group_advantages(int32_t backend, const grpo4j_group_advantages_args* args,
                                       void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, group_advantages(args, stream));
}

int32_t grpo4j_device_token_weights(int32_t backend, const grpo4j_token_weights_args* args,
                                    void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, token_weights(args, stream));
}

int32_t grpo4j_device_prepare(int32_t backend) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, prepare());
}

int32_t grpo4j_device_current(int32_t backend) { GRPO4J_FORWARD(backend, -1, current_device()); }

int32_t grpo4j_device_use(int32_t backend, int32_t device) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, use_device(device));
}

const char* grpo4j_device_unavailable_reason(int32_t backend) {
  GRPO4J_FORWARD(backend, "the backend is not open", unavailable_reason());
}

void* grpo4j_device_allocate(int32_t backend, int64_t bytes) {
  GRPO4J_FORWARD(backend, nullptr, allocate(bytes));
}

int32_t grpo4j_device_free(int32_t backend, void* memory) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, free(memory));
}

int32_t grpo4j_device_copy_in(int32_t backend, void* device, const void* host, int64_t bytes) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, copy_in(device, host, bytes));
}

int32_t grpo4j_device_copy_out(int32_t backend, void* host, const void* device, int64_t bytes) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, copy_out(host, device, bytes));
}

int32_t grpo4j_device_synchronize(int32_t backend, void* stream) {
  GRPO4J_FORWARD(backend, GRPO4J_DEVICE_ERROR, synchronize(stream));
}

const char* grpo4j_device_last_error(int32_t backend) {
  GRPO4J_FORWARD(backend, "the backend is not open", last_error());
}
