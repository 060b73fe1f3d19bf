# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Three counts of the same cycles: the simulator's, the compiler's estimate,
and that of the Python model written from docs/Spec/Timing.md.

They share no code. Every importer fixture and random networks on every shipped
target with every schedule: all cycles of all units must go to the same causes.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import random_networks

import hcgs
from hcgs.oracle import read
from hcgs.oracle.timing import CAUSES, UNITS, replay

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test" / "Import" / "fixtures"
IMPORTED = [
    entry
    for entry in json.loads((FIXTURES / "manifest.json").read_text())
    if entry["expect"] == "import"
]
TARGETS = sorted(
    path.stem for path in (ROOT / "targets").glob("*.json") if path.stem != "schema"
)
#: Why a network may be refused by a target, or by a schedule.
REFUSALS = re.compile(
    "takes|needs|does not fit|do not fit|too (small|large)|accumulator|schedule|"
    "wmem|imem|vmem|amem|bmem|pmem|tables|differs between the rows"
)
#: Networks tried for each pair of a target and a schedule.
TRIES = 12


def schedules() -> list[str]:
    """What --schedule takes, as the compiler says it."""
    entry = IMPORTED[0]
    with pytest.raises(hcgs.CompileError) as error:
        hcgs.compile(FIXTURES / entry["file"], target="generic", schedule="?")
    names = re.search(r"there is ([\w, -]+)$", str(error.value))
    assert names, error.value
    return names[1].split(", ")


def zeros(program: hcgs.Program, steps: int, per_step: bool | None = None) -> dict:
    """Inputs of zeros for one call: all, or only those with or without frames."""
    sizes = {"time": steps, "batch": program.metadata.get("rows", 1)}
    return {
        spec.name: np.zeros(
            [
                sizes[axis] if size is None else size
                for axis, size in zip(spec.axes, spec.shape)
            ],
            np.float32,
        )
        for spec in program.inputs
        if per_step is None or per_step == ("time" in spec.axes)
    }


def simulate(program: hcgs.Program, steps: int) -> dict:
    """The statistics of one sequence of zeros."""
    program.run(zeros(program, steps))
    return program.stats


def check(program: hcgs.Program, lengths) -> None:
    """All three are the same, for sequences of these lengths."""
    file = read(bytes(program))
    fixed = program.metadata.get("time")
    for steps in [fixed] if fixed else lengths:
        stats = simulate(program, steps)
        timing = replay(file, "run", steps)
        calls = stats["calls"]  # a model may fix its batch: rows add up
        assert calls * timing.cycles == stats["cycles"], steps
        for unit in UNITS:
            counts = {cause: calls * n for cause, n in timing.units[unit].items()}
            assert counts == stats["units"][unit], (steps, unit)
            assert sum(timing.units[unit].values()) == timing.cycles
        # T-C-5: and all of it belongs to instructions.
        for cause in CAUSES[:-2]:
            by_pc = sum(i["cycles"].get(cause, 0) for i in stats["instruction_cycles"])
            assert by_pc == calls * sum(timing.units[unit][cause] for unit in UNITS)
        for line in stats["instruction_cycles"]:
            assert calls * timing.executed[line["pc"]] == line["executed"]
    if fixed:
        return
    one, short, long = (simulate(program, steps) for steps in (1, 16, 48))
    estimate, steps = program.report["estimate"], 32 * one["calls"]
    assert estimate["cycles_of_one_step"] * one["calls"] == one["cycles"]
    assert estimate["cycles_per_step"] == (long["cycles"] - short["cycles"]) / steps
    assert estimate["macs_per_step"] == (long["macs"] - short["macs"]) / steps


@pytest.mark.parametrize("entry", IMPORTED, ids=[entry["name"] for entry in IMPORTED])
def test_fixture(entry):
    try:
        program = hcgs.compile(FIXTURES / entry["file"], target="generic")
    except hcgs.CompileError as error:
        assert REFUSALS.search(str(error)), error
        return
    check(program, [1, 4])


@pytest.mark.parametrize("target", TARGETS)
def test_every_schedule_on(target):
    for number, schedule in enumerate(schedules()):
        compiled = 0
        for seed in range(TRIES * number, TRIES * (number + 1)):
            case = random_networks.make(1000 + seed)
            case.options.update(target=target, schedule=schedule)
            if target == "hcgs-65nm":
                case.options.update(weight_bits=6, weight_encoding="signmag")
            if target == "wang-90nm":  # no block-sparse matrices
                for option in ("tiers", "balance", "masks", "select", "on_broken"):
                    case.options.pop(option, None)
                case.options["sparsity"] = "off"
                case.config = {}
            try:
                program = case.compile()
            except hcgs.CompileError as error:
                assert REFUSALS.search(str(error)), error
                continue
            check(program, [1, 3])
            compiled += 1
            break
        assert compiled, f"no network compiled for {target} with {schedule}"


def test_other_entries():
    """`reset`, and `step` with the registers that it and a step before left."""
    compared = 0
    for seed in range(40):
        case = random_networks.make(seed)
        if not case.streaming:
            continue
        try:
            program = case.compile()
        except hcgs.CompileError:
            continue
        if not program.has_step:
            continue
        file = read(bytes(program))
        # The first step puts the states in place.
        program.reset(zeros(program, 1, per_step=False))
        timing = replay(file, "reset")
        for steps in (1, 3):
            program.step(zeros(program, steps, per_step=True))
            before = timing.cycles if steps == 1 else 0  # the reset is counted
            timing = replay(file, "step", steps, timing.registers)
            assert program.stats["cycles"] == before + timing.cycles
        compared += 1
        if compared == 5:
            return
    assert compared >= 3


def test_a_missing_entry_is_named():
    case = random_networks.make(2)
    with pytest.raises(hcgs.ProgramError, match="no entry 'stop'"):
        replay(read(bytes(case.compile())), "stop", 1)
