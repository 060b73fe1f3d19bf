# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights, masks and biases out of their images (docs/Spec/WeightImage.md).

A block map is a list of kept blocks in canonical order, refined tier by tier
(WI-P-2). With the last tier's blocks, the position of every kept weight in the
weight image follows from sorting alone (WI-W-1), so no number but the codes
themselves is stored.

Example, 8 x 8 with tiers 4x4 1/2 and 2x2 1/2, row-balanced, one gate: tier 1
keeps one of two block-columns in each of two block-rows (2 numbers of 1 bit),
tier 2 one of two in each of two block-rows of the two kept blocks (4 numbers
of 1 bit): one index byte, and 4 blocks of 4 codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import ProgramError
from .program import Descriptor, ProgramFile, Tier


@dataclass(frozen=True)
class Matrix:
    """A matrix with its codes in place.

    codes     int64 [gates, rows, cols], 0 where nothing is kept
    kept      bool [rows, cols], shared by the gates
    bias      int64 [gates, rows], or None
    position  int64 [gates, rows, cols]: place of the code in the weight image
              (in codes from the matrix's start), -1 where nothing is kept
    """

    codes: np.ndarray
    kept: np.ndarray
    bias: np.ndarray | None
    position: np.ndarray


def ceil_div(a: int, b: int) -> int:
    """The exact integer ceiling of a / b."""
    return -(-a // b)


def kept_count(n: int, tier: Tier) -> int:
    """WI-P-3: how many of `n` blocks a tier keeps."""
    # Python rounds a Fraction half to even, exactly.
    return max(1, round(Fraction(n * tier.keep_num, tier.keep_den)))


def index_bits(n: int) -> int:
    """WI-I-3: bits of a number below `n`."""
    return (n - 1).bit_length()


def _bit_stream(data: bytes) -> np.ndarray:
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")


def _numbers(bits: np.ndarray, start: int, count: int, width: int) -> np.ndarray:
    """`count` unsigned numbers of `width` bits, least significant bit first."""
    if width == 0:
        return np.zeros(count, dtype=np.int64)
    fields = bits[start : start + count * width].reshape(count, width)
    return fields.astype(np.int64) @ (1 << np.arange(width, dtype=np.int64))


def block_map(
    rows: int, cols: int, tiers: tuple[Tier, ...], index: bytes
) -> np.ndarray:
    """Decode an index image: the smallest kept blocks in canonical order,
    int64 [blocks, 4] of first row, first column, height, width.

    Raises ProgramError if the image is malformed (WI-I-4).
    """
    bits = _bit_stream(index)
    at = 0
    parents = np.array([[0, 0, rows, cols]], dtype=np.int64)
    nominal = (rows, cols)
    for number, tier in enumerate(tiers):
        where = f"index image, tier {number + 1}"
        size = tier.rows if tier.column_balanced else tier.cols
        nominal_count = ceil_div(nominal[0 if tier.column_balanced else 1], size)
        width = index_bits(nominal_count)
        # What each parent lists: `lists` lists of `kept` numbers below `limit`.
        plan = []
        for _, _, height, breadth in parents:
            down = ceil_div(int(height), tier.rows)
            across = ceil_div(int(breadth), tier.cols)
            lists, limit = (across, down) if tier.column_balanced else (down, across)
            plan.append((lists, kept_count(limit, tier), limit))
        total = sum(lists * kept for lists, kept, _ in plan)
        if at + total * width > len(bits):
            raise ProgramError(f"{where}: the image is too short")
        numbers = _numbers(bits, at, total, width)
        at += total * width
        children = []
        first = 0
        for parent, (lists, kept, limit) in zip(parents, plan):
            chosen = numbers[first : first + lists * kept].reshape(lists, kept)
            first += lists * kept
            if (chosen >= limit).any():
                raise ProgramError(f"{where}: a number is not below {limit}")
            if (np.diff(chosen, axis=1) <= 0).any():
                raise ProgramError(f"{where}: numbers do not rise")
            line = np.repeat(np.arange(lists), kept)
            chosen = chosen.reshape(-1)
            down, across = (chosen, line) if tier.column_balanced else (line, chosen)
            order = np.lexsort((across, down))
            down, across = down[order] * tier.rows, across[order] * tier.cols
            children.append(
                np.stack(
                    [
                        parent[0] + down,
                        parent[1] + across,
                        np.minimum(tier.rows, parent[2] - down),
                        np.minimum(tier.cols, parent[3] - across),
                    ],
                    axis=1,
                )
            )
        parents = np.concatenate(children)
        nominal = (tier.rows, tier.cols)
    if len(bits) != 8 * ceil_div(at, 8) or bits[at:].any():
        raise ProgramError("index image: wrong size or nonzero filler bits")
    return parents


def _block_positions(
    rows: int, cols: int, gates: int, blocks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mask [rows, cols] and positions [gates, rows, cols] of WI-W-1.

    Blocks of one small block-row share their first row, so the order is: first
    row, then gate, then column, then inside the block.
    """
    blocks = blocks[np.lexsort((blocks[:, 1], blocks[:, 0]))]
    sizes = blocks[:, 2] * blocks[:, 3]
    total = int(sizes.sum())
    starts = np.cumsum(sizes) - sizes
    block = np.repeat(np.arange(len(blocks)), sizes)
    inside = np.arange(total) - starts[block]
    row = blocks[block, 0] + inside // blocks[block, 3]
    col = blocks[block, 1] + inside % blocks[block, 3]
    # The codes of one gate in one small block-row follow one another; the
    # gates of it come in turn.
    first_rows, group = np.unique(blocks[block, 0], return_inverse=True)
    counts = np.bincount(group, minlength=len(first_rows))
    group_start = np.cumsum(counts) - counts
    within = np.arange(total) - group_start[group]
    kept = np.zeros((rows, cols), dtype=bool)
    kept[row, col] = True
    position = np.full((gates, rows, cols), -1, dtype=np.int64)
    for gate in range(gates):
        position[gate, row, col] = (
            group_start[group] * gates + gate * counts[group] + within
        )
    return kept, position


def accumulator_positions(rows: int, gates: int, row_block: int) -> np.ndarray:
    """WI-A-1: place of each accumulator and bias, int64 [gates, rows]."""
    row = np.arange(rows)
    block = row // row_block
    height = np.minimum(row_block, rows - block * row_block)
    gate = np.arange(gates)[:, None]
    return block * row_block * gates + gate * height + (row - block * row_block)


def positions(desc: Descriptor, index: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Mask [rows, cols] and position of each code [gates, rows, cols]."""
    if desc.kind == "hcgs":
        blocks = block_map(desc.rows, desc.cols, desc.tiers, index)
        return _block_positions(desc.rows, desc.cols, desc.gates, blocks)
    # WI-W-2: row block, gate, row, column is the accumulators' order, by rows.
    order = accumulator_positions(desc.rows, desc.gates, desc.row_block)
    columns = np.arange(desc.cols)
    kept = np.ones((desc.rows, desc.cols), dtype=bool)
    return kept, order[:, :, None] * desc.cols + columns


def decode_codes(data: bytes, count: int, bits: int, encoding: str) -> np.ndarray:
    """A-W-1, WI-W-3: `count` codes of `bits` bits."""
    stream = _bit_stream(data)
    if len(stream) != 8 * ceil_div(count * bits, 8) or stream[count * bits :].any():
        raise ProgramError("weight image: wrong size or nonzero filler bits")
    raw = _numbers(stream, 0, count, bits)
    half = 1 << (bits - 1)
    if encoding == "signmag":
        magnitude = (raw & (half - 1)) + 1
        return np.where(raw & half, -magnitude, magnitude)
    codes = np.where(raw >= half, raw - 2 * half, raw)
    if (codes == -half).any():
        raise ProgramError("weight image: the most negative code must not occur")
    return codes


def unpack(program: ProgramFile, number: int) -> Matrix:
    """The matrix of descriptor `number`."""
    desc = program.descriptors[number]
    where = f"matrix {number}"

    def slice_of(image: bytes, offset: int, size: int, name: str) -> bytes:
        if offset + size > len(image):
            raise ProgramError(f"{where}: its {name} are beyond the section")
        return image[offset : offset + size]

    index = slice_of(program.index, desc.index_offset, desc.index_bytes, "indices")
    weights = slice_of(
        program.weights, desc.weight_offset, desc.weight_bytes, "weights"
    )
    try:
        kept, position = positions(desc, index)
        stored = decode_codes(
            weights, int(kept.sum()) * desc.gates, desc.weight_bits, desc.encoding
        )
    except ProgramError as error:
        raise ProgramError(f"{where}: {error}") from error
    codes = np.where(position >= 0, stored[position], 0)
    bias = None
    if desc.bias is not None:
        order = accumulator_positions(desc.rows, desc.gates, desc.row_block)
        if desc.bias + order.size > len(program.bias):
            raise ProgramError(f"{where}: its biases are beyond bmem")
        bias = program.bias[desc.bias + order]
    return Matrix(codes, kept, bias, position)
