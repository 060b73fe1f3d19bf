# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Seeded random networks: an ONNX model, how to compile it, and data.

One seed always gives the same case. Together a few hundred seeds cover one to
three LSTM layers of 1 to 300 cells, forward, reverse and bidirectional, every
kind of matrix (dense, block-sparse with 1 to 8 tiers in every balance, with
shared and separate masks and ragged edges, circulant with blocks that divide
nothing) found in the weights or chosen matrix by matrix, with and without biases
and initial states (constant, or inputs of the graph), residual additions and
concatenations between layers, linear heads with and without activations, all
widths of weights, activations, gates and cells, and lengths from 1 to past
the pipelined loop. Weight and data scales vary enough for values to saturate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from program_writer import BALANCES, Tier, can_balance_both, mask_of, random_blocks

import hcgs

#: Tiers by spelling of --tiers, with the smallest matrix side they make sense for.
PATTERNS = [
    ("32x32:25%,4x4:25%", (Tier(32, 32, 1, 4), Tier(4, 4, 1, 4)), 40),
    ("16x16:50%,4x4:50%", (Tier(16, 16, 1, 2), Tier(4, 4, 1, 2)), 20),
    ("8x8:50%,4x4:25%", (Tier(8, 8, 1, 2), Tier(4, 4, 1, 4)), 12),
    ("8x8:25%", (Tier(8, 8, 1, 4),), 12),
    ("4x4:50%", (Tier(4, 4, 1, 2),), 5),
]


@dataclass
class Case:
    """A model with its options and data.

    config       what hcgs.compile's `config` says of single matrices
    inputs       float32 by input name, in the model's layout
    lengths      time steps of each batch row (ragged), or None
    calibration  float32 by input name
    options      keyword arguments of hcgs.compile
    """

    seed: int
    model: onnx.ModelProto
    options: dict
    calibration: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    lengths: list[int] | None
    steps: int
    streaming: bool
    features: set[str] = field(default_factory=set)
    config: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return f"seed {self.seed}: {', '.join(sorted(self.features))}"

    def compile(self) -> hcgs.Program:
        return hcgs.compile(
            self.model,
            calibrate=self.calibration,
            config=self.config or None,
            **self.options,
        )


class _Builder:
    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.graph_inputs: list[tuple[str, list]] = []
        self.graph_outputs: list[tuple[str, list]] = []
        self.features: set[str] = set()
        self.streaming = True
        self.pattern = None
        self.patterned = False  # whether a matrix obeys it
        self.balance = "row"
        self.rows = 1
        self.layers: dict[str, dict] = {}

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def size(self) -> int:
        low, high = self.pick([(1, 8), (1, 20), (9, 64), (33, 130), (100, 300)])
        return int(self.rng.integers(low, high + 1))

    def constant(self, name: str, array) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op: str, inputs: list[str], outputs: list[str], **attributes) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, inputs, outputs, name=name, **attributes)
        )
        return outputs[0]

    def scale(self, columns: int) -> float:
        """Typical size of weights: mostly sane, sometimes large."""
        return float(self.pick([0.5, 1.0, 1.0, 2.0, 6.0]) / np.sqrt(columns))

    def kind(self, rows: int, columns: int) -> dict:
        """What the configuration says of a matrix; nothing leaves it to
        detection."""
        how = self.pick(["detect"] * 3 + ["impose"] * 4 + ["circulant"] * 2 + ["off"])
        largest = min(128, max(rows, columns))
        if how == "off":
            return {"sparsity": "off"}
        if how == "circulant" and largest >= 2:
            sizes = [s for s in (2, 3, 4, 5, 7, 8, 12, 16, 31, 64, 100, 128) if s <= largest]
            return {"circulant": self.pick([*sizes, largest])}
        if how != "impose":
            return {}
        tiers: list[Tier] = []
        height, width = rows, columns
        for _ in range(int(self.rng.integers(1, 9)) if self.chance(0.5) else 2):
            height = max(1, height // self.pick([1, 2, 2, 3, 4]))
            width = max(1, width // self.pick([1, 2, 2, 3, 4]))
            denominator = int(self.rng.integers(1, 9))
            tier = Tier(
                height,
                width,
                int(self.rng.integers(1, denominator + 1)),
                denominator,
                self.pick(BALANCES),
            )
            if not can_balance_both(rows, columns, [*tiers, tier]):
                tier = Tier(tier.rows, tier.cols, tier.num, tier.den, "row")
            tiers.append(tier)
        chosen = {
            "sparsity": "impose",
            "tiers": ",".join(
                f"{t.rows}x{t.cols}:{t.num}/{t.den}:{t.balance}" for t in tiers
            ),
            "masks": self.pick(["shared", "separate"]),
            "select": self.pick(["magnitude", "guided", "random"]),
        }
        if chosen["select"] == "random":
            chosen["seed"] = int(self.rng.integers(1000))
        return chosen

    def matrix(self, gates: int, rows: int, columns: int) -> np.ndarray:
        """float32 [gates, rows, columns]; obeys the pattern where it fits."""
        values = self.rng.normal(0, 1, (gates, rows, columns))
        values *= self.scale(columns) * self.rng.uniform(0.3, 1.0, (gates, 1, 1))
        values = values.astype(np.float32)
        # No accidental zero, or the pattern would not be the one meant.
        values[values == 0] = 1e-3
        if self.pattern and min(rows, columns) >= self.pattern[2]:
            tiers = [
                Tier(t.rows, t.cols, t.num, t.den, self.balance)
                for t in self.pattern[1]
            ]
            blocks = random_blocks(self.rng, rows, columns, tiers)
            values = np.where(mask_of(rows, columns, blocks), values, np.float32(0))
            self.patterned = True
            if rows % tiers[0].rows or columns % tiers[0].cols:
                self.features.add("ragged blocks")
        return values

    def lstm(self, x: str, columns: int, hidden: int, number: int) -> tuple[str, int]:
        """One LSTM with what surrounds it; gives [time, batch, width]."""
        direction = self.pick(["forward"] * 5 + ["reverse"] * 2 + ["bidirectional"] * 2)
        directions = 2 if direction == "bidirectional" else 1
        self.features.add(direction)
        if direction != "forward":
            self.streaming = False

        def stack(cols: int) -> np.ndarray:
            # ONNX's order of gates is i, o, f, c; ours is the same.
            return np.stack(
                [
                    self.matrix(4, hidden, cols).reshape(4 * hidden, cols)
                    for _ in range(directions)
                ]
            )

        p = f"l{number}"
        operands = [
            x,
            self.constant(f"{p}.W", stack(columns)),
            self.constant(f"{p}.R", stack(hidden)),
        ]
        if self.chance(0.75):
            bias = self.rng.normal(0, 0.5, (directions, 8 * hidden))
            operands.append(self.constant(f"{p}.B", bias.astype(np.float32)))
        else:
            self.features.add("no bias")
            operands.append("")
        operands.append("")
        # A constant state has the batch's size, so it fixes the batch to 1.
        constant = "constant" if self.rows == 1 else "none"
        states = self.pick(["none"] * 3 + [constant, "input"])
        if states != "none":
            self.features.add(f"{states} states")
        for which, size in (("h", 0.7), ("c", 1.5)):
            if states == "constant":
                state = self.rng.uniform(-size, size, (directions, 1, hidden))
                operands.append(
                    self.constant(f"{p}.{which}0", state.astype(np.float32))
                )
            elif states == "input":
                operands.append(f"{which}0_{number}")
                self.graph_inputs.append(
                    (operands[-1], [directions, "batch", hidden])
                )
        finals = self.chance(0.4)
        outputs = [f"{p}.Y"]
        if finals:
            outputs += [f"h_n{number}", f"c_n{number}"]
            self.features.add("final states")
            for name in outputs[1:]:
                self.graph_outputs.append((name, [directions, "batch", hidden]))
        kinds = {"W": self.kind(hidden, columns), "R": self.kind(hidden, hidden)}
        self.layers[f"lstm_{len(self.nodes)}"] = {k: v for k, v in kinds.items() if v}
        self.node(
            "LSTM", operands, outputs, hidden_size=hidden, direction=direction
        )
        y = f"{p}.Y"
        if directions == 1:
            axes = self.constant(f"{p}.axes", np.array([1], np.int64))
            return self.node("Squeeze", [y, axes], [f"{p}.y"]), hidden
        turned = self.node("Transpose", [y], [f"{p}.turned"], perm=[0, 2, 1, 3])
        shape = self.constant(f"{p}.shape", np.array([0, 0, -1], np.int64))
        return self.node("Reshape", [turned, shape], [f"{p}.y"]), 2 * hidden

    def head(self, y: str, width: int) -> tuple[str, int]:
        classes = int(self.rng.integers(1, 40))
        weights = self.matrix(1, classes, width)[0].T
        kind = self.kind(classes, width)
        if kind:
            self.layers[f"matmul_{len(self.nodes)}"] = {"W": kind}
        y = self.node("MatMul", [y, self.constant("head.w", weights)], ["head.mul"])
        if self.chance(0.7):
            bias = self.rng.normal(0, 0.5, classes).astype(np.float32)
            y = self.node("Add", [y, self.constant("head.b", bias)], ["head.sum"])
        self.features.add("head")
        activation = self.pick([None, None, "Sigmoid", "Tanh", "Relu"])
        if activation:
            y = self.node(activation, [y], ["head.act"])
            self.features.add(activation)
        return y, classes


def make(seed: int) -> Case:
    """The case of a seed."""
    b = _Builder(seed)
    rng = b.rng
    b.rows = b.pick([1, 1, 2, 3])
    if b.chance(0.65):
        b.pattern = b.pick(PATTERNS)
        b.balance = b.pick(["row", "column"])
    layers = b.pick([1, 1, 2, 2, 3])
    inputs = b.size()
    value, width = "x", inputs
    b.graph_inputs.append(("x", ["time", "batch", inputs]))
    if b.chance(0.2):
        # A batch-first model: the first thing the graph does is turn x.
        b.graph_inputs[0] = ("x", ["batch", "time", inputs])
        value = b.node("Transpose", ["x"], ["x.turned"], perm=[1, 0, 2])
        b.features.add("batch first")
    previous: list[tuple[str, int]] = []
    for number in range(layers):
        hidden = b.size()
        if previous and b.chance(0.35):
            hidden = width  # so that a residual addition may fit
        y, out = b.lstm(value, width, hidden, number)
        joins = b.pick(["none", "none", "add", "concat"])
        if joins == "add" and out == width and number > 0:
            y = b.node("Add", [y, value], [f"residual{number}"])
            b.features.add("residual add")
        elif joins == "concat" and number > 0 and out + width <= 600:
            y = b.node("Concat", [y, value], [f"joined{number}"], axis=-1)
            out += width
            b.features.add("concat")
        previous.append((value, width))
        value, width = y, out
    if b.chance(0.6):
        value, width = b.head(value, width)
    if "batch first" in b.features:
        value = b.node("Transpose", [value], ["y"], perm=[1, 0, 2])
        b.graph_outputs.insert(0, ("y", ["batch", "time", width]))
    else:
        value = b.node("Identity", [value], ["y"])
        b.graph_outputs.insert(0, ("y", ["time", "batch", width]))

    b.features.add(f"{layers} layers")
    if "constant states" in b.features:
        for _, dims in b.graph_inputs + b.graph_outputs:
            dims[dims.index("batch")] = 1
    graph = helper.make_graph(
        b.nodes,
        f"random_{seed}",
        [_tensor(name, dims) for name, dims in b.graph_inputs],
        [_tensor(name, dims) for name, dims in b.graph_outputs],
        b.weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", int(rng.integers(14, 21)))],
        ir_version=8,
        producer_name="hcgs tests",
    )

    steps = int(b.pick([1, 2, 3, 4, 5, 7, 9, 12, 20]))
    lengths = None
    if b.rows > 1 and b.chance(0.5):
        lengths = [steps, *rng.integers(1, steps + 1, b.rows - 1).tolist()]
        b.features.add("ragged batch")
    loud = b.pick([1.0, 1.0, 4.0])  # louder than calibrated: inputs saturate
    sizes = {"time": steps, "batch": b.rows}
    calibration_sizes = {"time": 8, "batch": min(2, b.rows)}
    data, calibration = {}, {}
    for name, dims in b.graph_inputs:
        shape = [sizes.get(dim, dim) for dim in dims]
        data[name] = rng.normal(0, 0.6 * loud, shape).astype(np.float32)
        shape = [calibration_sizes.get(dim, dim) for dim in dims]
        calibration[name] = rng.normal(0, 0.6, shape).astype(np.float32)

    options = {
        "target": "generic",
        "weight_bits": int(rng.integers(2, 9)),
        "weight_encoding": b.pick(["twos", "signmag"]),
        "rounding": b.pick(["nearest", "nearest", "nearest", "ceil"]),
        "act_bits": int(rng.integers(8, 17)),
        "input_bits": int(rng.integers(8, 17)),
        "gate_bits": int(rng.integers(8, 17)),
        "cell_bits": int(rng.integers(8, 17)),
    }
    if b.patterned:
        options["tiers"] = b.pattern[0]
        options["balance"] = b.balance
    # What a configuration says of nothing is nothing.
    layers = {name: said for name, said in b.layers.items() if said}
    return Case(
        seed,
        model,
        options,
        calibration,
        data,
        lengths,
        steps,
        b.streaming,
        b.features,
        {"layers": layers} if layers else {},
    )


def _tensor(name: str, dims: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
