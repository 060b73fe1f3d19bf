# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Paths of the integration tests: the build's package, the writer of program
files (for its block patterns), and the generator beside this file."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if importlib.util.find_spec("hcgs") is None:
    sys.path.insert(0, str(HERE.parents[1] / "python"))
sys.path[:0] = [str(HERE), str(HERE.parent / "python" / "tools")]
