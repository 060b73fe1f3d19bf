# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a program takes, counted by the simulator.

Cycles do not depend on the data (docs/Spec/Timing.md), so zeros will do: a
sequence of one step, and two long ones whose difference is the steady state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..program import Program

LONG, SHORT = 48, 24


@dataclass(frozen=True)
class Cycles:
    """one      cycles of a sequence of one step; None if the model fixes another
    steps    time steps of the long run, whose statistics are `stats`
    steady   cycles a step in the steady state; of a model with a fixed number
             of steps, of its whole sequence shared out
    macs     products a step
    """

    one: int | None
    steps: int
    steady: float
    macs: float
    stats: dict

    @property
    def utilisation(self) -> float:
        return self.macs / (self.stats["mac_lanes"] * self.steady)

    @property
    def microseconds(self) -> float:
        return 1e6 * self.steady / self.stats["clock_hz"]


def measure(program: Program) -> Cycles:
    """Run `program` on zeros; its own state is not touched."""
    fixed = {
        size
        for spec in program.inputs
        for axis, size in zip(spec.axes, spec.shape)
        if axis == "time" and size is not None
    }
    if program.metadata.get("time"):
        fixed.add(program.metadata["time"])
    if fixed:
        steps = fixed.pop()
        stats = _run(program, steps)
        rows = len(stats["row_cycles"])
        steady, macs = stats["cycles"] / rows / steps, stats["macs"] / rows / steps
        return Cycles(
            stats["cycles"] if steps == 1 else None, steps, steady, macs, stats
        )
    one, short, long = (_run(program, steps) for steps in (1, SHORT, LONG))
    rows = len(long["row_cycles"])
    return Cycles(
        one["cycles"] // rows,
        LONG,
        (long["cycles"] - short["cycles"]) / rows / (LONG - SHORT),
        (long["macs"] - short["macs"]) / rows / (LONG - SHORT),
        long,
    )


def _run(program: Program, steps: int) -> dict:
    free = {"time": steps, "batch": 1}
    zeros = {
        spec.name: np.zeros(
            [free.get(a, 1) if s is None else s for a, s in zip(spec.axes, spec.shape)],
            np.float32,
        )
        for spec in program.inputs
    }
    runner = program.clone()
    runner.run(zeros)
    return runner.stats
