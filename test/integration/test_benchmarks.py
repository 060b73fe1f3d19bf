# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every benchmark starts: its imports resolve and its help is there. What they
measure is too long for a test; the figures are checked where the scripts run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(BENCHMARKS.glob("*/run.py"))


def test_there_are_benchmarks():
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parent.name)
def test_help(script: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: run.py")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parent.name)
def test_index_lists_it(script: Path):
    assert f"benchmarks/{script.parent.name}/run.py" in (BENCHMARKS / "README.md").read_text()
