# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every benchmark starts: its imports resolve and its help is there. What they
measure is too long for a test; the figures are checked where the scripts run."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
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
    assert (
        f"benchmarks/{script.parent.name}/run.py"
        in (BENCHMARKS / "README.md").read_text()
    )


def test_published_figures(tmp_path: Path):
    """A few cases of each figure: programs compile and run, the compiler's and
    the simulator's counts agree (else it stops), and what does not need the
    large cases is reached."""
    out = tmp_path / "numbers.json"
    command = [
        sys.executable,
        BENCHMARKS / "published" / "run.py",
        "--quick",
        "--json",
        out,
    ]
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


#: A compiler that refuses every command line with one of some words in it.
REFUSING = """#!{python}
import os, sys
if any(word in argument for argument in sys.argv[1:] for word in {words}):
    sys.exit("error: refused by a test")
os.execv({real!r}, [{real!r}, *sys.argv[1:]])
"""

@pytest.mark.parametrize("place", ["none/numbers.json", "."])
def test_numbers_that_cannot_be_written_are_refused_first(place: str, tmp_path: Path):
    """Before anything is computed, not after minutes."""
    out = tmp_path / place
    command = [sys.executable, BENCHMARKS / "published" / "run.py", "--json", out]
    # No compiler to be found: nothing could be computed.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"PATH": ""}
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"argument --json: cannot write '{out}'" in done.stderr
    assert list(tmp_path.iterdir()) == []


#: What is refused, and the figures that must be missed for it.
REFUSALS = {
    "every target": (["--target="], ["R1", "R2", "R3", "R4", "R4b", "R5", "R6"]),
    "one schedule": (["--schedule=batch"], ["R4"]),
    "auto": (["--schedule=auto"], ["R4"]),
    "a fixed tile": (["--tile=64"], ["R4"]),
    "a size of block": (["--circulant=32"], ["R5"]),
    "streams": (["--streams=4"], ["R6"]),
}


@pytest.mark.parametrize("words, figures", REFUSALS.values(), ids=REFUSALS)
def test_refusal_is_a_miss(words: list[str], figures: list[str], tmp_path: Path):
    """A program that is refused is a missed figure with its reason, not a
    figure less."""
    real = shutil.which("hcgs-compile")
    compiler = tmp_path / "bin" / "hcgs-compile"
    compiler.parent.mkdir()
    compiler.write_text(REFUSING.format(python=sys.executable, words=words, real=real))
    compiler.chmod(0o755)
    out = tmp_path / "numbers.json"
    command = [
        sys.executable,
        BENCHMARKS / "published" / "run.py",
        "--quick",
        "--json",
        out,
    ]
    done = subprocess.run(
        [*command, "--only", ",".join(figures)],
        env={
            **os.environ,
            "PATH": f"{compiler.parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for key, numbers in json.loads(out.read_text()).items():
        reasons = [
            line["ours"] for line in numbers["lines"] if line["reached"] is False
        ]
        assert any("refused by a test" in reason for reason in reasons), (key, reasons)


def test_mean_needs_all():
    path = BENCHMARKS / "published" / "section.py"
    spec = importlib.util.spec_from_file_location("published_section", path)
    section = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = section  # for its dataclasses
    spec.loader.exec_module(section)
    assert section.mean([2.0, 8.0]) == pytest.approx(4.0)
    assert section.least([2.0, 8.0]) == 2.0
    for values in ([], [2.0, math.nan], [math.nan, 2.0]):
        assert math.isnan(section.mean(values))
        assert math.isnan(section.least(values))


def test_page_shows_the_numbers():
    """The page has every figure of the JSON beside it, line by line, and its
    pictures are there."""
    docs = ROOT / "docs"
    numbers = json.loads((docs / "Published" / "published.json").read_text("utf-8"))
    assert list(numbers) == ["R1", "R2", "R3", "R4", "R4b", "R5", "R6"]
    text = (docs / "Published.md").read_text("utf-8")
    head, mark, body = text.partition("<!-- benchmarks/published/run.py --docs -->")
    assert mark and "python benchmarks/published/run.py --docs" in head
    for key, figure in numbers.items():
        assert f"\n## {key}: {figure['title']}\n" in body
        assert figure["lines"], key
        for line in figure["lines"]:
            assert (
                f"\n| {line['what']} | {line['published']} | {line['ours']} |" in body
            )
    pictures = [part.split(")")[0] for part in body.split("](Published/")[1:]]
    assert len(pictures) == 4
    for picture in pictures:
        assert (docs / "Published" / picture).read_text("utf-8").startswith("<svg")
