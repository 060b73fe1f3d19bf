# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lower bounds and busy units of compiled programs, as the report gives them
and as the accounting prints them."""

import json
import re
import subprocess

import onnx
import pytest
from test_spill import make_model

import hcgs

TARGET = "sharp-4k"


@pytest.fixture(scope="module")
def model():
    """One layer of 128 cells, which the recurrence binds on 4,096 lanes."""
    return make_model(128)


def test_a_fixed_tile_does_not_loosen_the_bound(model):
    """It takes choices away: the gates of `R h` that are needed first take as
    long as they do in that shape, at least as long as in the best."""
    bounds = {}
    for tile in ("adaptive", 256, 128, 64, 32):
        options = {"schedule": "intergate", "tile": tile, "sparsity": "off"}
        program = hcgs.compile(model, target=TARGET, **options)
        bounds[tile] = program.report["schedule"]["bound"]
    for tile, bound in bounds.items():
        for cause, cycles in bounds["adaptive"].items():
            if cause != "binding":
                assert bound[cause] >= cycles, f"tile {tile}: {cause}"


def test_busy_units_lie_between_bound_and_cycles(model, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    command = ["hcgs-compile", path, f"--target={TARGET}", "--sparsity=off"]
    command += ["-o", tmp_path / "net.elf", "--print-accounting"]
    command += [f"--report={tmp_path / 'report.json'}"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    program = hcgs.load(tmp_path / "net.elf")
    schedule = json.loads((tmp_path / "report.json").read_text())["schedule"]
    busy, bound = schedule["busy_per_step"], schedule["bound"]
    assert set(busy) == {"macs", "vector", "load", "store", "dispatch"}
    for cause, cycles in busy.items():
        assert bound[cause] <= cycles <= schedule["cycles_per_step"], cause
    # What the compiler counts in the steady state, the simulator does, too.
    names = {"load": "load", "matrix": "macs", "vector": "vector", "store": "store"}
    short, long = program.timing(steps=48), program.timing(steps=288)
    for unit, cause in names.items():
        counted = long["units"][unit]["busy"] - short["units"][unit]["busy"]
        assert counted / 240 == busy[cause], unit
    line = re.search(r"^busy +(.*)$", run.stdout + run.stderr, re.M)
    assert line and len(line[0]) <= 80
    printed = dict(part.split() for part in line[1].split(", "))
    assert printed == {cause: f"{cycles:.1f}" for cause, cycles in busy.items()}
