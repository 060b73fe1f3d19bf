# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A target file is all there is to a machine: another name changes nothing, and
each number changes what the compiler makes or says. (What numbers do to the
simulator is tested in unittests/Sim/TargetNumbersTest.cpp.)"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (ROOT / "targets").glob("*.json") if path.stem != "schema")


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)


def number(value: object) -> dict:
    return {"value": value, "origin": "assumed", "source": "a test"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """Two block-sparse layers of 24 cells with a dense output layer."""
    path = tmp_path_factory.mktemp("targets") / "model.onnx"
    script = ROOT / "benchmarks" / "models" / "make_random_models.py"
    done = run(sys.executable, script, "--inputs", 20, "--hidden", 24, "--layers", 2, "--head", 5,
               "--tiers", "8x8:50%,4x4:50%", "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def observe(model: Path, target: object, folder: Path, *options: str) -> str:
    """What a user sees of a compilation: the program but for the target's name
    and text, and the counts of the report; or the error."""
    program, report = folder / "out.hcgs", folder / "out.json"
    done = run("hcgs-compile", model, f"--target={target}", f"--report={report}", "-o", program,
               *options)
    if done.returncode:
        assert not program.exists() and not report.exists()
        return done.stderr
    listing = run("hcgs-objdump", "--disassemble", program)
    assert listing.returncode == 0, listing.stderr
    counts = json.loads(report.read_text())
    program.unlink()
    report.unlink()
    used = {name: memory["used"] for name, memory in counts["memories"].items()}
    return json.dumps([listing.stdout, counts["estimate"], used], sort_keys=True)


@pytest.mark.parametrize("name", SHIPPED)
def test_names_mean_nothing(model: Path, tmp_path: Path, name: str):
    """A copy under another name gives the same program."""
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps({"base": name, "name": "copy", "description": "another"}))
    sparsity = "off" if name == "wang-90nm" else "detect"
    found = observe(model, name, tmp_path, f"--sparsity={sparsity}")
    assert found.startswith("["), found
    assert observe(model, copy, tmp_path, f"--sparsity={sparsity}") == found


def test_no_machine_is_named_in_the_code():
    """But for the default of --target, in one place."""
    found = []
    for folder in ("lib", "include", "tools", "python/src"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".cpp", ".h", ".td"}:
                continue
            for line in path.read_text().split("\n"):
                code = line.split("//")[0]
                if re.search(rf'^[^"]*"(?:{"|".join(SHIPPED)})"', code):
                    found.append(f"{path.relative_to(ROOT)}: {line.strip()}")
    found = [line for line in found if not line.startswith("include/hcgs/Dialect/")]
    found = [line for line in found if not line.startswith("include/hcgs/Conversion/")]
    assert found == [
        'include/hcgs/Pipelines/Options.h: inline constexpr std::string_view kDefaultTarget = '
        '"hcgs-65nm";'
    ]


#: Another value for each number a compilation depends on.
CHANGES = {
    "/clock_hz": 1_000_000,
    "/mac/lanes": 257,
    "/mac/tiles": [[16, 16]],
    "/matrix/fill": 9,
    "/vector/lanes": 3,
    "/vector/latency": 9,
    "/load/latency": 40,
    "/load/port_bytes": 1,
    "/store/latency": 400,
    "/store/port_bytes": 1,
    "/queues/matrix": 1,
    "/queues/vector": 1,
    "/memories/wmem/bytes": 100,
    "/memories/vmem/elements": 100,
    "/memories/amem/elements": 100,
    "/memories/bmem/elements": 10,
    "/memories/imem/bytes": 1,
    "/memories/lut/tables": 1,
    "/memories/lut/segments": 2,
    "/memories/pmem/instructions": 10,
    "/weights/bits": [2],
    "/weights/encodings": ["twos"],
    "/activation_bits/max": 8,
    "/activation_bits/min": 16,
    "/accumulator_bits": 24,
    "/matrix_kinds": ["circulant"],
}
#: Numbers that a program of this model does not feel; the simulator's test has
#: programs that do.
OTHERS = {"/queues/load", "/queues/store", "/load/weights"}


def pointers(value: dict, here: str = "") -> set[str]:
    if "value" in value:
        return {here}
    return {found for name, part in value.items() if isinstance(part, dict)
            for found in pointers(part, f"{here}/{name}")}


def test_all_numbers_are_here():
    generic = json.loads((ROOT / "targets" / "generic.json").read_text())
    assert pointers(generic) == CHANGES.keys() | OTHERS


def changed(folder: Path, changes: dict) -> Path:
    path = folder / "changed.json"
    path.write_text(json.dumps({"base": "generic", "name": "changed", "description": "", **changes}))
    return path


@pytest.fixture(scope="module")
def before(model: Path, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("before")
    return observe(model, changed(folder, {}), folder)


@pytest.mark.parametrize("pointer", CHANGES, ids=lambda pointer: pointer.strip("/").replace("/", "."))
def test_each_number_changes_a_compilation(model: Path, tmp_path: Path, before: str, pointer: str):
    value = number(CHANGES[pointer])
    for name in reversed(pointer.strip("/").split("/")):
        value = {name: value}
    assert observe(model, changed(tmp_path, value), tmp_path) != before
