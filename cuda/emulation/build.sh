#!/usr/bin/env bash
# Builds libgrpo4j_cuda_emulated into the folder given; more arguments go to CMake, for instance
# -DGRPO4J_BUILD_TESTS=ON. Where NVIDIA's headers are absent it says so in one line and leaves
# nothing there; the exit status is 0, because everything else works without.
#   cuda/emulation/build.sh OUT [cmake settings]
set -euo pipefail
source_dir="$(cd "$(dirname "$0")" && pwd)"
build_dir="$1"
shift
mkdir -p "$build_dir"
if ! cmake -S "$source_dir" -B "$build_dir" "$@" >"$build_dir.log" 2>&1; then
  if grep -q "cuda_fp16.h was not found" "$build_dir.log"; then
    echo "skipped: the CUDA emulation, for want of cuda_fp16.h (install the CUDA toolkit or set CUDA_HOME)"
    rm -f "$build_dir/libgrpo4j_cuda_emulated.so"
    exit 0
  fi
  cat "$build_dir.log" >&2
  exit 1
fi
cmake --build "$build_dir" --parallel "$(nproc)" >>"$build_dir.log" 2>&1 \
  || { cat "$build_dir.log" >&2; exit 1; }
