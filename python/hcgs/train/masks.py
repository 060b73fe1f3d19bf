# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""HCGS masks: which weights of a matrix are kept.

A matrix [rows, columns] (a row computes one output) is cut into the blocks of
the first tier. Row-balanced, every block-row keeps the same number of its
blocks; column-balanced, every block-column does. Each kept block is then cut
into the blocks of the next tier and thinned by the same rule on its own, and so
on; the blocks kept at the last tier are dense.

Of n blocks in a row (or column) `kept_count(n, keep)` stay: n * keep rounded
half to even, and at least one. At the right and lower edge blocks are ragged:
they are as large as the matrix leaves them, count as one block where they are
chosen, and are themselves cut by their true size.

Example. 512x440 with tiers 32x32 at 25 %, 4x4 at 25 %: 440 columns make 13
blocks and one of 24 columns, so 14. Row-balanced, 4 of 14 stay in each
block-row, and 2 of 8 (or 2 of 6 in the ragged one) small blocks in each of its
small block-rows: 32 of 440 weights in each row, 13.75 times fewer. Column-
balanced, 4 of 16 stay in each block-column, then 2 of 8: 32 of 512 in each
column, 16 times fewer.

A mask is a Boolean array, True where a weight is kept. Gates that share a mask
are given to `select` as one array [gates, rows, columns].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BALANCES = ("row", "column")


@dataclass(frozen=True)
class Tier:
    """One level of blocks: `rows` x `columns` weights each, of which the
    fraction `keep` (over 0, up to 1) stays."""

    rows: int
    columns: int
    keep: float

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(
                f"block of {self.rows}x{self.columns} is empty; sides start at 1"
            )
        if not 0 < self.keep <= 1:
            raise ValueError(f"kept fraction {self.keep} is not over 0 and up to 1")


HCGS_16X = (Tier(32, 32, 0.25), Tier(4, 4, 0.25))
"""The published pattern: 32x32 then 4x4 blocks, a quarter of each kept."""


def parse_tiers(text: str) -> tuple[Tier, ...]:
    """Reads the compiler's spelling, "32x32:25%,4x4:25%", outermost first."""
    tiers = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)x(\d+):(\d+(?:\.\d*)?)%\s*", part)
        if not match:
            raise ValueError(f"tier '{part}' is not of the form ROWSxCOLUMNS:KEEP%")
        tiers.append(Tier(int(match[1]), int(match[2]), float(match[3]) / 100))
    _check_nesting(tiers)
    return tuple(tiers)


def kept_count(blocks: int, keep: float) -> int:
    """Blocks that stay of `blocks` in a balanced row: round half to even, at
    least 1."""
    return max(1, round(blocks * keep))


def draw(
    shape: tuple[int, int],
    tiers: Sequence[Tier],
    balance: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws a mask [rows, columns] at random; equal generators give equal
    masks."""

    def random_blocks(blocks: tuple[int, int], _corner, _tier, _extent) -> np.ndarray:
        return rng.random(blocks)

    return _build(shape, tiers, balance, random_blocks)


def select(weights: np.ndarray, tiers: Sequence[Tier], balance: str) -> np.ndarray:
    """The mask [rows, columns] that keeps the blocks of largest mean magnitude.

    weights: [rows, columns], or [gates, rows, columns] for gates that share the
             mask, whose magnitudes are then averaged.

    A ragged block's mean is over its true extent. Of equal blocks the one with
    the lower index stays.
    """
    if weights.ndim not in (2, 3):
        raise ValueError(f"weights of {weights.ndim} dimensions; 2 or 3 expected")
    magnitude = np.abs(weights.astype(np.float64))
    if weights.ndim == 3:
        magnitude = magnitude.mean(axis=0)

    def mean_magnitude(blocks, corner, tier, extent) -> np.ndarray:
        row, column = corner
        part = magnitude[row : row + extent[0], column : column + extent[1]]
        rows = np.arange(blocks[0]) * tier.rows
        columns = np.arange(blocks[1]) * tier.columns
        sums = np.add.reduceat(np.add.reduceat(part, rows, 0), columns, 1)
        heights = np.minimum(tier.rows, extent[0] - rows)
        widths = np.minimum(tier.columns, extent[1] - columns)
        return sums / np.outer(heights, widths)

    return _build(magnitude.shape, tiers, balance, mean_magnitude)


def check(mask: np.ndarray, tiers: Sequence[Tier], balance: str) -> None:
    """Raises ValueError that names the first block at fault unless `mask` is
    exactly what `draw` or `select` could have made: balanced counts at every
    tier, and kept blocks of the last tier without a hole."""
    _check_arguments(mask.shape, tiers, balance)
    _check_part(np.asarray(mask, dtype=bool), (0, 0), list(tiers), balance)


def compression(mask: np.ndarray) -> float:
    """Weights of the dense matrix for each kept one."""
    return mask.size / int(np.count_nonzero(mask))


# -- implementation -----------------------------------------------------------

_Scores = Callable[
    [tuple[int, int], tuple[int, int], Tier, tuple[int, int]], np.ndarray
]
"""Scores the blocks of one part of the matrix: given how many blocks there are
each way, the part's corner, the tier and the part's extent."""


def _build(shape, tiers, balance: str, scores: _Scores) -> np.ndarray:
    _check_arguments(shape, tiers, balance)
    mask = np.zeros(shape, dtype=bool)

    def fill(corner: tuple[int, int], extent: tuple[int, int], level: int) -> None:
        row, column = corner
        if level == len(tiers):
            mask[row : row + extent[0], column : column + extent[1]] = True
            return
        tier = tiers[level]
        blocks = _block_counts(extent, tier)
        kept = _highest(scores(blocks, corner, tier, extent), tier.keep, balance)
        for i, j in np.argwhere(kept):
            top, left = int(i) * tier.rows, int(j) * tier.columns
            inner = (
                min(tier.rows, extent[0] - top),
                min(tier.columns, extent[1] - left),
            )
            fill((row + top, column + left), inner, level + 1)

    fill((0, 0), tuple(shape), 0)
    return mask


def _highest(scores: np.ndarray, keep: float, balance: str) -> np.ndarray:
    """Marks the `kept_count` highest scores of each row (or column)."""
    axis = 1 if balance == "row" else 0
    count = kept_count(scores.shape[axis], keep)
    order = np.argsort(-scores, axis=axis, kind="stable")
    kept = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(kept, np.take(order, range(count), axis=axis), True, axis=axis)
    return kept


def _check_part(part: np.ndarray, corner, tiers: list[Tier], balance: str) -> None:
    if not tiers:
        if not part.all():
            raise ValueError(
                f"kept block at row {corner[0]}, column {corner[1]} has "
                f"{part.size - int(part.sum())} of {part.size} weights dropped"
            )
        return
    tier = tiers[0]
    blocks = _block_counts(part.shape, tier)
    used = np.zeros(blocks, dtype=bool)
    kept = []
    for i, j in np.ndindex(blocks):
        top, left = i * tier.rows, j * tier.columns
        block = part[top : top + tier.rows, left : left + tier.columns]
        used[i, j] = block.any()
        if used[i, j]:
            kept.append((block, (corner[0] + top, corner[1] + left)))
    axis = 1 if balance == "row" else 0
    expected = kept_count(blocks[axis], tier.keep)
    for index, found in enumerate(used.sum(axis=axis)):
        if found != expected:
            raise ValueError(
                f"block-{balance} {index} of the {tier.rows}x{tier.columns} blocks "
                f"from row {corner[0]}, column {corner[1]} keeps {found} of "
                f"{blocks[axis]} blocks; {expected} expected"
            )
    for block, at in kept:
        _check_part(block, at, tiers[1:], balance)


def _block_counts(extent, tier: Tier) -> tuple[int, int]:
    return -(-extent[0] // tier.rows), -(-extent[1] // tier.columns)


def _check_nesting(tiers: Sequence[Tier]) -> None:
    for outer, inner in zip(tiers, tiers[1:]):
        if inner.rows > outer.rows or inner.columns > outer.columns:
            raise ValueError(
                f"blocks of {inner.rows}x{inner.columns} do not fit into those of "
                f"{outer.rows}x{outer.columns} before them"
            )


def _check_arguments(shape, tiers: Sequence[Tier], balance: str) -> None:
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"shape {tuple(shape)} is not that of a matrix with weights")
    if balance not in BALANCES:
        raise ValueError(f"unknown balance '{balance}'; allowed are row and column")
    _check_nesting(tiers)
