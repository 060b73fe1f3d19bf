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
from .facts import Facts

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


@dataclass(frozen=True)
class Bound:
    """Cycles that one part of the machine needs for the work of the run, were
    it never to wait, and what share of the run's cycles that is."""

    name: str
    what: str
    cycles: int
    share: float


@dataclass(frozen=True)
class Roofline:
    """bounds      MACs over lanes, then each unit, then dispatch
    binding     the largest of them
    intensity   products for each byte loaded or stored; None if none is
    attainable  products a cycle that lanes and ports allow at that intensity
    achieved    products a cycle
    """

    bounds: tuple[Bound, ...]
    binding: Bound
    intensity: float | None
    lanes: int
    attainable: float
    achieved: float


def roofline(facts: Facts, stats: dict) -> Roofline:
    """What bounds the run that `stats` are of, on the program's machine."""
    total, units = stats["cycles"], stats["units"]
    lanes, macs = stats["mac_lanes"], stats["macs"]
    parts = (
        ("MACs", "every lane in every cycle", -(-macs // lanes)),
        ("matrix unit", "in its tiles and row groups", units["matrix"]["busy"]),
        ("vector unit", "gates, cells, copies", units["vector"]["busy"]),
        ("load port", "with the port's latency", units["load"]["busy"]),
        ("store port", "with the port's latency", units["store"]["busy"]),
        ("dispatch", "one instruction a cycle", sum(stats["instructions"].values())),
    )
    bounds = tuple(Bound(name, what, n, n / total) for name, what, n in parts)
    ext = stats["traffic_bits"]["ext"]
    moving = max(
        ext["read"] / 8 / (facts.target("load", "port_bytes") or 1),
        ext["write"] / 8 / (facts.target("store", "port_bytes") or 1),
    )
    moved = (ext["read"] + ext["write"]) / 8
    return Roofline(
        bounds,
        max(bounds, key=lambda bound: bound.cycles),
        macs / moved if moved else None,
        lanes,
        min(lanes, macs / moving) if moving else lanes,
        macs / total,
    )


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
