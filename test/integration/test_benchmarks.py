# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every benchmark starts: its imports resolve and its help is there. What they
measure is too long for a test; the figures are checked where the scripts run."""

from __future__ import annotations

import json
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


def test_published_figures(tmp_path: Path):
    """A few cases of each figure: programs compile and run, the compiler's and
    the simulator's counts agree (else it stops), and what does not need the
    large cases is reached."""
    out = tmp_path / "numbers.json"
    command = [sys.executable, BENCHMARKS / "published" / "run.py", "--quick", "--json", out]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    numbers = json.loads(out.read_text())
    assert list(numbers) == ["R1", "R2", "R3", "R4", "R4b", "R5", "R6"]
    assert numbers["R1"]["weight_bytes"] == 288_000
    assert numbers["R2"]["tops"] >= 0.16
    assert numbers["R3"]["prediction_tops_per_watt"] > 7.22
    assert numbers["R4"]["sharp-64k"]["128"]["bound"]["binding"] == "recurrence"
    assert numbers["R4"]["refused"] == {}
    assert numbers["R4b"]["geometric_mean"]["28"] >= 2.86
    assert numbers["R5"]["32"]["microseconds"] <= 1.71
    assert numbers["R6"]["sharp-1k, four streams, 128 cells"]["rows"] == 4
