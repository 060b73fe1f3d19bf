# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a network computes, in integers (docs/Spec/Layers.md).

Every row of a batch is an independent run; `run` computes rows of one length
together. Sums of products are formed as float64 matrix products: with weights
under 2^8 and operands under 2^16 they stay far below 2^53 for any matrix that
can be stored, so they are exact, and they are wrapped to 32 bits afterwards
(A-ACC-1; addition modulo 2^32 does not care about order).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError, ProgramError
from .arithmetic import rq, wrap32
from .program import ProgramFile
from .unpack import Matrix, unpack


@dataclass
class LayerTrace:
    """What one layer computed.

    arrays         by name, int64, leading axes [batch, time] (vector layers:
                   [batch]). LSTM: acc [.., 4, hidden], gates [.., 4, hidden]
                   in the order i, o, f, g, sum, c, q, h [.., hidden]. Others:
                   acc and y [.., width].
    low, high      results cut off at either end by rq or a table
    z_saturations  inputs of tables cut off (A-PWL-5)
    overflows      sums that truly left 32 bits
    risks          sums whose terms' magnitudes reach 2^31 together, so that they
                   leave 32 bits in some order of adding; a compiled program
                   has neither (A-ACC-3)
    """

    op: str
    name: str
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    low: int = 0
    high: int = 0
    z_saturations: int = 0
    overflows: int = 0
    risks: int = 0

    @property
    def saturations(self) -> int:
        """Saturations of the layer (A-RQ-2, A-PWL-5), both ends."""
        return self.low + self.high

    def count(self, y: np.ndarray, saturated: np.ndarray) -> np.ndarray:
        """Count the saturated elements of `y` by their end; gives `y`."""
        self.low += int(np.count_nonzero(saturated & (y < 0)))
        self.high += int(np.count_nonzero(saturated & (y >= 0)))
        return y

    def wrap(self, v: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
        """wrap32 of sums, of whose terms `magnitude` is the sum of the absolute
        values; counts overflows and risks."""
        wrapped = wrap32(v)
        self.overflows += int(np.count_nonzero(wrapped != v))
        self.risks += int(np.count_nonzero(magnitude >= 1 << 31))
        return wrapped


@dataclass
class NetworkResult:
    """values[i] is value i: int64 [batch, time, width] or [batch, width], and
    layers[j] the trace of network.layers[j]."""

    values: list[np.ndarray | None]
    layers: list[LayerTrace]

    @property
    def saturations(self) -> int:
        return sum(layer.saturations for layer in self.layers)

    @property
    def z_saturations(self) -> int:
        return sum(layer.z_saturations for layer in self.layers)

    @property
    def overflows(self) -> int:
        return sum(layer.overflows for layer in self.layers)

    @property
    def risks(self) -> int:
        return sum(layer.risks for layer in self.layers)


class _Weights:
    """A matrix ready for products: float64 [cols, gates * rows]."""

    def __init__(self, matrix: Matrix):
        self.gates, self.rows, self.cols = matrix.codes.shape
        self.dense = matrix.codes.reshape(-1, self.cols).T.astype(np.float64)
        self.magnitudes = np.abs(self.dense)
        bias = matrix.bias
        if bias is None:
            bias = np.zeros((self.gates, self.rows), dtype=np.int64)
        self.start = bias

    def product(self, x: np.ndarray, shifts) -> tuple[np.ndarray, np.ndarray]:
        """(sum over columns of w*x) << shift, and the same of the magnitudes:
        int64 [..., gates, rows]."""

        def sums(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
            exact = (x.astype(np.float64) @ weights).astype(np.int64)
            exact = exact.reshape(*x.shape[:-1], self.gates, self.rows)
            return exact << np.asarray(shifts, dtype=np.int64)[:, None]

        return sums(x, self.dense), sums(np.abs(x), self.magnitudes)


class Network:
    """The network of a program; its matrices are unpacked once."""

    def __init__(self, program: ProgramFile):
        self.program = program
        self.description = program.meta["network"]
        self._weights: dict[int, _Weights] = {}

    def weights(self, number: int) -> _Weights:
        if number not in self._weights:
            self._weights[number] = _Weights(unpack(self.program, number))
        return self._weights[number]

    def result(self, trace: LayerTrace, a: np.ndarray, rule: dict) -> np.ndarray:
        """L-RES-1."""
        if rule["kind"] == "requant":
            return trace.count(*rq(a, rule["shift"], rule["bits"]))
        return self.activation(trace, a, rule["shift"], rule["table"])

    def activation(
        self, trace: LayerTrace, a: np.ndarray, shift: int, table: int
    ) -> np.ndarray:
        z, z_saturated = rq(a, shift, 16)
        trace.z_saturations += int(z_saturated.sum())
        return trace.count(*self.program.tables[table](z))

    # Each layer kind reads `values` and returns {value number: array}.

    def lstm(self, layer: dict, values: list, trace: LayerTrace) -> dict:
        x = values[layer["input"]]
        (batch, steps), hidden = x.shape[:2], layer["hidden"]
        W, R = self.weights(layer["W"]["desc"]), self.weights(layer["R"]["desc"])
        from_x, size_x = W.product(x, layer["W"]["shifts"])
        from_x, size_x = from_x + W.start, size_x + np.abs(W.start)
        cell = layer["cell"]

        def initial(key: str) -> np.ndarray:
            if layer.get(key) is None:
                return np.zeros((batch, hidden), dtype=np.int64)
            return values[layer[key]]

        h, c = initial("initial_h"), initial("initial_c")
        names = {"acc": (4, hidden), "gates": (4, hidden)}
        names.update({name: (hidden,) for name in ("sum", "c", "q", "h")})
        arrays = {
            name: np.zeros((batch, steps, *shape), dtype=np.int64)
            for name, shape in names.items()
        }
        order = range(steps)
        if layer["direction"] == "reverse":
            order = reversed(order)
        elif layer["direction"] != "forward":
            raise ProgramError(f"direction {layer['direction']!r} is unknown")
        for t in order:
            # L-LSTM-1 .. L-LSTM-6
            from_h, size_h = R.product(h, layer["R"]["shifts"])
            a = trace.wrap(from_x[:, t] + from_h, size_x[:, t] + size_h)
            gates = np.stack(
                [
                    self.activation(trace, a[:, g], gate["shift"], gate["table"])
                    for g, gate in enumerate(layer["gates"])
                ],
                axis=1,
            )
            i, o, f, g = (gates[:, k] for k in range(4))
            fc, ig = (f * c) << cell["fc_lshift"], (i * g) << cell["ig_lshift"]
            s = trace.wrap(fc + ig, np.abs(fc) + np.abs(ig))
            c = trace.count(*rq(s, cell["c_shift"], cell["c_bits"]))
            q = self.activation(trace, s, cell["tanh_shift"], cell["table"])
            oq = (o * q) << cell["h_lshift"]
            m = trace.wrap(oq, np.abs(oq))
            h = trace.count(*rq(m, cell["h_shift"], cell["h_bits"]))
            for name, array in zip(arrays, (a, gates, s, c, q, h)):
                arrays[name][:, t] = array
        trace.arrays = arrays
        # L-LSTM-7: h and c of the loop are those of the last step taken.
        outputs = {"output": arrays["h"], "final_h": h, "final_c": c}
        return {
            layer[key]: array
            for key, array in outputs.items()
            if layer.get(key) is not None
        }

    def linear(self, layer: dict, values: list, trace: LayerTrace) -> dict:
        W = self.weights(layer["W"]["desc"])
        product, size = W.product(values[layer["input"]], layer["W"]["shifts"])
        a = trace.wrap(product + W.start, size + np.abs(W.start))[..., 0, :]
        y = self.result(trace, a, layer["result"])
        trace.arrays = {"acc": a, "y": y}
        return {layer["output"]: y}

    def pointwise(self, layer: dict, values: list, trace: LayerTrace) -> dict:
        terms = [
            values[number] << shift
            for number, shift in zip(layer["inputs"], layer["lshifts"], strict=True)
        ]
        a = trace.wrap(sum(terms), sum(np.abs(term) for term in terms))
        y = self.result(trace, a, layer["result"])
        trace.arrays = {"acc": a, "y": y}
        return {layer["output"]: y}

    def concat(self, layer: dict, values: list, trace: LayerTrace) -> dict:
        y = np.concatenate([values[number] for number in layer["inputs"]], axis=-1)
        trace.arrays = {"y": y}
        return {layer["output"]: y}

    def last(self, layer: dict, values: list, trace: LayerTrace) -> dict:
        y = values[layer["input"]][:, -1]
        trace.arrays = {"y": y}
        return {layer["output"]: y}

    _LAYERS = {
        "lstm": lstm,
        "linear": linear,
        "add": pointwise,
        "act": pointwise,
        "concat": concat,
        "last": last,
    }

    def run(self, inputs: dict[int, np.ndarray], steps: int) -> NetworkResult:
        """Compute every layer for `steps` time steps.

        inputs  value number -> codes, integers [batch, steps, width] for a
                sequence value, [batch, width] for a vector value; all of one
                batch size.
        """
        values = self._start_values(inputs, steps)
        traces = []
        for layer in self.description["layers"]:
            if layer["op"] not in self._LAYERS:
                raise ProgramError(f"layer {layer['name']}: unknown op {layer['op']!r}")
            trace = LayerTrace(layer["op"], layer["name"])
            produced = self._LAYERS[layer["op"]](self, layer, values, trace)
            for number, array in produced.items():
                if values[number] is not None:
                    raise ProgramError(f"value {number} is produced twice")
                values[number] = array
            traces.append(trace)
        return NetworkResult(values, traces)

    def _start_values(
        self, inputs: dict[int, np.ndarray], steps: int
    ) -> list[np.ndarray | None]:
        """Constants (L-VAL-3) and inputs; None for what layers will produce."""
        batch = {np.shape(codes)[0] for codes in inputs.values()}
        if len(batch) != 1:
            raise InputError(f"inputs have different batch sizes: {sorted(batch)}")
        (rows,) = batch
        values: list[np.ndarray | None] = []
        for number, value in enumerate(self.description["values"]):
            shape = (rows, value["width"])
            if value["kind"] == "sequence":
                shape = (rows, steps, value["width"])
            if "codes" in value:
                codes = np.asarray(value["codes"], dtype=np.int64)
                values.append(np.broadcast_to(codes, shape))
            elif number in inputs:
                codes = np.asarray(inputs[number])
                if codes.shape != shape or not np.issubdtype(codes.dtype, np.integer):
                    raise InputError(
                        f"value {number} ({value['name']}): {codes.dtype} "
                        f"{codes.shape} given, integers of shape {shape} needed"
                    )
                values.append(codes.astype(np.int64))
            else:
                values.append(None)
        return values


def run(
    program: ProgramFile, inputs: dict[int, np.ndarray], steps: int
) -> NetworkResult:
    """`Network(program).run(inputs, steps)`."""
    return Network(program).run(inputs, steps)
