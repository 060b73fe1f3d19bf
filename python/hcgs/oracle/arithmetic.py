# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine's arithmetic on NumPy arrays (docs/Spec/Arithmetic.md).

Codes are int64 arrays, so that nothing here can overflow by accident; the
32-bit wrap of accumulators is explicit. Functions that saturate return the
result and a boolean array, true where the result differs from the
unsaturated one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


def sat(v: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """A-FX-2: `v` limited to `bits` bits in two's complement."""
    v = np.asarray(v, dtype=np.int64)
    limited = np.clip(v, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    return limited, limited != v


def wrap32(v: np.ndarray) -> np.ndarray:
    """A-ACC-1: `v` modulo 2^32, as a signed number."""
    v = np.asarray(v, dtype=np.int64)
    return ((v + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def rq(a: np.ndarray, shift: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """A-RQ-1: requantise 32-bit `a` by `shift` (-15..31) to `bits` (2..16)."""
    if not -15 <= shift <= 31:
        raise ValueError(f"requantising shift {shift} is outside -15..31")
    if not 2 <= bits <= 16:
        raise ValueError(f"requantising width {bits} is outside 2..16")
    a = np.asarray(a, dtype=np.int64)
    if shift > 0:
        return sat((a + (1 << (shift - 1))) >> shift, bits)
    return sat(a << -shift, bits)


def round_half_away(u: np.ndarray) -> np.ndarray:
    """The nearest integer of each double, halves away from zero (A-FX-3)."""
    u = np.asarray(u, dtype=np.float64)
    return np.sign(u) * np.floor(np.abs(u) + 0.5)


def to_codes(v: np.ndarray, bits: int, frac: int) -> np.ndarray:
    """A-FX-3: floats to codes of `fx<bits, frac>`; NaN is an error."""
    v = np.asarray(v, dtype=np.float64)
    if np.isnan(v).any():
        raise InputError("the data hold a NaN, which has no fixed-point code")
    # Clipping before the conversion keeps infinities out of int64.
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return np.clip(round_half_away(np.ldexp(v, frac)), low, high).astype(np.int64)


def to_floats(codes: np.ndarray, frac: int) -> np.ndarray:
    """A-FX-4: codes to doubles, exactly."""
    return np.ldexp(np.asarray(codes, dtype=np.float64), -frac)


@dataclass(frozen=True)
class Table:
    """A uniform piecewise-linear table (A-PWL); `base`, `slope` are int64 [2^n]."""

    k: int
    n: int
    s: int
    b: int
    lo: int
    hi: int
    in_frac: int
    out_frac: int
    base: np.ndarray
    slope: np.ndarray

    def __call__(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Apply the table to 16-bit codes `z` (A-PWL-2, A-PWL-3)."""
        z = np.asarray(z, dtype=np.int64)
        half = 1 << self.k
        below, above = z < -half, z >= half
        u = np.where(below | above, 0, z + half)
        width = self.k + 1 - self.n
        segment = u >> width
        d = u & ((1 << width) - 1)
        rounding = 1 << (self.s - 1) if self.s > 0 else 0
        y = self.base[segment] + ((self.slope[segment] * d + rounding) >> self.s)
        y, saturated = sat(y, self.b)
        y = np.where(below, self.lo, np.where(above, self.hi, y))
        return y, saturated & ~(below | above)


@dataclass(frozen=True)
class TwoLevelTable:
    """A two-level piecewise-linear table (A-PWL-6).

    `first` and `bits` are int64 [regions], `base` and `slope` int64 [entries];
    `centre` is None unless the table is mirrored.
    """

    w: int
    p: int
    s: int
    b: int
    lo: int
    hi: int
    in_frac: int
    out_frac: int
    origin: int
    centre: int | None
    first: np.ndarray
    bits: np.ndarray
    base: np.ndarray
    slope: np.ndarray

    def __call__(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Apply the table to 16-bit codes `z` (A-PWL-6)."""
        z = np.asarray(z, dtype=np.int64)
        mirrored = z < 0 if self.centre is not None else np.zeros(z.shape, dtype=bool)
        u = np.where(mirrored, -z, z) - self.origin
        outside = (u < 0) | (u >= len(self.first) << self.w)
        below = outside & (mirrored | (u < 0))
        u = np.where(outside, 0, u)
        region = u >> self.w
        within = u & ((1 << self.w) - 1)
        width = self.w - self.bits[region]
        segment = self.first[region] + (within >> width)
        d = within & ((1 << width) - 1)
        rounding = 1 << (self.s - 1) if self.s > 0 else 0
        base = self.base[segment] << (self.s - self.p)
        t = (base + self.slope[segment] * d + rounding) >> self.s
        if self.centre is not None:
            t = np.where(mirrored, self.centre - t, t)
        y, _ = sat(t, self.b)
        # A-PWL-5: a mirrored table may leave its format by one.
        saturated = np.abs(t - y) > (self.centre is not None)
        y = np.where(below, self.lo, np.where(outside, self.hi, y))
        return y, saturated & ~outside
