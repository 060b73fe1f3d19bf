# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The networks of the published figures, with random weights.

Cycles of dense and circulant products do not depend on the weights, so all
matrices are cut out of one array of random numbers: a model of 33 million
weights is written in a second.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GATES = 4


@cache
def _numbers() -> np.ndarray:
    """A million float32, uniform in [-1, 1]."""
    return np.random.default_rng(1).uniform(-1, 1, 1_000_003).astype(np.float32)


def _weights(shape: tuple[int, ...], scale: float, start: int) -> np.ndarray:
    count = int(np.prod(shape))
    return np.float32(scale) * np.resize(np.roll(_numbers(), -start), count).reshape(shape)


def lstm(path: Path, hidden: int, inputs: int, layers: int = 1, bidirectional: bool = False) -> Path:
    """Writes a stack of dense LSTMs with biases: x [time, batch, inputs] to
    y [time, batch, hidden], twice as wide if bidirectional."""
    directions = 2 if bidirectional else 1
    nodes, constants = [], [numpy_helper.from_array(np.array([1], np.int64), "axis")]
    constants.append(numpy_helper.from_array(np.array([0, 0, -1], np.int64), "shape"))
    value, width = "x", inputs
    for layer in range(layers):
        scale = hidden**-0.5
        shapes = {
            "W": (directions, GATES * hidden, width),
            "R": (directions, GATES * hidden, hidden),
            "B": (directions, 2 * GATES * hidden),
        }
        for place, (name, shape) in enumerate(shapes.items()):
            array = _weights(shape, scale, 1000 * layer + 100 * place)
            constants.append(numpy_helper.from_array(array, f"{name}{layer}"))
        last = "y" if layer == layers - 1 else f"h{layer}"
        nodes.append(helper.make_node(
            "LSTM", [value, f"W{layer}", f"R{layer}", f"B{layer}"], [f"Y{layer}"], f"lstm_{layer}",
            hidden_size=hidden, direction="bidirectional" if bidirectional else "forward"))
        if bidirectional:
            nodes.append(helper.make_node("Transpose", [f"Y{layer}"], [f"T{layer}"], f"turn_{layer}",
                                          perm=[0, 2, 1, 3]))
            nodes.append(helper.make_node("Reshape", [f"T{layer}", "shape"], [last], f"join_{layer}"))
        else:
            nodes.append(helper.make_node("Squeeze", [f"Y{layer}", "axis"], [last], f"squeeze_{layer}"))
        value, width = last, directions * hidden

    def frames(name: str, features: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["time", "batch", features])

    graph = helper.make_graph(nodes, "published", [frames("x", inputs)], [frames("y", width)], constants)
    onnx.save(helper.make_model(graph, producer_name="hcgs-benchmarks", ir_version=8,
                                opset_imports=[helper.make_opsetid("", 17)]), path)
    return path
