#!/usr/bin/env bash
# The static evidence of the CUDA kernels: prints registers, occupancy, instructions per element and
# the times that follow from them, and fails where cuda/evidence/limits.tsv is exceeded.
#   NVDISASM=path   the disassembler; without one, instructions are not counted
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-"$root/target/evidence"}

# CUDA's own, or the one that the triton wheel brings.
find_nvdisasm() {
  if [ -n "${NVDISASM:-}" ]; then
    [ -x "$NVDISASM" ] || { echo "NVDISASM=$NVDISASM is not a program" >&2; exit 2; }
    echo "$NVDISASM"
  elif command -v nvdisasm; then
    :
  elif command -v python3 > /dev/null; then
    python3 - << 'PYTHON' 2> /dev/null || true
import importlib.util, pathlib
found = importlib.util.find_spec("triton")
path = pathlib.Path(found.origin).parent / "backends/nvidia/bin/nvdisasm"
print(path if path.exists() else "")
PYTHON
  fi
}

"$root/cuda/evidence/build.sh" "$work" || { status=$?; [ $status -eq 3 ] && exit 0; exit $status; }
nvdisasm=$(find_nvdisasm)
cd "$root"
mvn -B -q -DskipTests -Dspotless.check.skip=true -Pevidence -pl benchmarks -am package \
  -Devidence.args="$work $root/cuda/evidence/limits.tsv${nvdisasm:+ '$nvdisasm'}"
