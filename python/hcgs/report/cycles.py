# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a program takes, counted by the simulator.

Cycles do not depend on data (docs/Spec/Timing.md): a sequence of one step, and
two long ones whose difference is the steady state.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Program
from .facts import Facts, SpilledMatrix

#: Time steps. Both are past the filling of any pipeline, and the difference is
#: a multiple of every period up to 6 steps and of most up to 24, so that no part
#: of a period is counted. The compiler's report has the same window.
SHORT, LONG = 48, 48 + 240


@dataclass(frozen=True)
class Cycles:
    """one      cycles of a sequence of one step; None if the model fixes another
    steps    time steps of the long run, whose statistics are `stats`
    steady   cycles a step in the steady state; of a model with a fixed number
             of steps, of its whole sequence shared out
    macs     products a step
    loaded   bytes of spilled weights that a step loads
    stats    of the long run
    fixed    whether the model fixes the number of steps
    """

    one: int | None
    steps: int
    steady: float
    macs: float
    loaded: float
    stats: dict
    fixed: bool = False

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


@dataclass(frozen=True)
class Spill:
    """What it costs that wmem does not hold all weights.

    matrices    those that are kept in parts
    outside     bytes that wmem has no room for
    buffers     bytes of wmem through which they come
    per_step    bytes that a step loads
    port_share  `per_step` over what the load port could bring in that time
    resident    cycles a step as scheduled with all weights in wmem; None if the
                program does not say
    cost        steady cycles a step above that; None also where the steady
                state is not measured
    """

    matrices: tuple[SpilledMatrix, ...]
    outside: int
    buffers: int
    per_step: float
    port_share: float | None
    resident: float | None
    cost: float | None


def spilling(facts: Facts, cycles: Cycles) -> Spill | None:
    """The cost of spilled weights; None if the program has none."""
    if not facts.spilled:
        return None
    port = facts.target("load", "port_bytes")
    own = [one.get("cycles_per_step") for one in facts.meta.get("schedule") or []]
    resident = sum(own) if own and None not in own else None
    return Spill(
        facts.spilled,
        sum(matrix.loaded for matrix in facts.spilled),
        facts.buffer_bytes,
        cycles.loaded,
        cycles.loaded / (port * cycles.steady) if port else None,
        resident,
        None if resident is None or cycles.fixed else cycles.steady - resident,
    )


def bounds_with_loads(schedules: list[dict]) -> list[dict]:
    """What the program says of its schedules, with the loads of spilled weights
    in their bounds: schedulers know of none (docs/Guides/Spilling.md). Other parts
    would be other loads, so these bounds hold for these parts only."""
    found = []
    for one in schedules:
        bound = one.get("bound")
        if bound and (loads := one.get("weight_load_cycles")):
            bound = {**bound, "load": bound["load"] + loads}
            if bound["load"] > bound["cycles"]:
                bound |= {"cycles": bound["load"], "binding": "load"}
            one = {**one, "bound": bound}
        found.append(one)
    return found


def measure(program: Program, operating_point: str | None = None) -> Cycles:
    """Time `program`, whose state is not touched."""
    fixed = {
        size
        for spec in program.inputs
        for axis, size in zip(spec.axes, spec.shape)
        if axis == "time" and size is not None
    }
    if program.metadata.get("time"):
        fixed.add(program.metadata["time"])

    def run(steps: int) -> dict:
        return program.timing(steps, operating_point=operating_point)

    if fixed:
        steps = fixed.pop()
        stats = run(steps)
        return Cycles(
            stats["cycles"] if steps == 1 else None,
            steps,
            stats["cycles"] / steps,
            stats["macs"] / steps,
            _loaded(stats) / steps,
            stats,
            fixed=True,
        )
    one, short, long = (run(steps) for steps in (1, SHORT, LONG))
    return Cycles(
        one["cycles"],
        LONG,
        (long["cycles"] - short["cycles"]) / (LONG - SHORT),
        (long["macs"] - short["macs"]) / (LONG - SHORT),
        (_loaded(long) - _loaded(short)) / (LONG - SHORT),
        long,
    )


def _loaded(stats: dict) -> float:
    """Bytes of weights that a run loads: nothing else writes wmem."""
    return stats["events"]["wmem_write_bit"] / 8
