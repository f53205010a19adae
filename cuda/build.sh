#!/usr/bin/env bash
# Builds libgrpo4j_cuda into the folder given. Without nvcc it says so and builds nothing.
#   cuda/build.sh OUT [ARCHITECTURES, for instance 80;90]
set -euo pipefail
source_dir="$(cd "$(dirname "$0")" && pwd)"
build_dir="$1"
if ! command -v "${CUDACXX:-nvcc}" > /dev/null; then
  echo "cuda: skipped, nvcc was not found (set CUDACXX, or put it on the PATH)"
  exit 0
fi
architectures=()
[ $# -lt 2 ] || architectures=("-DGRPO4J_CUDA_ARCHITECTURES=$2")
mkdir -p "$build_dir"
cmake -S "$source_dir" -B "$build_dir" -DCMAKE_BUILD_TYPE=Release "${architectures[@]}" \
    >"$build_dir.log" 2>&1 \
  && cmake --build "$build_dir" --parallel "$(nproc)" >>"$build_dir.log" 2>&1 \
  || { cat "$build_dir.log" >&2; exit 1; }
