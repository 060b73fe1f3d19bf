# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes `import hcgs` work from a checkout: the build's package if PYTHONPATH
has one, else the sources (then without the extension)."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if importlib.util.find_spec("hcgs") is None:
    sys.path.insert(0, str(HERE.parents[1] / "python"))
sys.path.insert(0, str(HERE / "tools"))
