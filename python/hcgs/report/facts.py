# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a report says about a program, as plain numbers.

Everything here is read out of the program file by `hcgs.oracle`, so a report
needs neither the model nor the compiler's own report, and cannot repeat a
mistake of the latter. Cycles come from the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..oracle.program import Descriptor, ProgramFile
from ..oracle.unpack import Matrix, unpack

GATES = ("i", "o", "f", "g")

#: Of each memory: what it holds, and the unit in which it is counted.
MEMORIES = {
    "wmem": ("weights", "bytes"),
    "imem": ("indices of kept blocks", "bytes"),
    "vmem": ("inputs, states, values", "elements"),
    "amem": ("accumulators", "elements"),
    "bmem": ("biases", "elements"),
    "lut": ("tables", "tables"),
    "pmem": ("instructions", "instructions"),
}


@dataclass(frozen=True)
class Part:
    """One row of the accounting: a gate, a matrix, or all of them.

    kept, total   weights that are multiplied, of those of the dense matrix
    stored        codes in the image: `kept` but for circulant blocks
    weight_bits, padding_bits  of the image; padding is what no weight uses:
                  filler of the last byte, unused elements of ragged blocks
    index_bits    of the index image, filler included; None for a gate that
                  shares it
    """

    name: str
    kept: int
    total: int
    stored: int
    weight_bits: int
    padding_bits: int
    index_bits: int | None

    @property
    def ratio(self) -> float | None:
        """How many times fewer codes are stored than the dense matrix has; None
        if no weight is kept."""
        return self.total / self.stored if self.stored else None


@dataclass(frozen=True)
class MatrixFacts:
    """A matrix of the program.

    weights   float64 [gates, rows, cols], the numbers that the codes stand for
    groups    int64: multiplications of each row group, the rows that the
              machine computes together, of all gates
    """

    number: int
    node: str
    matrix: str
    desc: Descriptor
    exponents: tuple[int, ...]
    content: Matrix
    weights: np.ndarray
    gates: tuple[Part, ...]
    whole: Part
    groups: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.node} {self.matrix}"

    @property
    def shape(self) -> str:
        gates = f"{self.desc.gates} x " if self.desc.gates > 1 else ""
        return f"{gates}{self.desc.rows} x {self.desc.cols}"

    @property
    def pattern(self) -> str:
        """The kind in words, as the compiler's options spell it."""
        if self.desc.kind == "circulant":
            return f"circulant, blocks of {self.desc.block}"
        if self.desc.kind == "dense":
            return "dense"
        tiers = ", ".join(
            f"{tier.rows}x{tier.cols}:{tier.keep_num}/{tier.keep_den} {tier.balance}"
            for tier in self.desc.tiers
        )
        return tiers + (", masks per gate" if self.desc.separate else "")

    def stored_codes(self) -> np.ndarray:
        """The codes of the image that a weight uses, in no particular order."""
        position, codes = self.content.position, self.content.codes
        if self.desc.kind != "circulant":
            return codes[self.content.kept]
        used = position[position >= 0]
        return codes[position >= 0][np.unique(used, return_index=True)[1]]

    @property
    def worst_group(self) -> int:
        return int(self.groups.max())

    @property
    def mean_group(self) -> float:
        return float(self.groups.mean())

    @property
    def imbalance(self) -> float:
        """Worst row group over the mean one; 1 is a perfect balance."""
        return self.worst_group / self.mean_group if self.mean_group else 1.0


@dataclass(frozen=True)
class Memory:
    """How full one memory of the target is; `parts` are (name, amount) in the
    order of addresses, `available` None if the target does not bound it."""

    name: str
    holds: str
    unit: str
    used: int
    available: int | None
    parts: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float | None:
        return self.used / self.available if self.available else None


@dataclass(frozen=True)
class SpilledMatrix:
    """A matrix that wmem does not hold all the time: its bytes, how many parts
    of it are loaded from outside, and their bytes."""

    name: str
    bytes: int
    parts: int
    loaded: int


@dataclass(frozen=True)
class Format:
    """A fixed-point format and who has it: `bits` wide, step 2^-frac."""

    name: str
    what: str
    width: int
    bits: int
    frac: int

    @property
    def step(self) -> float:
        return 2.0**-self.frac

    @property
    def low(self) -> float:
        return -(2.0 ** (self.bits - 1 - self.frac))

    @property
    def high(self) -> float:
        return -self.low - self.step


class Facts:
    """The facts of one program file; parts are computed when first asked."""

    def __init__(self, file: ProgramFile):
        self.file = file
        self.meta = file.meta

    @property
    def model(self) -> dict:
        return self.meta.get("model", {})

    @property
    def network(self) -> dict:
        return self.meta["network"]

    def target(self, *keys: str):
        """A number of the target, or None if it does not say."""
        at = self.file.target
        for key in keys:
            at = at.get(key, {})
        return at.get("value") if isinstance(at, dict) else at

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, which say the direction where an ONNX node has
        two (docs/Guides/Statistics.md)."""
        layers = self.meta.get("network", {}).get("layers", [])
        names = [layer["name"] for layer in layers]
        alike = [(layer["name"], layer.get("direction")) for layer in layers]
        found = []
        for number, (name, direction) in enumerate(alike):
            if names.count(name) > 1 and name:
                if direction:
                    name += f" {direction}"
                if alike.count(alike[number]) > 1:
                    name += f" #{number}"
            found.append(name)
        return tuple(found)

    def layer_name(self, layer: str) -> str:
        """The name of a layer of the statistics, which is an index as text."""
        if self._is_layer(layer):
            return self.layer_names[int(layer)]
        return layer or "inputs, outputs, control"

    def node_name(self, record: Mapping) -> str:
        """What a record of the program or of the compiler's report with `node`
        and `layer` is about."""
        layer = str(record.get("layer"))
        return self.layer_name(layer) if self._is_layer(layer) else record["node"]

    def _is_layer(self, layer: str) -> bool:
        return layer.isdigit() and int(layer) < len(self.layer_names)

    @cached_property
    def matrices(self) -> tuple[MatrixFacts, ...]:
        # Views and parts of matrices follow, and would count them again.
        return tuple(self._matrix(i) for i in range(len(self.meta["matrices"])))

    @cached_property
    def total(self) -> Part:
        """All matrices together."""
        parts = [matrix.whole for matrix in self.matrices]
        return Part(
            "all",
            *(
                sum(getattr(part, field) or 0 for part in parts)
                for field in Part.__dataclass_fields__
                if field != "name"
            ),
        )

    @property
    def fp32_bytes(self) -> int:
        """The same model dense in 32-bit floats: every weight, and one bias for
        each accumulator."""
        biases = sum(
            matrix.desc.gates * matrix.desc.rows
            for matrix in self.matrices
            if matrix.matrix == "W"
        )
        return 4 * (self.total.total + biases)

    @property
    def weight_bytes(self) -> int:
        """The weights as they are stored, whether wmem has room for them or not."""
        return sum(matrix.desc.weight_bytes for matrix in self.matrices)

    @cached_property
    def memories(self) -> tuple[Memory, ...]:
        file = self.file
        parts: dict[str, list[tuple[str, int]]] = {
            "wmem": self._weight_parts(),
            "imem": [
                (m.name, m.desc.index_bytes)
                for m in self.matrices
                if m.desc.index_bytes
            ],
            "vmem": [("all values", self.meta["vmem"])],
            "amem": [("all accumulators", self.meta["amem"])],
            "bmem": [
                (m.name, m.desc.gates * m.desc.rows)
                for m in self.matrices
                if m.desc.bias is not None and m.matrix == "W"
            ],
            "lut": [(t["function"], 1) for t in self.meta["tables"]],
            "pmem": self._program_parts(),
        }
        used = {
            "wmem": len(file.weights) + self.buffer_bytes,
            "imem": len(file.index),
            "vmem": self.meta["vmem"],
            "amem": self.meta["amem"],
            "bmem": len(file.bias),
            "lut": len(file.tables),
            "pmem": len(file.text) // 16,
        }
        return tuple(
            Memory(
                name,
                holds,
                unit,
                used[name],
                self.target("memories", name, unit),
                tuple(parts[name]),
            )
            for name, (holds, unit) in MEMORIES.items()
        )

    @property
    def buffer_bytes(self) -> int:
        """Bytes of wmem through which spilled weights come."""
        return self.meta.get("spill", {}).get("buffer_bytes", 0)

    def _weight_parts(self) -> list[tuple[str, int]]:
        """What wmem holds: matrices, or what is left of them, and buffers."""
        whole = [m for m in self.matrices if m.desc.spill is None]
        parts = [(m.name, m.desc.weight_bytes) for m in whole]
        if buffers := self.buffer_bytes:
            resident = len(self.file.weights) - sum(n for _, n in parts)
            if resident:
                parts.append(("resident parts of spilled matrices", resident))
            parts.append(("two buffers of spilled weights", buffers))
        return parts

    @cached_property
    def spilled(self) -> tuple[SpilledMatrix, ...]:
        """Matrices of which wmem has no room for all weights. Their parts have
        descriptors behind those of the matrices (docs/Guides/Spilling.md)."""
        in_parts = self.meta.get("spill", {}).get("matrices", [])
        others = self.file.descriptors[len(self.matrices) :]
        found = []
        for matrix in self.matrices:
            desc = matrix.desc
            if desc.spill is None:
                continue
            # Several descriptors may show columns or gates of one part.
            parts = {(desc.spill, desc.weight_bytes)}
            if matrix.number in in_parts:
                end = desc.spill + desc.weight_bytes
                parts = {
                    (other.spill, other.weight_bytes)
                    for other in others
                    if other.spill is not None and desc.spill <= other.spill < end
                }
            loaded = sum(size for _, size in parts)
            found.append(
                SpilledMatrix(matrix.name, desc.weight_bytes, len(parts), loaded)
            )
        return tuple(found)

    def _program_parts(self) -> list[tuple[str, int]]:
        """Instructions by the node they work for, as the debug map says."""
        if self.file.debug is None:
            return [("instructions", len(self.file.text) // 16)]
        counts: dict[str, int] = {}
        for entry in self.file.debug["instructions"]:
            name = "input, output, control"
            if entry["layer"] is not None:
                name = self.node_name(entry) or name
            counts[name] = counts.get(name, 0) + 1
        left = len(self.file.text) // 16 - sum(counts.values())
        if left > 0:
            name = "input, output, control"
            counts[name] = counts.get(name, 0) + left
        return list(counts.items())

    @cached_property
    def formats(self) -> tuple[Format, ...]:
        """Values, gates and cell states of the network."""
        layers, found = self.network["layers"], []
        made = {layer["output"]: i for i, layer in enumerate(layers)}
        for number, value in enumerate(self.network["values"]):
            what = "constant" if "codes" in value else "value"
            name = value["name"]
            if number in made:  # "lstm.h"
                layer = layers[made[number]]["name"]
                if name.startswith(layer):
                    name = self.layer_names[made[number]] + name[len(layer) :]
            found.append(
                Format(name, what, value["width"], value["bits"], value["frac"])
            )
        for layer, name in zip(layers, self.layer_names):
            if layer["op"] != "lstm":
                continue
            tables = [self.file.tables[gate["table"]] for gate in layer["gates"]]
            same: dict[tuple[int, int], list[str]] = {}
            for gate, table in zip(GATES, tables):
                same.setdefault((table.b, table.out_frac), []).append(gate)
            for (bits, frac), gates in same.items():
                what = f"gate{'s' if len(gates) > 1 else ''} {', '.join(gates)}"
                found.append(Format(name, what, layer["hidden"], bits, frac))
            # L-LSTM-3, 4: c has the fraction of the product i*g, shifted.
            cell = layer["cell"]
            frac = tables[0].out_frac + tables[3].out_frac
            frac += cell["ig_lshift"] - cell["c_shift"]
            found.append(
                Format(name, "cell state c", layer["hidden"], cell["c_bits"], frac)
            )
        return tuple(found)

    def _matrix(self, number: int) -> MatrixFacts:
        desc, record = self.file.descriptors[number], self.meta["matrices"][number]
        content = unpack(self.file, number)
        scale = -np.asarray(record["exponents"])[:, None, None]
        names = GATES if desc.gates == 4 else ("",) * desc.gates
        gates = []
        for gate in range(desc.gates):
            kept = content.kept[gate]
            stored = int(kept.sum())
            if desc.kind == "circulant":  # several weights have one code
                stored = len(np.unique(content.position[gate][kept]))
            whole_words = _words(desc, int(kept.sum()))
            own_index = _gate_index_bits(desc, kept) if desc.separate else None
            gates.append(
                Part(
                    names[gate],
                    int(kept.sum()),
                    desc.rows * desc.cols,
                    stored,
                    stored * desc.weight_bits,
                    (whole_words - stored) * desc.weight_bits,
                    own_index,
                )
            )
        stored = sum(part.stored for part in gates)
        whole = Part(
            "all",
            sum(part.kept for part in gates),
            desc.gates * desc.rows * desc.cols,
            stored,
            stored * desc.weight_bits,
            8 * desc.weight_bytes - stored * desc.weight_bits,
            8 * desc.index_bytes,
        )
        return MatrixFacts(
            number,
            self.node_name(record),
            record["matrix"],
            desc,
            tuple(record["exponents"]),
            content,
            np.ldexp(content.codes.astype(np.float64), scale),
            tuple(gates),
            whole,
            _row_groups(desc, content.kept),
        )


def _words(desc: Descriptor, kept: int) -> int:
    """Codes of one gate in the image: circulant blocks store whole vectors."""
    if desc.kind != "circulant":
        return kept
    return -(-desc.rows // desc.block) * -(-desc.cols // desc.block) * desc.block


def _gate_index_bits(desc: Descriptor, kept: np.ndarray) -> int | None:
    """Bits of one gate's index image where each gate has one: they are equally
    long unless a tier is without balance, which only the image can tell."""
    if any(tier.balance == "none" for tier in desc.tiers):
        return None
    return 8 * desc.index_bytes // desc.gates


def group_starts(desc: Descriptor) -> np.ndarray:
    """First rows of the row groups: the small block-rows of a block pattern,
    the block-rows of a circulant matrix, single rows of a dense one."""
    if desc.kind == "dense":
        return np.arange(desc.rows)
    if desc.kind == "circulant":
        return np.arange(0, desc.rows, desc.block)
    starts = [0]
    for tier in desc.tiers:
        ends = [*starts[1:], desc.rows]
        starts = [row for s, e in zip(starts, ends) for row in range(s, e, tier.rows)]
    return np.asarray(starts)


def _row_groups(desc: Descriptor, kept: np.ndarray) -> np.ndarray:
    """Multiplications of each row group, over all gates."""
    rows = kept.sum(axis=(0, 2), dtype=np.int64)
    return np.add.reduceat(rows, group_starts(desc))
