# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The real functions of a program's tables, from what its metadata say.

A record of `tables` names a function of ONNX, gives its parameters alpha and
beta where it has them, or points (x, y) in its place (`samples`, one after the
other): straight lines between them, constant outside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import ProgramError

Function = Callable[[np.ndarray], np.ndarray]


def _sigmoid(v):
    return 0.5 * (1.0 + np.tanh(0.5 * v))


FUNCTIONS = {
    "identity": lambda v, a, b: v,
    "sigmoid": lambda v, a, b: _sigmoid(v),
    "tanh": lambda v, a, b: np.tanh(v),
    "relu": lambda v, a, b: np.maximum(v, 0.0),
    "leaky_relu": lambda v, a, b: np.where(v < 0, a * v, v),
    "thresholded_relu": lambda v, a, b: np.where(v > a, v, 0.0),
    "scaled_tanh": lambda v, a, b: a * np.tanh(b * v),
    "hard_sigmoid": lambda v, a, b: np.clip(a * v + b, 0.0, 1.0),
    "elu": lambda v, a, b: np.where(v < 0, a * np.expm1(np.minimum(v, 0.0)), v),
    "softsign": lambda v, a, b: v / (1.0 + np.abs(v)),
    "softplus": lambda v, a, b: np.logaddexp(0.0, v),
    "affine": lambda v, a, b: a * v + b,
}


def table_function(record: dict) -> Function:
    """The function of one record of `tables`."""
    if "samples" in record:
        points = np.asarray(record["samples"], dtype=np.float64).reshape(-1, 2)
        return lambda v: np.interp(v, points[:, 0], points[:, 1])
    name = record.get("function")
    if name not in FUNCTIONS:
        raise ProgramError(f"no float function '{name}'")
    # Parameters are float32 in ONNX, and doubles from there on.
    alpha, beta = record.get("alpha", 0.0), record.get("beta", 0.0)
    return lambda v: FUNCTIONS[name](np.asarray(v, dtype=np.float64), alpha, beta)
