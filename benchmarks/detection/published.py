# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights as the published HCGS training leaves them, and what must become of
them.

Masks. Two tiers of blocks, row- or column-balanced, one mask per matrix that
the four gates share: 32x32 then 4x4 blocks, dropping 75 % of the first and 75,
62.5 or 50 % of the second; 64x64 or 128x128 then 4x4, dropping 75 % of both.
They are drawn at random or, as the guided variant does, chosen by mean
magnitude. A linear layer behind the LSTM, as in the published set-ups, has 64x64
then 4x4 blocks: 50 % of both dropped (4x), or 50 % of the first and 25 % of the
second (62.5 % in all, 2.67x).

Quantiser. With k bits: clamp to [-1, 1], then
sign(w) * ceil(|w| * 2^(k-1)) / 2^(k-1). A kept weight is never 0, so its code
is a sign and a magnitude of 1 to 2^(k-1).

A case is an ONNX model of one LSTM and one linear layer of such weights. `check` compiles it without
hints and holds the program against the mask, the codes and the NumPy integer
model. Equal seeds give equal cases.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "test" / "integration"),
    str(ROOT / "test" / "python" / "tools"),
    str(ROOT / "benchmarks" / "models"),
]

import equality  # noqa: E402
import make_random_models  # noqa: E402

import hcgs  # noqa: E402
from hcgs import oracle  # noqa: E402
from hcgs.oracle.unpack import unpack  # noqa: E402
from hcgs.train import masks  # noqa: E402

GATES = 4
#: Kept shares, tier by tier.
PATTERNS = {
    "32/4, 75/75": "32x32:25%,4x4:25%",
    "32/4, 75/62.5": "32x32:25%,4x4:37.5%",
    "32/4, 75/50": "32x32:25%,4x4:50%",
    "64/4, 75/75": "64x64:25%,4x4:25%",
    "128/4, 75/75": "128x128:25%,4x4:25%",
}
#: Of the linear layer.
LINEAR_PATTERNS = {
    "linear 64/4, 50/50": "64x64:50%,4x4:50%",
    "linear 64/4, 50/25": "64x64:50%,4x4:75%",
}
#: (inputs, hidden): the speech front end's 440 features, and squares.
SIZES = [(440, 512), (512, 512), (440, 440), (1024, 512), (512, 1024), (440, 1024)]
#: Outputs of the linear layer.
OUTPUTS = 256


@dataclass
class Case:
    """A model with what made it.

    weights  float32 [gates, rows, columns] by "W", "R" and "V" (the linear
             layer, one gate), on the published grid
    kept     bool [rows, columns] likewise
    """

    seed: int
    pattern: str
    linear: str
    balance: str
    inputs: int
    hidden: int
    bits: int
    guided: bool
    model: onnx.ModelProto
    weights: dict[str, np.ndarray]
    kept: dict[str, np.ndarray]

    def __str__(self) -> str:
        how = "guided" if self.guided else "random"
        return (
            f"seed {self.seed}: {self.pattern} and {self.linear} {self.balance}, "
            f"{self.hidden}x{self.inputs}, {self.bits} bits, {how}"
        )

    def pattern_of(self, which: str) -> str:
        """The name of the pattern of matrix `which`."""
        return self.linear if which == "V" else self.pattern

    def tiers_of(self, which: str) -> tuple[masks.Tier, ...]:
        return masks.parse_tiers(
            {**PATTERNS, **LINEAR_PATTERNS}[self.pattern_of(which)]
        )


@dataclass
class Found:
    """What `check` measured of a matrix.

    confidence  bits between the description found and the runner-up
    share       the same as a share of the runner-up's bits
    codes       weight codes compared
    """

    confidence: float
    share: float
    codes: int


@dataclass
class Outcome:
    """What `check` measured of a case that passed it.

    matrices  by "W", "R" and "V"
    outputs   output codes compared
    """

    matrices: dict[str, Found]
    outputs: int

    @property
    def confidence(self) -> float:
        """The least of the matrices, in bits."""
        return min(found.confidence for found in self.matrices.values())

    @property
    def codes(self) -> int:
        return sum(found.codes for found in self.matrices.values())


def published_codes(weights: np.ndarray, bits: int) -> np.ndarray:
    """int64: sign(w) * ceil(|w| * 2^(bits-1)) of weights clamped to [-1, 1]."""
    scaled = np.abs(np.clip(weights.astype(np.float64), -1.0, 1.0)) * 2.0 ** (bits - 1)
    return (np.sign(weights) * np.ceil(scaled)).astype(np.int64)


def published_quantiser(weights: np.ndarray, bits: int) -> np.ndarray:
    """float32 on the grid of `bits` bits."""
    return (published_codes(weights, bits) / 2.0 ** (bits - 1)).astype(np.float32)


def make(seed: int, sizes: list[tuple[int, int]] = SIZES) -> Case:
    """The case of a seed. Patterns, balances and sizes go round; widths, the
    way of choosing and all numbers are drawn."""
    names = list(PATTERNS)
    pattern = names[seed % len(names)]
    # In every other round the pairs are the other way about.
    linear = list(LINEAR_PATTERNS)[(seed + seed // (2 * len(names))) % 2]
    balance = masks.BALANCES[seed // len(names) % 2]
    inputs, hidden = sizes[seed // (2 * len(names)) % len(sizes)]
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(3, 9))
    guided = bool(rng.random() < 0.5)
    model = make_random_models.build(inputs, hidden, 1, head=OUTPUTS, seed=seed)
    case = Case(
        seed, pattern, linear, balance, inputs, hidden, bits, guided, model, {}, {}
    )

    shapes = {
        "W": (GATES, hidden, inputs),
        "R": (GATES, hidden, hidden),
        "V": (1, OUTPUTS, hidden),
    }
    for which, shape in shapes.items():
        tiers = case.tiers_of(which)
        # Trained weights of this kind fill the grid; some leave it and are clamped.
        values = rng.normal(0.0, 0.35, shape)
        values[values == 0.0] = 0.35
        if guided:
            mask = masks.select(values, tiers, balance)
        else:
            mask = masks.draw(shape[1:], tiers, balance, rng)
        case.kept[which] = mask
        case.weights[which] = np.where(
            mask, published_quantiser(values, bits), np.float32(0)
        )
    _store(case)
    return case


def _store(case: Case) -> None:
    """Writes the weights of a case into its model."""
    stored = {
        "lstm_1.W": case.weights["W"].reshape(1, GATES * case.hidden, -1),
        "lstm_1.R": case.weights["R"].reshape(1, GATES * case.hidden, -1),
        # MatMul takes it from the right.
        "head.weight": np.ascontiguousarray(case.weights["V"][0].T),
    }
    for tensor in case.model.graph.initializer:
        if tensor.name in stored:
            array = stored.pop(tensor.name)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    assert not stored, f"the model has no {sorted(stored)}"


def check(case: Case, steps: int = 3) -> Outcome:
    """Compiles a case without hints and checks it; AssertionError says what is
    wrong."""
    rng = np.random.default_rng(case.seed)
    # x of the model is [time, batch, inputs].
    calibration = {"x": rng.normal(0.0, 0.5, (6, 1, case.inputs)).astype(np.float32)}
    program = hcgs.compile(
        case.model,
        target="generic",
        calibrate=calibration,
        weight_bits=case.bits,
        weight_encoding="signmag",
        rounding="ceil",
    )
    file = oracle.read(bytes(program))
    layers = {layer["name"]: layer for layer in file.meta["network"]["layers"]}
    places = {"W": ("lstm_1", "W"), "R": ("lstm_1", "R"), "V": ("head", "W")}
    matrices = {}
    for which, (layer, name) in places.items():
        number = layers[layer][name]["desc"]
        _check_pattern(case, which, file.descriptors[number])
        codes = _check_codes(case, which, file, number)
        record = program.report["matrices"][number]
        assert record["on_grid"], f"{which}: not recognised as on a grid"
        detection = record["detection"]
        confidence = float(detection["confidence_bits"])
        assert confidence > 0, (
            f"{which}: {detection['runner_up']} is shorter than what was found, "
            f"by {-confidence} bits"
        )
        matrices[which] = Found(confidence, float(detection["confidence"]), codes)

    inputs = {"x": rng.normal(0.0, 0.5, (steps, 1, case.inputs)).astype(np.float32)}
    quantised = equality.input_codes(file, inputs)
    wanted = oracle.run_tensors(file, quantised, None, codes=True)
    got = equality.run_all(program, quantised, codes=True, checked=True)
    outputs = equality.assert_equal("simulator", got, wanted.outputs)
    return Outcome(matrices, outputs)


def _check_pattern(case: Case, which: str, descriptor) -> None:
    """The descriptor has the tiers, fractions, balance and sharing planted."""
    assert descriptor.kind == "hcgs", f"{which}: stored {descriptor.kind}"
    found = [
        (tier.rows, tier.cols, tier.keep_num / tier.keep_den, tier.balance)
        for tier in descriptor.tiers
    ]
    planted = [
        (tier.rows, tier.columns, tier.keep, case.balance)
        for tier in case.tiers_of(which)
    ]
    assert found == planted, f"{which}: found {found}"
    assert not descriptor.separate, f"{which}: separate masks"


def _check_codes(case: Case, which: str, file, number: int) -> int:
    """Mask and codes of the image are those of the training, code by code."""
    stored = unpack(file, number)
    mask = np.broadcast_to(case.kept[which], stored.kept.shape)
    assert (stored.kept == mask).all(), f"{which}: another mask"
    exponents = file.meta["matrices"][number]["exponents"]
    gates = len(case.weights[which])
    assert exponents == [case.bits - 1] * gates, f"{which}: exponents {exponents}"
    wanted = published_codes(case.weights[which], case.bits)
    wrong = int((stored.codes != wanted).sum())
    assert wrong == 0, f"{which}: {wrong} codes differ from the published ones"
    return int(mask.sum())
