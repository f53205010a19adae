// logits_gradient: the gradient of each row, or of a shard of it, from merged states and slopes.
// Formula, aliasing and what is kept in f32: gradient.cuh. logits and gradient [rows, shard], in
// place or disjoint; n * shard * sizeof(Storage) bytes are read and as many written. Rows with slopes
// 0 are not read. Several blocks share a row where rows are few. The report has the rows that
// row_indices gets wrong and those whose temperature can't be the one of their states; what else is
// bad stands in the reports of those.
#include "common/dispatch.cuh"
#include "common/forward.cuh"
#include "common/policy_launch.cuh"
#include "common/report_rows.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

constexpr uint32_t kThreads = 256;

struct GradientPass {
  grpo4j_logits_gradient_args args;
  uint32_t blocks_per_row;
};

__host__ __device__ __forceinline__ RowBatch batch_of(const grpo4j_logits_gradient_args& args) {
  return {args.logits, args.rows, args.vocab_begin, args.vocab_total, true, nullptr, nullptr};
}

struct UsableRows {
  RowBatch batch;
  int64_t n;
  const grpo4j_row_state* states;

  __device__ __forceinline__ int32_t of(int64_t i) const {
    const int32_t reason = row_head(batch, i).reason;
    const bool reported = reason == GRPO4J_ROW_INDEX ||
                          (reason == GRPO4J_ROW_TEMPERATURE && has_mass(states[i]));
    return reported ? reason : GRPO4J_ROW_OK;
  }
};

// The order for row i from its state and slopes.
__device__ __forceinline__ GradientOrder order_of(const grpo4j_logits_gradient_args& args,
                                                  int64_t i, const RowAsked& asked) {
  const grpo4j_row_state& state = args.states[i];
  const RowSlopes slopes = {args.slopes[i].g, args.slopes[i].h};
  if (!has_mass(state) || asked.head.reason == GRPO4J_ROW_TEMPERATURE) {
    return {};
  }
  RowStatistics row = {state.reason, state.max_logit, state.sum, state.weighted, state.squares,
                       0, 0};
  derive(row);
  return order_of(row, slopes, asked);
}

template <class Element, class Kind>
__global__ void __launch_bounds__(kThreads, 2) logits_gradient(const GradientPass pass) {
  const grpo4j_logits_gradient_args& args = pass.args;
  const int64_t i = blockIdx.x / pass.blocks_per_row;
  const RowHead head = row_head(batch_of(args), i);
  if (!head.exists) {
    return;
  }
  const Row<Element> row = logits_row<Element>(args.logits, head.row);
  auto* dz = gradient_row<Element>(args.gradient, head.row);
  const Row<Element> to(dz, row.vocab);
  const Chunks chunks(row.vocab);
  const ChunkRange part =
      part_of({0, chunks.count}, blockIdx.x % pass.blocks_per_row, pass.blocks_per_row);
  const VectorRange held = vectors_of(row, chunks, part);
  const VectorRange elements = elements_of(row, held);
  const bool here = head.target >= elements.begin && head.target < elements.end;
  auto* shared = shared_arena<GradientOrder>();
  if (threadIdx.x == 0) {
    RowAsked asked = {};
    asked.head = head;
    if (here) {
      asked = ask_row<Element, Kind>(args.rows.soft_cap, i, head, row, dz, false);
    }
    *shared = order_of(args, i, asked);
  }
  __syncthreads();
  const GradientOrder order = *shared;
  if (!order.writes) {
    no_gradient(to, Kind::kAccumulate, vectors_of(to, chunks, part), threadIdx.x, blockDim.x);
    return;
  }
  const Gradient<Element, Kind> gradient(order.coefficients,
                                         typename Kind::Cap(args.rows.soft_cap));
  write_gradient(gradient, FromMemory<Element>{row}, row, dz, held, threadIdx.x, blockDim.x);
  __syncthreads();
  if (threadIdx.x == 0 && here) {
    store_element(dz + head.target, Element::from_float(order.at_target));
  }
}

}  // namespace

cudaError_t launch_logits_gradient(const grpo4j_logits_gradient_args& args,
                                   const DeviceInfo& device, cudaStream_t stream) {
  if (args.rows.n == 0) {
    return cudaSuccess;
  }
  const uint32_t blocks_per_row = gradient_blocks(device, args.rows.n, args.logits.vocab);
  const GradientPass pass = {args, blocks_per_row};
  const LaunchShape shape = {static_cast<uint32_t>(args.rows.n) * blocks_per_row, kThreads,
                             sizeof(GradientOrder), 1};
  return with_element(args.logits.dtype, [&](auto element) {
    return with_gradient_kind(
        true, (args.flags & GRPO4J_ACCUMULATE) != 0, args.rows.soft_cap != 0, [&](auto kind) {
          if constexpr (is_plain(kind)) {
            return cudaErrorInvalidValue;  // the slopes are on the device: h may be anything
          } else {
            return launch<logits_gradient<decltype(element), decltype(kind)>>(shape, stream, pass);
          }
        });
  });
}

}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_logits_gradient(const grpo4j_logits_gradient_args* args, grpo4j_report* report,
                                    void* stream) {
  using namespace grpo4j::cuda;
  return run(args, report, [&](const DeviceInfo& device) {
    const auto on = static_cast<cudaStream_t>(stream);
    cudaError_t error = launch_logits_gradient(*args, device, on);
    if (error == cudaSuccess) {
      error = launch_report_of(UsableRows{batch_of(*args), args->rows.n, args->states}, report, on);
    }
    return status_of(error, "logits_gradient");
  });
}
