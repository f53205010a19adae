// The report from the reasons that kernels stored: 4 bytes of each row are read.
#include "common/report_rows.cuh"

namespace grpo4j::cuda {

cudaError_t launch_report(const RowReasons& reasons, grpo4j_report* report, cudaStream_t stream) {
  return launch_report_of(reasons, report, stream);
}

}  // namespace grpo4j::cuda
