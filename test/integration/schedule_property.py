# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What every schedule, tile and target owes every network.

`check(seed)` compiles one random network (random_networks.py) with the same
formats again and again: for two targets, with every schedule and with fixed
tiles. All programs must give the codes of the NumPy model, for every length of
sequence from one step to past the deepest pipeline, at once and in chunks. The
compiler's estimate, the simulator and the Python timing model must count the
same cycles, none may beat the bound that the compiler states, a fixed tile must
not loosen that bound, and none may beat `auto` by more than 2 %.

Used by test_schedule_property.py on some seeds, which also has a long run.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field

import equality
import numpy as np
import random_networks

import hcgs
from hcgs import oracle
from hcgs.oracle import timing

SCHEDULES = ("auto", "sequential", "batch", "intergate", "unfolded")
#: Targets by the kinds of matrices that a network uses.
TARGETS = {
    "hcgs": (
        "sharp-1k", "sharp-64k", "hcgs-65nm", "sharp-4k", "generic", "brainwave-96k", "sharp-16k",
    ),
    "circulant": ("wang-90nm", "generic"),
    "all": ("generic",),
}  # fmt: skip
#: The sound reasons to refuse a network that another target takes.
REFUSALS = re.compile(
    r"the accumulator can reach \d+|over; choose|bytes over|does not fit|"
    r"needs? \d+.* has \d+|no room"
)
#: Steps between which the steady state is measured; a schedule need not repeat
#: after one step, so its cycles a step are those of many.
SHORT, LONG = 40, 160
#: `auto` may take this much longer than the best other schedule.
TOLERANCE = 1.02


@dataclass
class Tally:
    """What was tried, and how `auto` compares."""

    cases: int = 0
    programs: int = 0
    codes: int = 0
    runs: int = 0
    refused: int = 0
    pairs: set[tuple[str, str]] = field(default_factory=set)  # target, schedule
    tiles: set[tuple[str, int]] = field(default_factory=set)  # target, rows
    depths: set[int] = field(default_factory=set)
    #: Cycles a step of the best other schedule over those of `auto`, by case.
    gains: dict[tuple[int, str], float] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if isinstance(value, (set, dict)):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


@functools.cache
def tile_rows(target: str) -> tuple[int, ...]:
    """Rows of the target's tile shapes."""
    tool = shutil.which("hcgs-compile")
    assert tool, "hcgs-compile is not on PATH"
    command = [tool, f"--print-target={target}"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return tuple(rows for rows, _ in json.loads(text)["mac"]["tiles"]["value"])


def without(case: random_networks.Case, *kinds: str) -> None:
    """Leave matrices of these kinds dense."""
    if "hcgs" in kinds:
        for option in ("tiers", "balance"):
            case.options.pop(option, None)
        case.options["sparsity"] = "off"
    for layer in case.config.get("layers", {}).values():
        for matrix, said in layer.items():
            imposed = "hcgs" in kinds and ("tiers" in said or not said)
            if imposed or ("circulant" in kinds and "circulant" in said):
                layer[matrix] = {"sparsity": "off"}


def adapt(seed: int) -> tuple[random_networks.Case, list[str]]:
    """The network of a seed and two targets that can hold it."""
    case = copy.deepcopy(random_networks.make(seed))
    case.lengths = None
    family = ("hcgs", "hcgs", "circulant", "hcgs", "all")[seed % 5]
    if family == "hcgs":
        without(case, "circulant")
    elif family == "circulant":
        without(case, "hcgs")
    names = TARGETS[family]
    targets = [names[(seed // 5 + i) % len(names)] for i in range(min(2, len(names)))]
    if "hcgs-65nm" in targets:
        case.options["weight_bits"] = 6
    return case, targets


def choices(seed: int, target: str, first: bool) -> list[tuple[str, object]]:
    """Pairs of schedule and tile to try: every schedule on the first target,
    `auto` and another on the second, fixed tiles on both."""
    rows = tile_rows(target)
    fixed = rows[seed % len(rows)]
    other = SCHEDULES[1 + seed % 4]
    if first:
        return [(name, "adaptive") for name in SCHEDULES] + [
            ("auto", fixed),
            (other, fixed),
        ]
    return [("auto", "adaptive"), (other, "adaptive"), (other, fixed)]


def inputs_of(program: hcgs.Program, seed: int, steps: int) -> dict[str, np.ndarray]:
    """Floats for one row, loud enough that values saturate here and there."""
    rng = np.random.default_rng([seed, steps])
    sizes = {"time": steps, "batch": 1}
    return {
        spec.name: rng.normal(
            0,
            1.2,
            [
                sizes[axis] if size is None else size
                for axis, size in zip(spec.axes, spec.shape, strict=True)
            ],
        ).astype(np.float32)
        for spec in program.inputs
    }


def cycles(program: hcgs.Program, seed: int, steps: int) -> int:
    program.run(inputs_of(program, seed, steps))
    return program.stats["cycles"]


def check_numbers(program, seed: int, wanted: dict, tally: Tally, where: str) -> None:
    """Codes of every length, and of the longest in chunks."""
    depth = program.report["schedule"]["depth"]
    lengths = [*range(1, depth + 3), 2 * depth + 5]
    for steps in lengths:
        if steps not in wanted:
            file = oracle.read(bytes(program))
            codes = equality.input_codes(file, inputs_of(program, seed, steps))
            wanted[steps] = (
                codes,
                oracle.run_tensors(file, codes, None, codes=True).outputs,
            )
        codes, outputs = wanted[steps]
        checked = steps in (1, depth + 1)
        got = equality.run_all(program, codes, codes=True, checked=checked)
        tally.codes += equality.assert_equal(f"{where}, {steps} steps", got, outputs)
        tally.runs += 1
    if program.has_step:
        codes, outputs = wanted[lengths[-1]]
        equality.check_steps(program, codes, outputs, (1, 2, depth + 1))


def check_cycles(program, seed: int, where: str) -> float:
    """Three counts of cycles are one, and none beats the bound; gives the
    cycles a step in the steady state."""
    file = oracle.read(bytes(program))
    report = program.report
    estimate, schedule = report["estimate"], report["schedule"]
    one = cycles(program, seed, 1)
    assert estimate["cycles_of_one_step"] == one, where
    short, long = (program.timing(steps)["cycles"] for steps in (48, 288))
    slope = (long - short) / 240
    assert estimate["cycles_per_step"] == slope, where
    for steps in (1, schedule["depth"] + 2):
        counted = cycles(program, seed, steps)
        stats = program.stats["units"]
        replayed = timing.replay(file, "run", steps)
        assert replayed.cycles == counted, f"{where}, {steps} steps"
        assert replayed.units == stats, f"{where}, {steps} steps"
    # The work of all steps and the chain through all states but the first take
    # that long, whatever the schedule does before and after its steady state.
    short, long = cycles(program, seed, SHORT), cycles(program, seed, LONG)
    bound = schedule["bound"]["cycles"]
    assert long >= bound * (LONG - 1), (
        f"{where}: {long} cycles beat {LONG - 1} times {bound}"
    )
    return (long - short) / (LONG - SHORT)


def check(seed: int) -> Tally:
    """Everything about one network. Raises AssertionError with what differs."""
    case, targets = adapt(seed)
    tally = Tally()
    wanted: dict = {}  # codes and outputs by number of steps
    for number, target in enumerate(targets):
        steady: dict[tuple, float] = {}
        bounds: dict[str, dict[str, int]] = {}  # by tile
        for schedule, tile in choices(seed, target, number == 0):
            where = f"seed {seed}, target={target} schedule={schedule} tile={tile}"
            case.options.update(target=target, schedule=schedule, tile=tile)
            try:
                program = case.compile()
            except hcgs.CompileError as error:
                assert REFUSALS.search(str(error)), f"{where}: {error}"
                assert not steady, (
                    f"{where}: refused, but not with another schedule: {error}"
                )
                tally.refused += 1
                break
            report = program.report["schedule"]
            assert (report["name"], report["tile"]) == (schedule, str(tile)), where
            # No choice of a schedule moves the bound, and a fixed tile only
            # takes choices away.
            assert bounds.setdefault(str(tile), report["bound"]) == report["bound"]
            for cause in ("cycles", "macs", "recurrence"):
                assert report["bound"][cause] >= bounds["adaptive"][cause], (
                    f"{where}: the bound by {cause} is looser than with any tile"
                )
            check_numbers(program, seed, wanted, tally, where)
            steady[schedule, tile] = check_cycles(program, seed, where)
            tally.programs += 1
            tally.pairs.add((target, schedule))
            tally.depths.add(report["depth"])
            if tile != "adaptive":
                tally.tiles.add((target, tile))
        if not steady:
            continue
        tally.cases = 1
        auto = steady.pop(("auto", "adaptive"))
        # A fixed tile takes `auto` a choice away, so it may be slower.
        rest = {pair: value for pair, value in steady.items() if pair[0] != "auto"}
        best = min(rest, key=rest.get)
        tally.gains[seed, target] = rest[best] / auto
        assert auto <= TOLERANCE * rest[best], (
            f"seed {seed}, target={target}: auto takes {auto} cycles a step, "
            f"{best[0]} with tile={best[1]} only {rest[best]}"
        )
    return tally
