#!/bin/sh
# The native tests under AddressSanitizer with UBSan, under ThreadSanitizer, and for AArch64 in an
# emulator. What is missing here is skipped with a line that says so.
#   sh native/sanitize.sh [build folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$here/../target/sanitize"}

build() { # name, cmake settings
  name=$1
  shift
  cmake -S "$here" -B "$out/$name" -DGRPO4J_BUILD_TESTS=ON "$@" > /dev/null
  cmake --build "$out/$name" -j2 > "$out/$name.log" 2>&1 || { cat "$out/$name.log"; exit 1; }
}

mkdir -p "$out"
build address -DGRPO4J_SANITIZE=address,undefined
echo "AddressSanitizer, UBSan:"
"$out/address/kernels_test"
build thread -DGRPO4J_SANITIZE=thread
echo "ThreadSanitizer:"
"$out/thread/kernels_test"
if command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64 > /dev/null; then
  build neon -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
  echo "AArch64 in qemu:"
  qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/neon/kernels_test"
else
  echo "skipped: NEON, for want of aarch64-linux-gnu-g++ or qemu-aarch64 (Debian: g++-aarch64-linux-gnu qemu-user)"
fi
