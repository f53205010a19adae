#!/usr/bin/env bash
# Builds libgrpo4j into the folder given (Maven calls this; a developer can, too).
set -euo pipefail
source_dir="$(cd "$(dirname "$0")" && pwd)"
build_dir="$1"
# The log lies beside the folder: a launcher's first build skips the step that makes the parent.
mkdir -p "$build_dir"
cmake -S "$source_dir" -B "$build_dir" -DCMAKE_BUILD_TYPE=Release >"$build_dir.log" 2>&1 \
  && cmake --build "$build_dir" --parallel "$(nproc)" >>"$build_dir.log" 2>&1 \
  || { cat "$build_dir.log" >&2; exit 1; }

# A function that several instruction sets' files compiled under one name: the linker would keep one
# of them, perhaps the AVX-512 one, for all.
shared=$(nm -C "$build_dir"/CMakeFiles/grpo4j.dir/src/isa/*/kernels.cpp.o | grep -E ' [uvVW] ' || true)
if [ -n "$shared" ]; then
  printf 'functions with external linkage in src/isa, which must have none:\n%s\n' "$shared" >&2
  exit 1
fi
