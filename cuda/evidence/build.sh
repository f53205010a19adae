#!/usr/bin/env bash
# Compiles every kernel to the machine code of several devices, for StaticEvidence to read:
#   cuda/evidence/build.sh FOLDER   ->   NAME.sm_90.cubin, NAME.sm_90.ptx, NAME.sm_90.txt (what ptxas said), ...
#   ARCHITECTURES="sm_90"           fewer of them
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1
architectures=${ARCHITECTURES:-"sm_80 sm_90 sm_100 sm_120"}
command -v nvcc > /dev/null || { echo "skipped: static evidence, for want of nvcc" >&2; exit 3; }
mkdir -p "$out"

compile() { # source, architecture
  local name
  name=$(basename "$1" .cu)
  local base="$out/$name.$2"
  mkdir -p "$base.steps"
  nvcc --options-file "$here/../nvcc.flags" -O3 -cubin -arch="$2" -Xptxas -v --keep \
    --keep-dir "$base.steps" -I "$here/../include" -I "$here/../src" \
    -I "$here/../../native/include" -I "$here/../../native/src" -o "$base.cubin" "$1" \
    > "$base.txt" 2>&1 || { cat "$base.txt" >&2; return 1; }
  mv "$base.steps/$name.ptx" "$base.ptx"
  rm -r "$base.steps"
}

export -f compile
export here out
for architecture in $architectures; do
  for source in "$here"/../src/*.cu; do
    printf '%s\0%s\0' "$source" "$architecture"
  done
done | xargs -0 -n 2 -P "$(nproc)" bash -c 'compile "$1" "$2"' compile
