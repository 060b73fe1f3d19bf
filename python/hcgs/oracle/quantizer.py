# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An independent quantiser (A-W-1 .. A-W-7): weights and biases of an ONNX
model to codes, to compare with those a compiler stored.

Needs the `onnx` package. Layers are found by the node names in the program's
metadata.
"""

from __future__ import annotations

import os

import numpy as np

from ..errors import ProgramError
from .arithmetic import round_half_away
from .program import ProgramFile
from .unpack import unpack

EXPONENTS = range(-16, 31)


def quantise(
    w: np.ndarray, exponent: int, bits: int, encoding: str, rounding: str = "nearest"
) -> np.ndarray:
    """A-W-3: codes (int64) of kept weights `w` at 2^-exponent."""
    w = np.asarray(w, dtype=np.float64)
    u = np.abs(np.ldexp(w, exponent))
    magnitude = np.ceil(u) if rounding == "ceil" else np.floor(u + 0.5)
    half = 1 << (bits - 1)
    if encoding == "twos":
        return (np.sign(w) * np.minimum(magnitude, half - 1)).astype(np.int64)
    magnitude = np.clip(magnitude, 1, half)
    return np.where(w < 0, -magnitude, magnitude).astype(np.int64)


def squared_error(
    w: np.ndarray,
    exponent: int,
    bits: int,
    encoding: str,
    rounding: str = "nearest",
    uses: np.ndarray | None = None,
) -> float:
    """The sum A-W-4 minimises, added in the order of `w`. Of a circulant matrix
    `uses` says how many weights each element is (WI-C-4)."""
    w = np.asarray(w, dtype=np.float64)
    codes = quantise(w, exponent, bits, encoding, rounding)
    error = w - np.ldexp(codes.astype(np.float64), -exponent)
    squares = error * error if uses is None else error * error * uses
    # cumsum adds from left to right; sum would add pairwise.
    return float(np.cumsum(squares)[-1])


def choose_exponent(
    w: np.ndarray,
    bits: int,
    encoding: str,
    rounding: str = "nearest",
    uses: np.ndarray | None = None,
) -> int:
    """A-W-4 for what is stored of one gate, in the order of the image."""
    if not np.any(w):
        return 0
    errors = [squared_error(w, e, bits, encoding, rounding, uses) for e in EXPONENTS]
    return EXPONENTS[int(np.argmin(errors))]


def quantise_bias(bias: np.ndarray, acc_frac) -> np.ndarray:
    """A-W-6: int64 codes [gates, rows]; `acc_frac` has one entry a gate."""
    scaled = np.ldexp(np.asarray(bias, np.float64), np.asarray(acc_frac)[:, None])
    codes = round_half_away(scaled)
    if (np.abs(codes) >= 2.0**31).any():
        raise ProgramError("a bias leaves 32 bits at the accumulator's scale")
    return codes.astype(np.int64)


class OnnxWeights:
    """Weights of an ONNX model by node name, as doubles."""

    def __init__(self, model):
        import onnx
        from onnx import numpy_helper

        if isinstance(model, (str, os.PathLike)):
            model = onnx.load(os.fspath(model))
        self._nodes = {node.name: node for node in model.graph.node}
        self._producers = {out: node for node in model.graph.node for out in node.output}
        self._consumers = {}
        for node in model.graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._constants = {
            tensor.name: numpy_helper.to_array(tensor).astype(np.float64)
            for tensor in model.graph.initializer
            if tensor.data_type != onnx.TensorProto.STRING
        }
        for node in model.graph.node:
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    if attribute.name == "value":
                        array = numpy_helper.to_array(attribute.t)
                        self._constants[node.output[0]] = array.astype(np.float64)

    def lstm(self, name: str, direction: str, which: str):
        """W or R of one direction: [4, hidden, columns], and the bias
        [4, hidden] (Wb + Rb) or None."""
        node = self._node(name)
        constant = [self._constants.get(i) for i in node.input]
        stack = constant[1 if which == "W" else 2]
        place = 1 if direction == "reverse" and stack.shape[0] == 2 else 0
        hidden = stack.shape[1] // 4
        weights = stack[place].reshape(4, hidden, -1)
        bias = None
        if which == "W" and len(constant) > 3 and constant[3] is not None:
            halves = constant[3][place].reshape(2, 4, hidden)
            bias = halves[0] + halves[1]
        return weights, bias

    def linear(self, name: str):
        """The matrix of a MatMul(+Add) or Gemm: [1, outputs, inputs], and the
        bias [1, outputs] or None."""
        node = self._node(name)
        if node.op_type == "Add":
            (node,) = [
                self._producers[i] for i in node.input if i in self._producers
            ]
        weights = self._constants[node.input[1]]
        attributes = {a.name: a for a in node.attribute}
        if not ("transB" in attributes and attributes["transB"].i):
            weights = weights.T
        bias = None
        if node.op_type == "Gemm":
            weights = weights * self._float(attributes, "alpha")
            if len(node.input) > 2:
                bias = self._constants[node.input[2]] * self._float(attributes, "beta")
        else:
            for user in self._consumers.get(node.output[0], []):
                found = [self._constants[i] for i in user.input if i in self._constants]
                if user.op_type == "Add" and found:
                    bias = found[0]
        if bias is not None:
            bias = np.broadcast_to(bias.reshape(1, -1), (1, weights.shape[0]))
        return weights[None], bias

    @staticmethod
    def _float(attributes: dict, name: str) -> float:
        return attributes[name].f if name in attributes else 1.0

    def _node(self, name: str):
        node = self._nodes.get(name) or self._producers.get(name)
        if node is None:
            raise ProgramError(f"the model has no node '{name}'")
        return node


def accumulator_fraction(operands: list[int], result: int, bias: np.ndarray) -> int:
    """A-W-7: fractional bits of the accumulators of one gate.

    operands  exponent + fractional bits of the input, for each matrix
    result    fractional bits of the requantised value
    bias      the gate's biases, as floats
    """
    limits = [max(operands), min(operands) + 15, result + 31]
    largest = np.max(np.abs(bias), initial=0.0)
    if largest > 0:
        mantissa, exponent = np.frexp(largest)  # largest = mantissa * 2^exponent
        limits.append(30 - int(exponent - (mantissa == 0.5)))
    return min(limits)


def check_program(program: ProgramFile, model) -> list[str]:
    """Requantise the model and compare with the program, code by code.

    model  path or onnx.ModelProto the program was compiled from.
    Returns one line for every matrix whose mask, exponents, codes or biases
    differ; none if all agree.
    """
    source = OnnxWeights(model)
    (rounding,) = program.meta["quantization"]["weight_roundings"] or ["nearest"]
    found: list[str] = []
    for layer in program.meta["network"]["layers"]:
        if "W" not in layer:
            continue
        if layer["op"] == "lstm":
            weights = {
                which: source.lstm(layer["name"], layer["direction"], which)
                for which in ("W", "R")
            }
            results = [
                program.tables[gate["table"]].in_frac for gate in layer["gates"]
            ]
        else:
            weights = {"W": source.linear(layer["name"])}
            rule = layer["result"]
            if rule["kind"] == "act":
                results = [program.tables[rule["table"]].in_frac]
            else:
                value = program.meta["network"]["values"][layer["output"]]
                results = [value["frac"]]
        bias = weights["W"][1]
        matrices = {
            which: _SourceMatrix(program, layer[which], matrix)
            for which, (matrix, _) in weights.items()
        }
        lines = [line for m in matrices.values() for line in m.shape_errors()]
        if not lines:
            if bias is None:
                bias = np.zeros(matrices["W"].weights.shape[:2])
            for gate, result in enumerate(results):
                lines += _check_gate(matrices, gate, result, bias[gate], rounding)
            lines += _check_bias(program, matrices, bias)
        found += [f"{layer['name']}: {line}" for line in lines]
    return found


class _SourceMatrix:
    """A matrix of the model beside what the program stores of it."""

    def __init__(self, program: ProgramFile, use: dict, weights: np.ndarray):
        self.number, self.shifts, self.weights = use["desc"], use["shifts"], weights
        self.desc = program.descriptors[self.number]
        self.stored = unpack(program, self.number)
        self.record = program.meta["matrices"][self.number]

    def shape_errors(self) -> list[str]:
        have, want = self.stored.codes.shape, self.weights.shape
        return [] if have == want else [f"shape {have}, the model's is {want}"]

    def in_image_order(self, array: np.ndarray, gate: int) -> np.ndarray:
        """What the image stores of one gate of `array`, in its order: the kept
        elements; of a circulant matrix the mean of the elements that share a
        code, which is the nearest circulant matrix."""
        kept = self.stored.kept[gate]
        words, values = self.stored.position[gate][kept], array[gate][kept]
        if self.desc.kind != "circulant":
            return values[np.argsort(words)]
        _, place = np.unique(words, return_inverse=True)
        means = np.bincount(place, values) / np.bincount(place)
        return means.astype(np.float32).astype(np.float64)

    def uses(self, gate: int) -> np.ndarray | None:
        """How many weights of a gate each stored element is, if circulant."""
        if self.desc.kind != "circulant":
            return None
        return np.unique(self.stored.position[gate], return_counts=True)[1]


def _check_gate(matrices: dict, gate: int, result: int, bias, rounding) -> list[str]:
    """Exponents, shifts and codes of one gate of the matrices it sums."""
    best = {
        which: choose_exponent(
            m.in_image_order(m.weights, gate),
            m.desc.weight_bits,
            m.desc.encoding,
            rounding,
            m.uses(gate),
        )
        for which, m in matrices.items()
    }
    operands = {which: best[which] + m.record["in_frac"] for which, m in matrices.items()}
    acc_frac = accumulator_fraction(list(operands.values()), result, bias)
    lines = []
    for which, m in matrices.items():
        exponent = best[which] - max(0, operands[which] - acc_frac)
        numbers = {
            "exponent": (m.record["exponents"][gate], exponent),
            "accumulator fraction": (m.record["acc_frac"][gate], acc_frac),
            "shift": (m.shifts[gate], acc_frac - exponent - m.record["in_frac"]),
        }
        wrong = [
            f"{which} gate {gate}: {name} is {have}, should be {want}"
            for name, (have, want) in numbers.items()
            if have != want
        ]
        if not wrong:
            have = m.in_image_order(m.stored.codes, gate)
            want = quantise(
                m.in_image_order(m.weights, gate),
                exponent,
                m.desc.weight_bits,
                m.desc.encoding,
                rounding,
            )
            if (have != want).any():
                wrong = [f"{which} gate {gate}: {int((have != want).sum())} codes differ"]
        lines += wrong
    return lines


def _check_bias(program: ProgramFile, matrices: dict, bias) -> list[str]:
    W = matrices["W"]
    wanted = quantise_bias(bias, W.record["acc_frac"])
    have = W.stored.bias if W.stored.bias is not None else np.zeros_like(wanted)
    lines = []
    if (wanted != have).any():
        lines.append(f"{int((wanted != have).sum())} biases differ")
    if "R" in matrices and matrices["R"].desc.bias not in (None, W.desc.bias):
        lines.append("R has other biases than W")
    return lines
