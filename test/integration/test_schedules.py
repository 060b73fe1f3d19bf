# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Schedules written by hand, deeper than one step and cut finer than row
blocks, from IR to the simulator against the NumPy model.

The files in `schedules` are programs with their schedules. What they compute is
known without the schedule, from the network that the program describes; so
every length of sequence, from shorter than the pipeline is deep to longer, has
to give the same codes, at once and in chunks.
"""

from pathlib import Path

import equality
import numpy as np
import pytest

import hcgs
from hcgs import oracle

HERE = Path(__file__).resolve().parent / "schedules"
FILES = sorted(HERE.glob("*.mlir"))


def make_inputs(program: hcgs.Program, steps: int) -> dict:
    """Codes all over the range, so that sums, tables and states move."""
    rng = np.random.default_rng(steps)
    sizes = {"time": steps, "batch": 1}
    return {
        spec.name: rng.integers(
            -2048,
            2048,
            [sizes.get(axis, size) for axis, size in zip(spec.axes, spec.shape)],
            dtype=np.int16,
        )
        for spec in program.inputs
    }


def test_there_are_schedules():
    assert {"depth2.mlir", "depth3.mlir"} <= {path.name for path in FILES}


def assert_equals_the_numpy_model(program: hcgs.Program):
    """Every length of sequence, at once and in chunks."""
    file = oracle.read(bytes(program))
    depth = program.report["schedule"]["depth"]
    seen = set()
    for steps in range(1, 2 * depth + 5):
        codes = make_inputs(program, steps)
        wanted = oracle.run_tensors(file, codes, None, codes=True).outputs
        for checked in (True, False):
            got = equality.run_all(program, codes, codes=True, checked=checked)
            equality.assert_equal(f"{steps} steps", got, wanted)
        equality.check_steps(program, codes, wanted, range(1, steps + 1))
        seen.update(np.unique(wanted["y"]))
    assert len(seen) > 20, "outputs hardly change: the test says little"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_length_equals_the_numpy_model(path):
    program = hcgs.compile(str(path))
    depth = program.report["schedule"]["depth"]
    assert depth == int(path.stem.removeprefix("depth"))
    assert_equals_the_numpy_model(program)


def test_frames_are_read_in_row_blocks(tmp_path):
    text = (HERE / "depth2.mlir").read_text()
    for old, new in [
        ("%x slots 2 :", "%x slots 2 row_block 4 :"),
        (
            "issue %x step 2 : !x",
            "issue %x blocks 1 to 2 step 2 : !x\n"
            "      hcgs.issue %x blocks 0 to 1 step 2 : !x",
        ),
    ]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "read.mlir"
    path.write_text(text)
    assert_equals_the_numpy_model(hcgs.compile(str(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_estimate_equals_simulator(path):
    program = hcgs.compile(str(path))
    counts = {}
    for steps in (1, 48, 288):
        program.run(make_inputs(program, steps), codes=True)
        counts[steps] = program.stats["cycles"]
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == counts[1]
    assert estimate["cycles_per_step"] == (counts[288] - counts[48]) / 240


def test_views_are_counted_once():
    """Segments of columns have descriptors, but no weights of their own."""
    program = hcgs.compile(str(HERE / "depth2.mlir"))
    report = program.report
    assert [entry["matrix"] for entry in report["matrices"]] == ["W", "R", "W"]
    assert len(oracle.read(bytes(program)).descriptors) > 3
    bits = sum(entry["stored_bits"] for entry in report["matrices"])
    assert bits == 6 * (4 * 16 * 6 + 4 * 16 * 16 + 5 * 16)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (("columns 8 to 13 step 1", "columns 8 to 12 step 1"), "never issues row 0"),
        (("gates [1, 3] columns 8", "gates [1, 2, 3] columns 8"), "a second time"),
        (
            ("columns 0 to 8 tile 0 step 1", "columns 0 to 8 tile 0 step 2"),
            "before it is complete",
        ),
        (("buffer %a slots 3", "buffer %a slots 1"), "overwritten"),
        (("tile 0 step", "tile 200 step"), "names tile 200; 'generic' has"),
    ],
)
def test_wrong_schedules_are_refused(tmp_path, wrong, message):
    text = (HERE / "depth2.mlir").read_text()
    assert text.count(wrong[0]) >= 1
    path = tmp_path / "wrong.mlir"
    path.write_text(text.replace(*wrong, 1))
    with pytest.raises(hcgs.CompileError, match=message.replace("'", ".")):
        hcgs.compile(str(path))
