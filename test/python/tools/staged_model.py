# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A network between floats and integers, in NumPy, to check the analysis with.

Written from docs/Guides/Analysis.md and docs/Spec on top of the oracle's reader;
one row at a time, nothing shared with the C++ code.
"""

from __future__ import annotations

import numpy as np

from hcgs.oracle import ProgramFile
from hcgs.oracle.activations import table_function
from hcgs.oracle.arithmetic import round_half_away
from hcgs.oracle.quantizer import OnnxWeights
from hcgs.oracle.tensors import part_of
from hcgs.oracle.unpack import unpack

FLOAT, COMPRESSED, WEIGHTS, VALUES, TABLES = range(5)
GATES = "iofg"


def _round(v, bits, frac):
    """To the nearest code, halves up, saturated; in real units."""
    codes = np.floor(np.ldexp(v, frac) + 0.5)
    return np.ldexp(np.clip(codes, -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1), -frac)


class StagedModel:
    """One stage (FLOAT .. TABLES) of a program made from an ONNX model."""

    def __init__(self, program: ProgramFile, model, stage: int):
        self.program, self.stage = program, stage
        self.net = program.meta["network"]
        self.floats = OnnxWeights(model)

    def matrix(self, layer: dict, which: str):
        """Weights [gates, rows, cols] and bias [gates, rows]."""
        number = layer[which]["desc"]
        stored = unpack(self.program, number)
        record = self.program.meta["matrices"][number]
        if self.stage >= WEIGHTS:
            scale = -np.asarray(record["exponents"])[:, None, None]
            bias = np.zeros(stored.codes.shape[:2])
            if stored.bias is not None:
                frac = -np.asarray(record["acc_frac"])[:, None]
                bias = np.ldexp(stored.bias.astype(np.float64), frac)
            return np.ldexp(stored.codes.astype(np.float64), scale), bias
        if layer["op"] == "lstm":
            weights, bias = self.floats.lstm(layer["name"], layer["direction"], which)
        else:
            weights, bias = self.floats.linear(layer["name"])
        if self.stage >= COMPRESSED:
            weights = np.where(stored.kept, weights, 0.0)
            if self.program.descriptors[number].kind == "circulant":
                # Weights that share a code become their mean, in floats.
                _, place = np.unique(stored.position, return_inverse=True)
                place = place.ravel()
                means = np.bincount(place, weights.ravel()) / np.bincount(place)
                means = means.astype(np.float32).astype(float)
                weights = means[place].reshape(weights.shape)
        return weights, np.zeros(weights.shape[:2]) if bias is None else bias

    def activate(self, a, number: int):
        """The function of a table, or the table; with the input as rounded."""
        table = self.program.tables[number]
        if self.stage >= VALUES:
            a = _round(a, 16, table.in_frac)
        if self.stage >= TABLES:
            codes = np.ldexp(a, table.in_frac).astype(np.int64)
            return a, np.ldexp(table(codes)[0].astype(np.float64), -table.out_frac)
        y = table_function(self.program.meta["tables"][number])(a)
        return a, self.round(y, table.b, table.out_frac)

    def round(self, v, bits, frac):
        return _round(v, bits, frac) if self.stage >= VALUES else v

    def run(self, inputs: dict, row: int, steps: int):
        """One row: values by number, and by layer its quantities [steps, width]
        in the order of the layer's own steps."""
        values: list = [None] * len(self.net["values"])
        for number, value in enumerate(self.net["values"]):
            if "codes" in value:
                values[number] = np.ldexp(
                    np.array(value["codes"], float), -value["frac"]
                )
        for tensor in self.net["inputs"]:
            for part in tensor["parts"]:
                value = self.net["values"][part["value"]]
                v = part_of(inputs[tensor["name"]], tensor, part["index"])[row]
                v = np.asarray(v[:steps] if value["kind"] == "sequence" else v, float)
                if self.stage >= VALUES:
                    half = 2.0 ** (value["bits"] - 1)
                    codes = round_half_away(np.ldexp(v, value["frac"]))
                    v = np.ldexp(np.clip(codes, -half, half - 1), -value["frac"])
                values[part["value"]] = v
        traces = []
        for layer in self.net["layers"]:
            trace: dict[str, np.ndarray] = {}
            if layer["op"] == "lstm":
                trace = self.lstm(layer, values, steps)
            elif layer["op"] == "concat":
                parts = [values[i] for i in layer["inputs"]]
                values[layer["output"]] = np.concatenate(parts, axis=-1)
            elif layer["op"] == "last":
                values[layer["output"]] = values[layer["input"]][-1]
            else:
                trace = self.other(layer, values)
            traces.append(trace)
        return values, traces

    def other(self, layer, values):
        if layer["op"] == "linear":
            weights, bias = self.matrix(layer, "W")
            a = values[layer["input"]] @ weights[0].T + bias[0]
        else:
            a = sum(values[i] for i in layer["inputs"])
        rule = layer["result"]
        if rule["kind"] == "act":
            a, y = self.activate(a, rule["table"])
        else:
            value = self.net["values"][layer["output"]]
            y = self.round(a, value["bits"], value["frac"])
        values[layer["output"]] = y
        return {"pre": np.atleast_2d(a), "y": np.atleast_2d(y)}

    def lstm(self, layer, values, steps):
        (W, bias), (R, _) = self.matrix(layer, "W"), self.matrix(layer, "R")
        x, hidden, cell = values[layer["input"]], layer["hidden"], layer["cell"]
        tables = self.program.tables
        outs = [tables[gate["table"]].out_frac for gate in layer["gates"]]
        frac = outs[0] + outs[3] + cell["ig_lshift"]
        h_frac = outs[1] + tables[cell["table"]].out_frac
        h_frac += cell["h_lshift"] - cell["h_shift"]

        def initial(key):
            return np.zeros(hidden) if layer[key] is None else values[layer[key]]

        h, c = initial("initial_h"), initial("initial_c")
        trace: dict[str, list] = {}
        y = np.zeros((steps, hidden))
        reverse = layer["direction"] == "reverse"
        for t in reversed(range(steps)) if reverse else range(steps):
            a = bias + W @ x[t] + R @ h
            now = {}
            for k, gate in enumerate(layer["gates"]):
                z, out = self.activate(a[k], gate["table"])
                now[f"{GATES[k]}.pre"], now[GATES[k]] = z, out
            s = now["f"] * c + now["i"] * now["g"]
            now["c"] = c = self.round(s, cell["c_bits"], frac - cell["c_shift"])
            now["q.pre"], now["q"] = self.activate(s, cell["table"])
            now["h"] = h = self.round(now["o"] * now["q"], cell["h_bits"], h_frac)
            y[t] = h
            for name, value in now.items():
                trace.setdefault(name, []).append(value)
        for key, value in (("output", y), ("final_h", h), ("final_c", c)):
            if layer[key] is not None:
                values[layer[key]] = value
        return {name: np.array(series) for name, series in trace.items()}
