# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random integer networks, and holding the simulator against the NumPy model
on them.

Their numbers need not make sense: any shift, any table, sums that wrap. This is
where the rules meet that no sensible compiled network would ever reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import naive_compiler
import numpy as np
from program_writer import (
    BALANCES,
    ProgramWriter,
    Tier,
    can_balance_both,
    circulant_codes,
    mask_of,
    random_blocks,
    small_block_rows,
)

import hcgs
from hcgs import oracle


class Random:
    """A random network in a ProgramWriter."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.writer = ProgramWriter()
        self.tables = [self.table() for _ in range(4)]

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def table(self) -> int:
        if self.rng.random() < 0.4:
            return self.smooth_table()
        if self.rng.random() < 0.6:
            return self.two_level_table()
        k, s, b = self.number(0, 15), self.number(0, 15), self.number(2, 16)
        n = self.number(0, min(9, k + 1))
        limit = 2 ** (b - 1)
        lo, hi = sorted(self.number(-limit, limit - 1) for _ in range(2))
        base = self.rng.integers(-(2**15), 2**15, 2**n) // self.pick(1, 16, 256)
        slope = self.rng.integers(-(2**15), 2**15, 2**n) // self.pick(1, 64)
        return self.writer.table(k, n, s, b, lo, hi, base, slope)

    def two_level_table(self) -> int:
        s, b, w = self.number(0, 15), self.number(2, 16), self.number(0, 16)
        p = self.number(0, s)
        limit = 2 ** (b - 1)
        lo, hi = sorted(self.number(-limit, limit - 1) for _ in range(2))
        mirrored = self.pick(True, False)
        entries = self.number(1, 512)
        bits, first = [], []
        for _ in range(self.number(1, 64)):
            bits.append(self.number(0, min(9, w, entries.bit_length() - 1)))
            first.append(self.number(0, entries - (1 << bits[-1])))
        base = self.rng.integers(-(2**15), 2**15, entries) // self.pick(1, 16, 256)
        slope = self.rng.integers(-(2**15), 2**15, entries) // self.pick(1, 64)
        return self.writer.two_level_table(
            w, p, s, b, lo, hi,
            0 if mirrored else self.number(-65536, 32767),
            self.number(-65536, 65536) if mirrored else None,
            first, bits, base, slope,
        )  # fmt: skip

    def smooth_table(self) -> int:
        """A rising function, so that what goes in still shows behind it."""
        k, n, s, b = self.number(12, 15), self.number(3, 9), 8, self.number(9, 16)
        limit = 2 ** (b - 1)
        edges = np.sort(self.rng.integers(-limit, limit, 2**n + 1))
        slope = np.diff(edges) * 2**s // 2 ** (k + 1 - n)
        slope = np.clip(slope, -(2**15), 2**15 - 1)
        return self.writer.table(
            k, n, s, b, int(edges[0]), int(edges[-1]), edges[:-1], slope
        )

    def lshift(self) -> int:
        return self.number(0, 15) if self.rng.random() < 0.15 else self.number(0, 2)

    def shift(self) -> int:
        return self.number(-15, 31) if self.rng.random() < 0.15 else self.number(8, 15)

    def matrix(self, gates: int, rows: int, cols: int, block: int, structure, bias) -> int:
        bits = self.number(2, 8)
        encoding = self.pick("twos", "signmag")
        top = 2 ** (bits - 1) - (encoding == "twos")

        def random_codes(*shape):
            signs = self.rng.choice([-1, 1], shape)
            return self.rng.integers(1, top + 1, shape) * signs

        given = {"bias_at": bias} if isinstance(bias, int) else {"bias": bias}
        if isinstance(structure, int):
            down, across = -(-rows // structure), -(-cols // structure)
            vectors = random_codes(gates, down, across, structure)
            codes = circulant_codes(vectors, rows, cols)
            given["circulant"] = structure
        elif structure:
            codes = random_codes(gates, rows, cols)
            separate = gates > 1 and self.rng.random() < 0.4
            maps = [
                random_blocks(self.rng, rows, cols, structure)
                for _ in range(gates if separate else 1)
            ]
            masks = np.stack([mask_of(rows, cols, blocks) for blocks in maps])
            codes = codes * masks
            blocks = maps if separate else maps[0]
            given |= {"tiers": structure, "blocks": blocks, "separate": separate}
        else:
            codes = random_codes(gates, rows, cols)
            if encoding == "twos":
                codes = codes * (self.rng.random(codes.shape) < 0.8)
        return self.writer.matrix(codes, bits, encoding, row_block=block, **given)

    def structure(self, rows: int, cols: int):
        """What a matrix is: () for dense, the tiers of hcgs, or the size of the
        blocks of a circulant matrix."""
        kind = self.pick("dense", "hcgs", "hcgs", "circulant")
        if kind == "circulant" and max(rows, cols) >= 2:
            return self.number(2, min(128, max(rows, cols)))
        return self.tiers(rows, cols) if kind == "hcgs" else ()

    def tiers(self, rows: int, cols: int) -> tuple[Tier, ...]:
        """One to eight tiers of any nested sizes, each with its own balance."""
        tiers = []
        height, width = self.pick(4, 8, 16, self.number(1, 24)), self.pick(4, 8, self.number(1, 24))
        for _ in range(self.pick(1, 1, 2, 2, 3, self.number(1, 8))):
            den = self.number(1, 6)
            # Deep patterns must not thin out to nothing.
            num = self.number(1, den) if len(tiers) < 2 else self.number(-(-2 * den // 3), den)
            tier = Tier(height, width, num, den, self.pick(*BALANCES))
            if not can_balance_both(rows, cols, (*tiers, tier)):
                tier.balance = "row"
            tiers.append(tier)
            height = self.pick(max(1, height // 2), self.number(1, height))
            width = self.pick(max(1, width // 2), self.number(1, width))
        return tuple(tiers)

    def block(self, rows: int, *structures) -> int:
        """A row block whose borders are borders of the groups of rows of every
        matrix (WI-A-2)."""
        borders = [
            {start for start, _ in small_block_rows(rows, structure)}
            if isinstance(structure, tuple) and structure
            else set(range(0, rows, structure or 1))
            for structure in structures
        ]
        common = set.intersection(*borders)
        heights = [
            height for height in range(1, rows + 1)
            if all(border in common for border in range(0, rows, height))
        ]  # fmt: skip
        return self.pick(*heights) + (self.pick(0, 3) if heights == [rows] else 0)

    def bias(self, gates: int, rows: int):
        if self.rng.random() < 0.3:
            return None
        scale = 2 ** self.number(4, self.pick(20, 31))
        return self.rng.integers(-scale, scale, (gates, rows))

    def result(self) -> dict:
        if self.rng.random() < 0.5:
            bits = self.pick(13, 16, self.number(2, 16))
            return {"kind": "requant", "shift": self.number(-4, 10), "bits": bits}
        return {"kind": "act", "shift": self.number(-4, 10), "table": self.pick(*self.tables)}

    def state(self, name: str, hidden: int):
        kind = self.pick("zero", "constant", "input")
        if kind == "zero":
            return None
        codes = None
        if kind == "constant":
            codes = self.rng.integers(-(2**15), 2**15, hidden)
        value = self.writer.value(name, hidden, 16, 0, "vector", codes)
        if kind == "input":
            axes = [("batch", None), ("feature", hidden)]
            self.writer.tensor("inputs", name, axes, value)
        return value

    def lstm(self, x: int, number: int) -> int:
        hidden, writer = self.pick(1, 5, 16, 33, 60), self.writer
        width = writer.network["values"][x]["width"]
        kinds = self.structure(hidden, width), self.structure(hidden, hidden)
        block = self.block(hidden, *kinds)
        first = len(writer.bias)
        bias = self.bias(4, hidden)
        w = self.matrix(4, hidden, width, block, kinds[0], bias)
        shared = first if bias is not None and self.rng.random() < 0.5 else None
        r = self.matrix(4, hidden, hidden, block, kinds[1], shared)
        y = writer.value(f"y{number}", hidden, 16, 0)
        finals = [
            writer.value(f"{n}_n{number}", hidden, 16, 0, "vector")
            if self.rng.random() < 0.7 else None
            for n in "hc"
        ]  # fmt: skip
        axes = [("batch", None), ("feature", hidden)]
        for value in finals:
            if value is not None:
                name = writer.network["values"][value]["name"]
                writer.tensor("outputs", name, axes, value)
        writer.network["layers"].append({
            "op": "lstm", "name": f"lstm{number}", "input": x, "hidden": hidden,
            "direction": self.pick("forward", "reverse"), "output": y,
            "final_h": finals[0], "final_c": finals[1],
            "initial_h": self.state(f"h0_{number}", hidden),
            "initial_c": self.state(f"c0_{number}", hidden),
            "W": {"desc": w, "shifts": [self.lshift() for _ in range(4)]},
            "R": {"desc": r, "shifts": [self.lshift() for _ in range(4)]},
            "gates": [
                {"shift": self.number(-15, 31) if self.rng.random() < 0.1
                 else self.number(2, 10), "table": self.pick(*self.tables)}
                for _ in range(4)
            ],
            "cell": {
                "fc_lshift": self.lshift(), "ig_lshift": self.lshift(),
                "c_shift": self.shift(), "c_bits": self.number(2, 16),
                "tanh_shift": self.shift(), "table": self.pick(*self.tables),
                "h_lshift": self.lshift(), "h_shift": self.shift(),
                "h_bits": self.number(2, 16),
            },
        })  # fmt: skip
        return y

    def other(self, x: int, number: int) -> int:
        writer, values = self.writer, self.writer.network["values"]
        width = values[x]["width"]
        op = self.pick("linear", "linear", "act", "add", "concat")
        if op == "linear":
            out = self.pick(1, 3, 20)
            kind = self.structure(out, width)
            block = self.block(out, kind)
            desc = self.matrix(1, out, width, block, kind, self.bias(1, out))
            y = writer.value(f"v{number}", out, 16, 0)
            fields = {"input": x, "W": {"desc": desc, "shifts": [self.lshift()]}}
        elif op == "concat":
            y = writer.value(f"v{number}", 2 * width, 16, 0)
            fields = {"inputs": [x, x]}
        else:
            y = writer.value(f"v{number}", width, 16, 0)
            count = 1 if op == "act" else 2
            shifts = [self.lshift() for _ in range(count)]
            fields = {"inputs": [x] * count, "lshifts": shifts}
        if op != "concat":
            fields["result"] = self.result()
        layer = {"op": op, "name": f"{op}{number}", "output": y, **fields}
        writer.network["layers"].append(layer)
        return y

    def network(self) -> bytes:
        width = self.pick(1, 7, 24, 50)
        value = self.writer.value("x", width, 16, 0)
        axes = [("time", None), ("batch", None), ("feature", width)]
        self.writer.tensor("inputs", "x", axes, value)
        for number in range(self.number(1, 3)):
            value = self.lstm(value, number)
            if self.rng.random() < 0.6:
                value = self.other(value, number)
        out = self.writer.network["values"][value]["width"]
        self.writer.tensor(
            "outputs", "y", [("time", None), ("batch", None), ("feature", out)], value
        )
        return naive_compiler.NaiveCompiler(self.writer, self.rng).compile()


@dataclass
class Outcome:
    """What a checked network was: the statistics of its run, the number of
    codes compared, whether checked mode trapped (with reason), and what its
    matrices were: kinds, balances, numbers of tiers, ..."""

    statistics: dict
    codes: int
    trapped: bool
    structures: set[str]


def structures_of(file: oracle.ProgramFile) -> set[str]:
    """In words, what occurs among the matrices of a program."""
    found = set()
    for desc in file.descriptors:
        found.add(f"{desc.kind} separate" if desc.separate else desc.kind)
        found |= {f"balance {tier.balance}" for tier in desc.tiers}
        if desc.tiers:
            found.add(f"{len(desc.tiers)} tiers")
        if desc.block and (desc.rows % desc.block or desc.cols % desc.block):
            found.add("circulant ragged")
    for layer in file.meta["network"]["layers"]:
        if layer["op"] == "lstm":
            kinds = (file.descriptors[layer[which]["desc"]].kind for which in "WR")
            found.add("W {}, R {}".format(*kinds))
    return found


def outputs_of(program: hcgs.Program, inputs: dict, lengths, **options) -> dict:
    """Program.run in codes, its outputs as a dict however many there are."""
    got = program.run(inputs, lengths, codes=True, **options)
    return got if isinstance(got, dict) else {program.outputs[0].name: got}


def check(seed: int) -> Outcome:
    """Run the network of a seed on both sides; AssertionError if they differ."""
    random = Random(seed)
    data = random.network()
    program, file = hcgs.load(data), oracle.read(data)
    steps, rows = random.pick(1, 2, 3, 5, 9), random.pick(1, 3)
    lengths = [steps, *random.rng.integers(1, steps + 1, rows - 1).tolist()]
    inputs = {}
    for spec in program.inputs:
        sizes = {"time": steps, "batch": rows, "feature": spec.shape[-1]}
        shape = [sizes[axis] for axis in spec.axes]
        scale = random.pick(2**15, 2**12, 2**6)
        inputs[spec.name] = random.rng.integers(-scale, scale, shape).astype(np.int16)
    wanted = oracle.run_tensors(file, inputs, lengths, codes=True)
    got = outputs_of(program, inputs, lengths)
    assert got.keys() == wanted.outputs.keys()
    for name, array in wanted.outputs.items():
        assert (got[name] == array).all(), f"{name} differs"
    statistics = program.stats
    assert statistics["saturations"] == wanted.saturations
    assert statistics["z_saturations"] == wanted.z_saturations
    codes = sum(a.size for a in got.values())
    outcome = Outcome(statistics, codes, False, structures_of(file))
    # Checked mode gives the same, or traps where a sum left 32 bits: always if
    # a whole sum did, perhaps if only a part of one could.
    try:
        again = outputs_of(program, inputs, lengths, checked=True)
    except hcgs.SimulationError as error:
        assert "leaves 32 bits" in str(error) and wanted.risks, error
        outcome.trapped = True
        return outcome
    assert not wanted.overflows, "checked mode let a sum leave 32 bits"
    for name, array in wanted.outputs.items():
        assert (again[name] == array).all(), f"{name} differs in checked mode"
    return outcome
