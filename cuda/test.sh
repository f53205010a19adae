#!/bin/sh
# The CUDA kernels on the processor: the emulator's own tests, then the kernels' on all shapes. Where
# NVIDIA's headers are absent, one line says so.
#   sh cuda/test.sh [build folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$here/../target/cuda-emulation"}
mkdir -p "$out"
"$here/emulation/build.sh" "$out" -DGRPO4J_BUILD_TESTS=ON
[ -x "$out/cuda_kernels_test" ] || exit 0
"$out/emulator_test" 2> "$out/emulator_test.err" || { cat "$out/emulator_test.err"; exit 1; }
"$out/cuda_kernels_test"
