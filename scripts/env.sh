# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# For interactive use, from the top of the checkout: `source scripts/env.sh`
# puts the tools, the Python environment and the package on the paths.
export PATH="$PWD/build/release/bin:$PWD/.venv/bin:/usr/lib/llvm-22/bin:$PATH"
export PYTHONPATH="$PWD/build/release/python_packages${PYTHONPATH:+:$PYTHONPATH}"
