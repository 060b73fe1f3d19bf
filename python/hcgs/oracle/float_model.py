# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network in floating point with the program's weights and biases.

Weights are dequantised codes under the program's masks; activations are the
exact functions, states and sums are doubles. The difference from the source
model is what rounding the *weights* costs; the difference from the integer
model is what fixed-point *values* and tables cost.
"""

from __future__ import annotations

import numpy as np

from ..errors import ProgramError
from .arithmetic import to_floats
from .activations import table_function
from .program import ProgramFile
from .unpack import unpack


class FloatNetwork:
    """Float counterpart of `hcgs.oracle.Network`."""

    def __init__(self, program: ProgramFile):
        self.program = program
        self.description = program.meta["network"]

    def run(self, inputs: dict[int, np.ndarray], steps: int) -> list[np.ndarray]:
        """All values of the network as doubles, shaped as in
        `hcgs.oracle.Network.run`; `inputs` are floats here."""
        rows = next(iter(inputs.values())).shape[0]
        values: list = [None] * len(self.description["values"])
        for number, value in enumerate(self.description["values"]):
            if "codes" in value:
                constant = to_floats(np.asarray(value["codes"]), value["frac"])
                values[number] = np.broadcast_to(constant, (rows, value["width"]))
        for number, array in inputs.items():
            values[number] = np.asarray(array, dtype=np.float64)
        for layer in self.description["layers"]:
            if layer["op"] == "lstm":
                self._lstm(layer, values, rows, steps)
                continue
            if layer["op"] == "linear":
                W, bias, _ = self._matrix(layer, "W")
                a = values[layer["input"]] @ W[0].T + bias[0]
            elif layer["op"] == "concat":
                a = np.concatenate([values[i] for i in layer["inputs"]], axis=-1)
            elif layer["op"] == "last":
                a = values[layer["input"]][:, -1]
            elif layer["op"] in ("add", "act"):
                a = sum(values[i] for i in layer["inputs"])
            else:
                raise ProgramError(f"unknown op {layer['op']!r}")
            rule = layer.get("result", {"kind": "requant"})
            values[layer["output"]] = (
                self._function(rule["table"])(a) if rule["kind"] == "act" else a
            )
        return values

    def _function(self, table: int):
        try:
            return table_function(self.program.meta["tables"][table])
        except ProgramError as error:
            raise ProgramError(f"table {table}: {error}") from None

    def _matrix(self, layer: dict, which: str):
        number = layer[which]["desc"]
        matrix = unpack(self.program, number)
        record = self.program.meta["matrices"][number]
        scale = -np.asarray(record["exponents"])[:, None, None]
        weights = np.ldexp(matrix.codes.astype(np.float64), scale)
        bias = np.zeros(matrix.codes.shape[:2])
        if matrix.bias is not None:
            acc_frac = np.asarray(record["acc_frac"])[:, None]
            bias = np.ldexp(matrix.bias.astype(np.float64), -acc_frac)
        return weights, bias, matrix.kept

    def _lstm(self, layer: dict, values: list, rows: int, steps: int) -> None:
        x, hidden = values[layer["input"]], layer["hidden"]
        (W, bias, _), (R, _, _) = self._matrix(layer, "W"), self._matrix(layer, "R")
        functions = [self._function(gate["table"]) for gate in layer["gates"]]
        squash = self._function(layer["cell"]["table"])

        def initial(key: str) -> np.ndarray:
            if layer.get(key) is None:
                return np.zeros((rows, hidden))
            return values[layer[key]]

        h, c = initial("initial_h"), initial("initial_c")
        y = np.zeros((rows, steps, hidden))
        reverse = layer["direction"] == "reverse"
        for t in reversed(range(steps)) if reverse else range(steps):
            a = bias + np.einsum("ghc,bc->bgh", W, x[:, t])
            a = a + np.einsum("ghc,bc->bgh", R, h)
            i, o, f, g = (functions[k](a[:, k]) for k in range(4))
            c = f * c + i * g
            h = o * squash(c)
            y[:, t] = h
        for key, array in (("output", y), ("final_h", h), ("final_c", c)):
            if layer.get(key) is not None:
                values[layer[key]] = array
