#!/bin/sh
# The emulator's tests and the kernels' on small shapes, under AddressSanitizer with UBSan and under
# ThreadSanitizer, to which each thread of a kernel is a thread of its own. Where NVIDIA's headers
# are absent, one line says so.
#   sh cuda/sanitize.sh [build folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$here/../target/cuda-sanitize"}
mkdir -p "$out"

run() { # name, what it is called, value of GRPO4J_SANITIZE, groups of tests (none: all)
  "$here/emulation/build.sh" "$out/$1" -DGRPO4J_BUILD_TESTS=ON -DGRPO4J_SANITIZE="$3" \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1
  [ -x "$out/$1/cuda_kernels_test" ] || exit 0
  echo "CUDA kernels, $2:"
  "$out/$1/emulator_test" 2> "$out/$1.err" || { cat "$out/$1.err"; exit 1; }
  test="$out/$1/cuda_kernels_test"
  shift 3
  "$test" --small "$@"
}

run address "AddressSanitizer, UBSan" address,undefined
# One host thread: each would make its own thousands of threads for the sanitizer.
export GRPO4J_EMULATION_THREADS=1
# It sees races under any schedule: the groups that repeat calls under others are left out, and those
# that only plan.
run thread "ThreadSanitizer" thread shapes options objectives variants token_stats shards bad_rows \
  bad_calls shared_memory row_bits group_advantages token_weights enqueued devices far_rows lists host
