# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiler without cleverness, to test the simulator by itself.

Takes the network a ProgramWriter describes, whatever its numbers are (shifts,
tables and weights need not make sense, sums may wrap), and emits one loop a
layer: load, multiply, activate, store. Work is cut into pieces at random, and
pieces of a step are issued in random order where they do not depend on each
other, so that row blocks, gate sets and all kinds of initial accumulators
occur; columns are cut, too, by views of the matrices, and the weights of some
networks are spilled and loaded before every product. Nothing is shared with the real compiler; encodings follow the tables in
docs/Spec/InstructionTables.md.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from program_writer import ProgramWriter, elf_of

ROOT = Path(__file__).resolve().parents[3]

# mnemonic: opcode, then (field, lowest bit, width). "addr" fields hold a
# register in 5 bits and a signed offset in 20.
ENCODINGS = {
    "halt": (0x01,),
    "barrier": (0x02,),
    "loop": (0x03, ("seq", 8, 1), ("imm", 9, 32), ("cap", 41, 32), ("length", 73, 24)),
    "endloop": (0x04,),
    "astream": (0x06, ("dst", 8, 5), ("stream", 13, 6), ("imm", 19, 32), ("tscale", 51, 32)),
    "aadd": (0x07, ("dst", 8, 5), ("imm", 13, 32)),
    "load": (0x10, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20)),
    "wload": (0x11, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 24)),
    "store": (0x18, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20)),
    "mvm": (0x20, ("dst", 8, "addr"), ("src", 33, "addr"), ("desc", 58, 10),
            ("first", 68, 16), ("count", 84, 16), ("gates", 100, 4), ("init", 104, 2),
            ("shifts", 106, 16), ("tile", 122, 4), ("retile", 126, 1)),
    "act": (0x30, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20),
            ("shift", 103, 6), ("table", 109, 8)),
    "requant": (0x31, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20),
                ("shift", 103, 6), ("bits", 109, 5)),
    "vmac": (0x32, ("dst", 8, "addr"), ("a", 33, "addr"), ("b", 58, "addr"),
             ("n", 83, 20), ("lshift", 103, 4), ("init", 107, 2)),
    "vacc": (0x33, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20),
             ("lshift", 103, 4), ("init", 107, 2)),
    "vcopy": (0x34, ("dst", 8, "addr"), ("src", 33, "addr"), ("n", 83, 20)),
    "fill": (0x35, ("dst", 8, "addr"), ("value", 33, 16), ("n", 83, 20)),
}  # fmt: skip
ACC, ZERO, BIAS = 0, 1, 2


def encode(mnemonic: str, **operands) -> bytes:
    opcode, *fields = ENCODINGS[mnemonic]
    word = opcode
    for name, low, width in fields:
        value = operands.pop(name, 0)
        if width == "addr":
            register, offset = value if isinstance(value, tuple) else (0, value)
            value, width = register | (offset & 0xFFFFF) << 5, 25
        word |= (int(value) & ((1 << width) - 1)) << low
    assert not operands, f"{mnemonic} has no field {operands}"
    return word.to_bytes(16, "little")


@dataclass
class NaiveCompiler:
    writer: ProgramWriter
    rng: np.random.Generator
    text: list[bytes] = field(default_factory=list)
    streams: list[dict] = field(default_factory=list)
    vinit: list[tuple[int, list[int]]] = field(default_factory=list)
    vmem: int = 0
    amem: int = 0

    def emit(self, mnemonic: str, **operands) -> None:
        if self.rng.random() < 0.05:
            self.text.append(encode("barrier"))  # allowed anywhere
        self.text.append(encode(mnemonic, **operands))

    def v(self, n: int) -> int:
        self.vmem += n
        return self.vmem - n

    def a(self, n: int) -> int:
        self.amem += n
        return self.amem - n

    def stream(self, value: int, direction: str) -> int:
        about = self.writer.network["values"][value]
        kind = "step" if about["kind"] == "sequence" else "sequence"
        self.streams.append(
            {
                "name": f"{about['name']}.{direction}{len(self.streams)}",
                "kind": kind,
                "direction": direction,
                "elements": about["width"],
                "value": value,
            }
        )
        return len(self.streams) - 1

    def pieces(self, n: int) -> list[tuple[int, int]]:
        """[0, n) cut into up to three runs (start, length), shuffled."""
        cuts = sorted({0, n, *self.rng.integers(0, n + 1, 2).tolist()})
        runs = [(a, b - a) for a, b in zip(cuts, cuts[1:])]
        return [runs[i] for i in self.rng.permutation(len(runs))]

    def compile(self) -> bytes:
        net = self.writer.network
        self.loads: dict[int, int] = {}  # sequence value -> stream to load from
        self.stores: dict[int, list[int]] = {}  # value -> streams to store to
        self.place: dict[int, int] = {}  # vector value -> vmem
        self._spill()
        self.desc = self._descriptors()
        for number, value in enumerate(net["values"]):
            if value["kind"] == "vector":
                self.place[number] = self.v(value["width"])
                if "codes" in value:
                    self.vinit.append((self.place[number], value["codes"]))
        for tensor in net["inputs"]:
            for part in tensor["parts"]:
                part["stream"] = self.stream(part["value"], "in")
                self.loads[part["value"]] = part["stream"]
        for tensor in net["outputs"]:
            for part in tensor["parts"]:
                part["stream"] = self.stream(part["value"], "out")
                self.stores.setdefault(part["value"], []).append(part["stream"])
        for number, place in self.place.items():
            if number in self.loads:
                self.emit("astream", dst=1, stream=self.loads[number])
                n = net["values"][number]["width"]
                self.emit("load", dst=place, src=(1, 0), n=n)
        for layer in net["layers"]:
            self._layer(layer)
        for number, place in self.place.items():
            for stream in self.stores.get(number, []):
                self.emit("astream", dst=1, stream=stream)
                n = net["values"][number]["width"]
                self.emit("store", dst=(1, 0), src=place, n=n)
        self.emit("halt")
        return self._file()

    def _spill(self) -> None:
        """Some of the matrices of some networks."""
        count = len(self.writer.descriptors)
        chosen = {i for i in range(count) if self.rng.random() < 0.5}
        if not chosen or self.rng.random() < 0.6:
            return
        self.writer.spill_matrices(chosen)
        self.streams.append(
            {
                "name": "spill",
                "kind": "weights",
                "direction": "in",
                "elements": len(self.writer.spill) // 2,
                "value": None,
            }
        )
        self.weight_stream = len(self.streams) - 1

    def load_weights(self, number: int) -> None:
        """Brings a spilled matrix, in pieces."""
        if number not in self.writer.spilled:
            return
        place, size = struct.unpack_from("<2I", self.writer.descriptors[number], 20)
        first = self.writer.spilled[number]
        self.emit("astream", dst=31, stream=self.weight_stream, imm=first)
        for at, n in self.pieces(size):
            self.emit("wload", dst=place + at, src=(31, at), n=n)

    def segments(self, number: int) -> list[tuple[int, int]]:
        """(descriptor, first column) of products that make up that of a
        matrix: itself, or views of it in any order."""
        raw, about = self.writer.descriptors[number], self.desc[number]
        cols, block = about["cols"], int.from_bytes(raw[136:140], "little")
        # Width of the first tier, or the circulant block (WI-D-3).
        step = block or (int.from_bytes(raw[42:44], "little") or 1)
        if cols <= step or self.rng.random() < 0.6:
            return [(number, 0)]
        views = []
        for first, count in self.pieces(-(-cols // step)):
            begin, end = first * step, min(cols, (first + count) * step)
            views.append((self.writer.view(number, begin, end), begin))
        return views

    def _descriptors(self) -> list[dict]:
        found = []
        for raw in self.writer.descriptors:
            word = np.frombuffer(raw[4:16], "<u4")
            bias = int.from_bytes(raw[16:20], "little") != 0xFFFFFFFF
            rows, cols, block = (int(number) for number in word)
            found.append(
                {"gates": raw[1], "rows": rows, "cols": cols, "block": block, "bias": bias}
            )
        return found

    def _layer(self, layer: dict) -> None:
        net = self.writer.network
        inputs = layer.get("inputs", [layer.get("input")])
        outputs = [layer["output"]] if layer.get("output") is not None else []
        sequence = net["values"][(inputs + outputs)[0]]["kind"] == "sequence"
        reverse = layer.get("direction") == "reverse"
        # A sequence that a later layer reads needs a scratch stream.
        for number in outputs:
            if sequence:
                stream = self.stream(number, "scratch")
                self.stores.setdefault(number, []).append(stream)
                self.loads[number] = stream
        body = _Body(self, layer, sequence)
        if layer["op"] == "lstm":
            body.lstm_start()
        registers = []
        if sequence:
            used = [(self.loads[n], n, False) for n in inputs]
            used += [(s, n, True) for n in outputs for s in self.stores.get(n, [])]
            for register, (stream, number, stored) in enumerate(used, 1):
                size = 2 * net["values"][number]["width"]
                back = {"imm": -size, "tscale": size} if reverse else {}
                self.emit("astream", dst=register, stream=stream, **back)
                registers.append((register, number, stored, -size if reverse else size))
            self.emit("loop", seq=1, length=1)  # the length is known later
            start = len(self.text) - 1
            for register, number, stored, _ in registers:
                if not stored:
                    n = net["values"][number]["width"]
                    self.emit("load", dst=body.vector(number), src=(register, 0), n=n)
        getattr(body, layer["op"])()
        if sequence:
            for register, number, stored, _ in registers:
                if stored:
                    n = net["values"][number]["width"]
                    self.emit("store", dst=(register, 0), src=body.vector(number), n=n)
            for register, _, _, size in registers:
                self.emit("aadd", dst=register, imm=size)
            self.emit("endloop")
            length = len(self.text) - start - 1
            self.text[start] = encode("loop", seq=1, length=length)
        if layer["op"] == "lstm":
            body.lstm_end()

    def _file(self) -> bytes:
        contents = self.writer.contents()
        contents[".hcgs.text"] = b"".join(self.text)
        heads, codes = b"", b""
        for first, values in sorted(self.vinit):
            heads += np.array([first, len(values)], "<u4").tobytes()
            codes += np.array(values, "<i2").tobytes()
        count = np.array([1, len(self.vinit)], "<u4").tobytes()
        contents[".hcgs.vinit"] = count + heads + codes
        target = json.loads((ROOT / "targets" / "generic.json").read_text())
        canonical = json.dumps(target, sort_keys=True, separators=(",", ":"))
        contents[".hcgs.target"] = canonical.encode()
        meta = json.loads(contents[".hcgs.meta"])
        meta |= {
            "entries": {"run": 0, "step": None, "reset": None, "no_step": "not emitted"},
            "streams": self.streams,
            "vmem": self.vmem,
            "amem": self.amem,
            "producer": {"name": "naive", "version": "0"},
        }
        contents[".hcgs.meta"] = json.dumps(meta).encode()
        return elf_of(contents)


class _Body:
    """What one layer does in one time step."""

    def __init__(self, compiler: NaiveCompiler, layer: dict, sequence: bool):
        self.c, self.layer, self.sequence = compiler, layer, sequence
        self.rng = compiler.rng
        self.temporary: dict[int, int] = {}

    def vector(self, number: int) -> int:
        """Where a value of this step is in vmem."""
        if number in self.c.place:
            return self.c.place[number]
        if number not in self.temporary:
            width = self.c.writer.network["values"][number]["width"]
            self.temporary[number] = self.c.v(width)
        return self.temporary[number]

    def product(self, use: dict, src: int, acc: int, init: int) -> None:
        """One mvm a random set of gates and run of row blocks."""
        about = self.c.desc[use["desc"]]
        gates, block = about["gates"], about["block"]
        blocks = -(-about["rows"] // block)
        shifts = sum(shift << 4 * g for g, shift in enumerate(use["shifts"]))
        sets = [(1 << gates) - 1]
        if gates > 1 and self.rng.random() < 0.6:
            first = int(self.rng.integers(1, (1 << gates) - 1))
            sets = [first, sets[0] & ~first]
        self.c.load_weights(use["desc"])
        for chosen in sets:
            start = init
            for desc, column in self.c.segments(use["desc"]):
                for first, count in self.c.pieces(blocks):
                    self.c.emit(
                        "mvm", dst=acc + first * block * gates, src=src + column,
                        desc=desc, first=first, count=count, gates=chosen, init=start,
                        shifts=shifts, retile=self.rng.integers(2),
                    )  # fmt: skip
                start = ACC

    def runs(self, rule: dict, dst: int, acc: int, n: int) -> None:
        """L-RES-1 on n accumulators, in pieces."""
        for at, count in self.c.pieces(n):
            where = {"dst": dst + at, "src": acc + at, "n": count}
            if rule["kind"] == "act":
                self.c.emit("act", shift=rule["shift"], table=rule["table"], **where)
            else:
                self.c.emit("requant", shift=rule["shift"], bits=rule["bits"], **where)

    def lstm_start(self) -> None:
        hidden = self.layer["hidden"]
        self.h, self.h_new, self.c_at = (self.c.v(hidden) for _ in range(3))
        self.gate = [self.c.v(hidden) for _ in range(4)]
        self.q = self.c.v(hidden)
        self.acc = self.c.a(4 * hidden)
        self.sum, self.out = self.c.a(hidden), self.c.a(hidden)
        for state, key in ((self.h, "initial_h"), (self.c_at, "initial_c")):
            if self.layer.get(key) is None:
                self.c.emit("fill", dst=state, value=0, n=hidden)
            else:
                place = self.c.place[self.layer[key]]
                self.c.emit("vcopy", dst=state, src=place, n=hidden)

    def lstm(self) -> None:
        layer, cell, hidden = self.layer, self.layer["cell"], self.layer["hidden"]
        x = self.vector(layer["input"])
        has_bias = [self.c.desc[layer[k]["desc"]]["bias"] for k in ("W", "R")]
        order = [("W", x), ("R", self.h)]
        # Either product may come first if the descriptor names the biases.
        if has_bias[1] or not has_bias[0]:
            if self.rng.random() < 0.5:
                order.reverse()
        for turn, (which, src) in enumerate(order):
            start = ACC if turn else BIAS if any(has_bias) else ZERO
            self.product(layer[which], src, self.acc, start)
        block = self.c.desc[layer["W"]["desc"]]["block"]
        for g, rule in enumerate(layer["gates"]):
            for first in range(0, hidden, block):  # WI-A-1
                n = min(block, hidden - first)
                src = self.acc + first * 4 + g * n
                self.runs({"kind": "act", **rule}, self.gate[g] + first, src, n)
        i, o, f, g = self.gate
        emit = self.c.emit
        emit("vmac", dst=self.sum, a=f, b=self.c_at, n=hidden,
             lshift=cell["fc_lshift"], init=ZERO)  # fmt: skip
        for at, n in self.c.pieces(hidden):
            emit("vmac", dst=self.sum + at, a=i + at, b=g + at, n=n,
                 lshift=cell["ig_lshift"], init=ACC)  # fmt: skip
        squash = {"kind": "act", "shift": cell["tanh_shift"], "table": cell["table"]}
        self.runs(squash, self.q, self.sum, hidden)
        keep = {"kind": "requant", "shift": cell["c_shift"], "bits": cell["c_bits"]}
        self.runs(keep, self.c_at, self.sum, hidden)
        emit("vmac", dst=self.out, a=o, b=self.q, n=hidden,
             lshift=cell["h_lshift"], init=ZERO)  # fmt: skip
        keep = {"kind": "requant", "shift": cell["h_shift"], "bits": cell["h_bits"]}
        self.runs(keep, self.h, self.out, hidden)
        if layer.get("output") is not None:
            emit("vcopy", dst=self.vector(layer["output"]), src=self.h, n=hidden)

    def lstm_end(self) -> None:
        for state, key in ((self.h, "final_h"), (self.c_at, "final_c")):
            if self.layer.get(key) is not None:
                place = self.c.place[self.layer[key]]
                self.c.emit("vcopy", dst=place, src=state, n=self.layer["hidden"])

    def linear(self) -> None:
        about = self.c.desc[self.layer["W"]["desc"]]
        acc = self.c.a(about["rows"])
        start = BIAS if about["bias"] else ZERO
        self.product(self.layer["W"], self.vector(self.layer["input"]), acc, start)
        self.runs(
            self.layer["result"], self.vector(self.layer["output"]), acc, about["rows"]
        )

    def add(self) -> None:
        values = self.c.writer.network["values"]
        n = values[self.layer["output"]]["width"]
        acc = self.c.a(n)
        for turn, number in enumerate(self.layer["inputs"]):
            self.c.emit(
                "vacc", dst=acc, src=self.vector(number), n=n,
                lshift=self.layer["lshifts"][turn], init=ACC if turn else ZERO,
            )  # fmt: skip
        self.runs(self.layer["result"], self.vector(self.layer["output"]), acc, n)

    act = add

    def concat(self) -> None:
        at = self.vector(self.layer["output"])
        for number in self.layer["inputs"]:
            n = self.c.writer.network["values"][number]["width"]
            self.c.emit("vcopy", dst=at, src=self.vector(number), n=n)
            at += n
