# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights as the published HCGS training leaves them, and what must become of
them.

Masks. Two tiers of blocks, row- or column-balanced, one mask per matrix that
the four gates share: 32x32 then 4x4 blocks, dropping 75 % of the first and 75,
62.5 or 50 % of the second; 64x64 or 128x128 then 4x4, dropping 75 % of both.
They are drawn at random or, as the guided variant does, chosen by mean
magnitude.

Quantiser. With k bits: clamp to [-1, 1], then
sign(w) * ceil(|w| * 2^(k-1)) / 2^(k-1). A kept weight is never 0, so its code
is a sign and a magnitude of 1 to 2^(k-1).

A case is a one-layer ONNX LSTM of such weights. `check` compiles it without
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
#: (inputs, hidden): the speech front end's 440 features, and squares.
SIZES = [(440, 512), (512, 512), (440, 440), (1024, 512), (512, 1024), (440, 1024)]


@dataclass
class Case:
    """A model with what made it.

    weights  float32 [4, rows, columns] by "W" and "R", on the published grid
    kept     bool [rows, columns] likewise
    """

    seed: int
    pattern: str
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
            f"seed {self.seed}: {self.pattern} {self.balance}, {self.hidden}x{self.inputs}, "
            f"{self.bits} bits, {how}"
        )


@dataclass
class Outcome:
    """What `check` measured of a case that passed it.

    confidence  bits between the description found and the runner-up, least of
                W and R
    share       the same as a share of the runner-up's bits
    codes       weight codes compared
    outputs     output codes compared
    """

    confidence: float
    share: float
    codes: int
    outputs: int


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
    balance = masks.BALANCES[seed // len(names) % 2]
    inputs, hidden = sizes[seed // (2 * len(names)) % len(sizes)]
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(3, 9))
    guided = bool(rng.random() < 0.5)
    tiers = masks.parse_tiers(PATTERNS[pattern])
    model = make_random_models.build(inputs, hidden, 1, seed=seed)

    weights, kept = {}, {}
    for which, columns in (("W", inputs), ("R", hidden)):
        shape = (GATES, hidden, columns)
        # Trained weights of this kind fill the grid; some leave it and are clamped.
        values = rng.normal(0.0, 0.35, shape)
        values[values == 0.0] = 0.35
        if guided:
            mask = masks.select(values, tiers, balance)
        else:
            mask = masks.draw(shape[1:], tiers, balance, rng)
        kept[which] = mask
        weights[which] = np.where(
            mask, published_quantiser(values, bits), np.float32(0)
        )
    for tensor in model.graph.initializer:
        which = tensor.name.rpartition(".")[2]
        if which in weights:
            stacked = weights[which].reshape(1, GATES * hidden, -1)
            tensor.CopyFrom(numpy_helper.from_array(stacked, tensor.name))
    return Case(
        seed, pattern, balance, inputs, hidden, bits, guided, model, weights, kept
    )


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
    codes = 0
    confidence, share = np.inf, np.inf
    (layer,) = [layer for layer in file.meta["network"]["layers"] if "W" in layer]
    for which in ("W", "R"):
        number = layer[which]["desc"]
        _check_pattern(case, which, file.descriptors[number])
        codes += _check_codes(case, which, file, number)
        record = program.report["matrices"][number]
        assert record["on_grid"], f"{which}: not recognised as on a grid"
        detection = record["detection"]
        confidence = min(confidence, detection["confidence_bits"])
        share = min(share, detection["confidence"])
    assert confidence > 0, (
        f"a shorter description than what was found, by {-confidence} bits"
    )

    inputs = {"x": rng.normal(0.0, 0.5, (steps, 1, case.inputs)).astype(np.float32)}
    quantised = equality.input_codes(file, inputs)
    wanted = oracle.run_tensors(file, quantised, None, codes=True)
    got = equality.run_all(program, quantised, codes=True, checked=True)
    outputs = equality.assert_equal("simulator", got, wanted.outputs)
    return Outcome(float(confidence), float(share), codes, outputs)


def _check_pattern(case: Case, which: str, descriptor) -> None:
    """The descriptor has the tiers, fractions, balance and sharing planted."""
    assert descriptor.kind == "hcgs", f"{which}: stored {descriptor.kind}"
    found = [
        (tier.rows, tier.cols, tier.keep_num / tier.keep_den, tier.balance)
        for tier in descriptor.tiers
    ]
    planted = [
        (tier.rows, tier.columns, tier.keep, case.balance)
        for tier in masks.parse_tiers(PATTERNS[case.pattern])
    ]
    assert found == planted, f"{which}: found {found}"
    assert not descriptor.separate, f"{which}: separate masks"


def _check_codes(case: Case, which: str, file, number: int) -> int:
    """Mask and codes of the image are those of the training, code by code."""
    stored = unpack(file, number)
    mask = np.broadcast_to(case.kept[which], stored.kept.shape)
    assert (stored.kept == mask).all(), f"{which}: another mask"
    exponents = file.meta["matrices"][number]["exponents"]
    assert exponents == [case.bits - 1] * GATES, f"{which}: exponents {exponents}"
    wanted = published_codes(case.weights[which], case.bits)
    wrong = int((stored.codes != wanted).sum())
    assert wrong == 0, f"{which}: {wrong} codes differ from the published ones"
    return int(mask.sum())
