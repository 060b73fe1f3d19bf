# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cycles of a program, by docs/Spec/Timing.md, for checking.

The rules are played through as they are written: every element of every memory
remembers, for each unit, when its last reader and its last writer finish; every
cycle remembers what dispatch did in it. That is slow and simple, and shares
nothing with the simulator or with the compiler's estimate, which must give the
same numbers.

    >>> from hcgs.oracle import read
    >>> from hcgs.oracle.timing import replay
    >>> timing = replay(read("model.hcgs"), "run", 100)      # doctest: +SKIP
    >>> timing.cycles, timing.units["matrix"]["raw"]         # doctest: +SKIP
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..errors import ProgramError
from .program import Descriptor, ProgramFile
from .unpack import accumulator_positions, ceil_div, positions

UNITS = ("load", "matrix", "vector", "store")
MATRIX = UNITS.index("matrix")
CAUSES = (
    "busy",
    "raw",
    "war",
    "waw",
    "port",
    "queue",
    "loop",
    "dispatch",
    "barrier",
    "fill",
    "drain",
    "unused",
)
NAMES = {
    0x01: "halt",
    0x02: "barrier",
    0x03: "loop",
    0x04: "endloop",
    0x05: "aset",
    0x06: "astream",
    0x07: "aadd",
    0x10: "load",
    0x11: "wload",
    0x18: "store",
    0x20: "mvm",
    0x30: "act",
    0x31: "requant",
    0x32: "vmac",
    0x33: "vacc",
    0x34: "vcopy",
    0x35: "fill",
}
UNIT_OF = {
    **dict.fromkeys(("load", "wload"), "load"),
    "store": "store",
    "mvm": "matrix",
    **dict.fromkeys(("act", "requant", "vmac", "vacc", "vcopy", "fill"), "vector"),
}


@dataclass(frozen=True)
class Timing:
    """What an entry takes.

    cycles      T-D-4
    units       by unit, then by each of CAUSES (T-C): cycles
    executed    how often each instruction was executed, by program counter
    registers   (value, lo, size) of the address registers as they are left, by
                which a later call may depend on this one
    """

    cycles: int
    units: dict[str, dict[str, int]]
    executed: list[int] = field(repr=False)
    registers: list[tuple[int, int, int]] = field(repr=False)


@dataclass(frozen=True)
class _Instruction:
    """An instruction's word and what the rules ask of it."""

    name: str
    word: int

    def u(self, high: int, low: int) -> int:
        """The unsigned field of bits high..low (I-ENC-1)."""
        return self.word >> low & ((1 << (high - low + 1)) - 1)

    def s(self, high: int, low: int) -> int:
        value = self.u(high, low)
        return value - (value >> (high - low) << (high - low + 1))

    # Address operands (I-ENC-3), by their place.
    @property
    def first(self) -> tuple[int, int]:
        return self.u(12, 8), self.s(32, 13)

    @property
    def second(self) -> tuple[int, int]:
        return self.u(37, 33), self.s(57, 38)

    @property
    def third(self) -> tuple[int, int]:
        return self.u(62, 58), self.s(82, 63)


class _Memory:
    """When the latest read and the latest write of each element finish, by unit:
    int64 [read, write][unit][element]."""

    def __init__(self, elements: int):
        self.finish = np.zeros((2, len(UNITS), elements), dtype=np.int64)

    def latest(self, ranges: list[slice]) -> np.ndarray:
        """Of all elements of the ranges: [read, write][unit]."""
        return np.max([self.finish[:, :, r].max(axis=2) for r in ranges], axis=0)


class _Matrix:
    """What timing needs of a descriptor."""

    def __init__(self, program: ProgramFile, desc: Descriptor):
        self.desc = desc
        self.begin, self.end = desc.column_range
        self.place = accumulator_positions(desc.rows, desc.gates, desc.row_block)
        index = program.index[desc.index_offset : desc.index_offset + desc.index_bytes]
        kept, self.position = positions(desc, index)
        # Products of each gate and row with the columns of the view.
        self.products = kept[:, :, self.begin : self.end].sum(axis=2)
        # WI-W-4: where row groups begin.
        heights = [desc.rows]
        for size in [desc.block] if desc.block else [tier.rows for tier in desc.tiers]:
            heights = [
                min(size, height - at)
                for height in heights
                for at in range(0, height, size)
            ]
        self.groups = np.concatenate([[0], np.cumsum(heights)])

    def rows_of(self, first: int, count: int) -> tuple[int, int]:
        block = self.desc.row_block
        return first * block, min((first + count) * block, self.desc.rows)

    def accumulators(self, rows: tuple[int, int], gates: list[int]) -> list[slice]:
        """T-H-2: the chosen accumulators, from the operand's start, as runs."""
        begin, end = rows
        chosen = np.sort(self.place[gates, begin:end], axis=None)
        chosen -= begin * self.desc.gates
        cuts = np.flatnonzero(np.diff(chosen) != 1) + 1
        runs = np.split(chosen, cuts)
        return [slice(int(run[0]), int(run[-1]) + 1) for run in runs]

    def weight_bytes(self, rows: tuple[int, int]) -> slice | None:
        """T-H-2: the bytes of wmem with the codes of these row blocks."""
        desc, (begin, end) = self.desc, rows
        if desc.kind == "circulant":
            line = desc.gates * ceil_div(desc.cols, desc.block) * desc.block
            first, last = begin // desc.block * line, ceil_div(end, desc.block) * line
        else:
            words = self.position[:, begin:end]
            words = words[words >= 0]
            if not words.size:
                return None
            first, last = int(words.min()), int(words.max()) + 1
        bits = desc.weight_bits
        return slice(
            desc.weight_offset + first * bits // 8,
            desc.weight_offset + ceil_div(last * bits, 8),
        )

    def occupation(
        self,
        rows: tuple[int, int],
        gates: list[int],
        lanes: int,
        tiles: list[tuple[int, int]],
        tile: int,
        retile: bool,
    ) -> int:
        """T-M-1 to T-M-3, T-U-3."""
        begin, end = rows
        if self.desc.kind == "dense":
            cols = self.end - self.begin
            height, width = tiles[tile]
            full, rest = divmod((end - begin) * len(gates), height)
            cycles = full * ceil_div(cols, width)
            if rest and retile:
                fits = [shape for shape in tiles if rest <= shape[0] < height]
                # min gives the first of equals.
                width = min(fits, key=lambda shape: shape[0], default=tiles[tile])[1]
            if rest:
                cycles += ceil_div(cols, width)
            return max(1, cycles)
        cycles = 0
        for top, bottom in zip(self.groups[:-1], self.groups[1:]):
            if begin <= top < end:
                cycles += ceil_div(int(self.products[gates, top:bottom].sum()), lanes)
        return max(1, cycles)


class _Machine:
    """Control flow, address registers and the clock."""

    def __init__(self, program: ProgramFile, steps: int):
        self.program, self.steps = program, steps
        words = [
            int.from_bytes(program.text[i : i + 16], "little")
            for i in range(0, len(program.text), 16)
        ]
        self.code = []
        for pc, word in enumerate(words):
            if word & 0xFF not in NAMES:
                raise ProgramError(f"instruction {pc}: unknown opcode {word & 0xFF}")
            self.code.append(_Instruction(NAMES[word & 0xFF], word))
        self._read_target(program.target)
        self.registers = [(0, 0, 0)] * 32  # value, lo, size
        self.bases, end = [], 0
        for stream in program.meta["streams"]:
            self.bases.append(end)
            frames = steps if stream["kind"] == "step" else 1
            end += 2 * stream["elements"] * frames
        descriptors = program.descriptors
        self.matrices: dict[int, _Matrix] = {}
        self.loads_weights = any(i.name == "wload" for i in self.code)
        self.memories = {
            "v": _Memory(program.meta["vmem"]),
            "a": _Memory(program.meta["amem"]),
            "x": _Memory(end),
            "w": _Memory(
                max(d.weight_offset + d.weight_bytes for d in descriptors)
                if self.loads_weights
                else 0
            ),
        }
        self.plans: dict[int, tuple] = {}
        # The clock.
        self.did = bytearray()  # what dispatch did in each cycle so far
        self.takes = [deque(maxlen=depth) for depth in self.depths]
        self.end = [0] * len(UNITS)
        self.used = [False] * len(UNITS)
        self.finished = 0
        self.counts = [dict.fromkeys(CAUSES, 0) for _ in UNITS]

    def _read_target(self, target: dict) -> None:
        def value(*path: str):
            node = target
            for key in path:
                node = node[key]
            return node["value"]

        self.lanes = value("mac", "lanes")
        self.tiles = [tuple(shape) for shape in value("mac", "tiles")]
        self.fill = value("matrix", "fill")
        self.vector_lanes = value("vector", "lanes")
        self.vector_latency = value("vector", "latency")
        self.ports = {
            unit: (value(unit, "latency"), value(unit, "port_bytes"))
            for unit in ("load", "store")
        }
        self.depths = [value("queues", unit) for unit in UNITS]

    # State: registers and addresses.

    def set_register(self, number: int, value: int, lo: int, size: int) -> None:
        if size:
            value = lo + (value - lo) % size
        self.registers[number] = value, lo, size

    def ranges(self, address: tuple[int, int], begin: int, end: int) -> list[slice]:
        """S-R-2: elements begin .. end-1 of an operand, wrapped into the ring."""
        register, offset = address
        value, lo, size = self.registers[register]
        first, count = value + offset + begin, end - begin
        if not size:
            return [slice(first, first + count)]
        first = lo + (first - lo) % size
        here = min(count, lo + size - first)
        wrapped = [slice(lo, lo + count - here)] if here < count else []
        return [slice(first, first + here), *wrapped]

    # Time.

    def dispatch(self, cycle: int, held: str, what: str) -> None:
        """T-D-1: dispatches in `cycle`, held since the one after the last."""
        self.did += held.encode() * (cycle - len(self.did)) + what.encode()

    def control(self, waits: bool) -> None:
        """T-D-3."""
        cycle = len(self.did)
        self.dispatch(max(cycle, self.finished) if waits else cycle, "b", "l")

    def issue(self, name: str, occ: int, lat: int, touched: list[tuple]) -> None:
        """T-D-2, T-U, T-H, T-C of an instruction of a unit; `touched` are
        (memory, ranges, whether they are written)."""
        unit = UNITS.index(UNIT_OF[name])
        cycle, takes = len(self.did), self.takes[unit]
        if len(takes) == takes.maxlen:
            cycle = max(cycle, takes[0])
        self.dispatch(cycle, "q", "d")

        # Latest finish of the conflicts by kind and unit of the older one.
        kinds = np.zeros((3, len(UNITS)), dtype=np.int64)
        for memory, ranges, write in touched:
            read_until, written_until = self.memories[memory].latest(ranges)
            if memory == "a" and unit == MATRIX:
                read_until[MATRIX] = written_until[MATRIX] = 0
            if write:
                kinds[1] = np.maximum(kinds[1], read_until)
                kinds[2] = np.maximum(kinds[2], written_until)
            else:
                kinds[0] = np.maximum(kinds[0], written_until)
        ready = max(cycle + 1, self.end[unit])
        taken = max(ready, int(kinds.max()))

        counts, free = self.counts[unit], self.end[unit]
        if not self.used[unit]:
            counts["fill"] += taken
        else:
            if taken > ready:
                latest = (kinds == taken)[:, 1:3].any(axis=1).tolist()
                cause = latest.index(True) if True in latest else 3
                counts[("raw", "war", "waw", "port")[cause]] += taken - ready
            for letter, cause in zip(
                b"qbld", ("queue", "barrier", "loop", "dispatch"), strict=True
            ):
                counts[cause] += self.did.count(letter, free, cycle + 1)
        counts["busy"] += occ

        takes.append(taken)
        self.used[unit] = True
        self.end[unit] = taken + occ
        finish = taken + occ + lat
        self.finished = max(self.finished, finish)
        for memory, ranges, write in touched:
            for r in ranges:
                self.memories[memory].finish[int(write), unit, r] = finish

    def port(self, unit: str, count: int) -> int:
        latency, width = self.ports[unit]
        return latency + ceil_div(count, width)

    def multiply(self, pc: int, inst: _Instruction) -> None:
        if pc not in self.plans:
            number = inst.u(67, 58)
            if number not in self.matrices:
                self.matrices[number] = _Matrix(
                    self.program, self.program.descriptors[number]
                )
            matrix = self.matrices[number]
            rows = matrix.rows_of(inst.u(83, 68), inst.u(99, 84))
            gates = [g for g in range(4) if inst.u(103, 100) >> g & 1]
            self.plans[pc] = (
                matrix.end - matrix.begin,
                matrix.accumulators(rows, gates),
                matrix.weight_bytes(rows) if self.loads_weights else None,
                matrix.occupation(
                    rows,
                    gates,
                    self.lanes,
                    self.tiles,
                    inst.u(125, 122),
                    bool(inst.u(126, 126)),
                ),
            )
        cols, runs, codes, occ = self.plans[pc]
        sums = [r for run in runs for r in self.ranges(inst.first, run.start, run.stop)]
        touched = [("v", self.ranges(inst.second, 0, cols), False), ("a", sums, True)]
        if inst.u(105, 104) == 0:
            touched.append(("a", sums, False))
        if codes:
            touched.append(("w", [codes], False))
        self.issue(inst.name, occ, self.fill, touched)

    def execute(self, pc: int, inst: _Instruction) -> None:
        """An instruction of a unit."""
        if inst.name == "mvm":
            self.multiply(pc, inst)
            return
        if inst.name == "wload":
            n = inst.u(106, 83)
            source, place = (
                self.ranges(inst.second, 0, n),
                self.ranges(inst.first, 0, n),
            )
            touched = [("x", source, False), ("w", place, True)]
            self.issue(inst.name, self.port("load", n), 0, touched)
            return
        n = inst.u(102, 83)
        if inst.name in ("load", "store"):
            far = inst.second if inst.name == "load" else inst.first
            near = inst.first if inst.name == "load" else inst.second
            load = inst.name == "load"
            touched = [
                ("x", self.ranges(far, 0, 2 * n), not load),
                ("v", self.ranges(near, 0, n), load),
            ]
            self.issue(inst.name, self.port(inst.name, 2 * n), 0, touched)
            return
        target = self.ranges(inst.first, 0, n)
        if inst.name in ("vmac", "vacc"):
            touched = [
                ("a", target, True),
                ("v", self.ranges(inst.second, 0, n), False),
            ]
            if inst.name == "vmac":
                touched.append(("v", self.ranges(inst.third, 0, n), False))
            if inst.u(108, 107) == 0:
                touched.append(("a", target, False))
        else:
            touched = [("v", target, True)]
            if inst.name != "fill":
                memory = "v" if inst.name == "vcopy" else "a"
                touched.append((memory, self.ranges(inst.second, 0, n), False))
        occ = ceil_div(n, self.vector_lanes)
        self.issue(inst.name, occ, self.vector_latency, touched)

    def run(self, pc: int) -> Timing:
        executed = [0] * len(self.code)
        loops: list[list[int]] = []  # first instruction, trips left (S-L-1)
        while True:
            if pc >= len(self.code):
                raise ProgramError("the entry runs past the last instruction")
            inst, here = self.code[pc], pc
            executed[here] += 1
            pc += 1
            if inst.name in UNIT_OF:
                self.execute(here, inst)
                continue
            self.control(inst.name in ("barrier", "halt"))
            if inst.name == "halt":
                break
            if inst.name == "loop":
                trips = max(0, inst.u(8, 8) * self.steps + inst.s(40, 9))
                cap = inst.u(72, 41)
                trips = min(trips, cap) if cap else trips
                if trips:
                    loops.append([pc, trips])
                else:
                    pc += inst.u(96, 73)
            elif inst.name == "endloop":
                loops[-1][1] -= 1
                if loops[-1][1]:
                    pc = loops[-1][0]
                else:
                    loops.pop()
            elif inst.name == "aset":
                lo, size = inst.u(68, 45), inst.u(92, 69)
                self.set_register(inst.u(12, 8), inst.s(44, 13), lo, size)
            elif inst.name == "astream":
                base = self.bases[inst.u(18, 13)]
                value = base + inst.s(50, 19) + self.steps * inst.s(82, 51)
                self.set_register(inst.u(12, 8), value, 0, 0)
            elif inst.name == "aadd":
                value, lo, size = self.registers[inst.u(12, 8)]
                value += inst.s(44, 13)
                self.set_register(inst.u(12, 8), value, lo, size)
        cycles = len(self.did)
        for unit, counts in enumerate(self.counts):
            rest = "drain" if self.used[unit] else "unused"
            counts[rest] = cycles - self.end[unit]
        units = dict(zip(UNITS, self.counts, strict=True))
        return Timing(cycles, units, executed, self.registers)


def replay(
    program: ProgramFile,
    entry: str = "run",
    steps: int = 1,
    registers: list[tuple[int, int, int]] | None = None,
) -> Timing:
    """The cycles of one call of `entry` for a sequence of `steps` time steps, with
    the address registers that an earlier call left, or zeros. The program must
    be one that runs without a trap. Raises ProgramError if it has no such entry.
    """
    start = program.meta["entries"].get(entry)
    if not isinstance(start, int):
        raise ProgramError(f"the program has no entry {entry!r}")
    machine = _Machine(program, steps)
    if registers:
        machine.registers = list(registers)
    return machine.run(start)
