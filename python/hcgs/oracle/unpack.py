# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights, masks and biases out of their images (docs/Spec/WeightImage.md).

A block map is a list of kept blocks in canonical order, refined tier by tier
(WI-P-2). With the last tier's blocks, the position of every kept weight in the
weight image follows from sorting alone (WI-W-1), so no number but the codes
themselves is stored. In a circulant matrix several weights have one position:
the blocks are expanded, and the rest of the model sees a dense matrix.

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
    """A matrix with its codes in place, of a view those of its columns; the
    shapes are always those of the whole matrix.

    codes     int64 [gates, rows, cols], 0 where nothing is kept
    kept      bool [gates, rows, cols]
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


class _IndexReader:
    """The numbers of one index image, one after the other (WI-I-1)."""

    def __init__(self, data: bytes):
        self.bits, self.at = _bit_stream(data), 0

    def take(self, count: int, width: int, where: str) -> np.ndarray:
        if self.at + count * width > len(self.bits):
            raise ProgramError(f"{where}: the image is too short")
        numbers = _numbers(self.bits, self.at, count, width)
        self.at += count * width
        return numbers

    def end(self) -> int:
        """Bytes read; what is left of the last one must be zeros."""
        used = ceil_div(self.at, 8)
        if self.bits[self.at : 8 * used].any():
            raise ProgramError("index image: nonzero filler bits")
        return used


def _read_lines(
    reader: _IndexReader, tier: Tier, down: int, across: int, nominal: int, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """WI-I-3, WI-I-5 for one parent of `down` x `across` blocks: block-row and
    block-column of each kept block. `nominal` is the number of blocks in a line
    of a parent of nominal size."""
    by_column = tier.balance == "column"
    lists, limit = (across, down) if by_column else (down, across)
    width = index_bits(nominal)
    if tier.balance == "none":
        counts, numbers = [], [np.zeros(0, dtype=np.int64)]
        for _ in range(lists):
            (count,) = reader.take(1, index_bits(nominal + 1), where)
            counts.append(int(count))
            numbers.append(reader.take(int(count), width, where))
        chosen = np.concatenate(numbers)
    else:
        counts = [kept_count(limit, tier)] * lists
        chosen = reader.take(sum(counts), width, where)
    line = np.repeat(np.arange(lists), counts)
    if (chosen >= limit).any():
        raise ProgramError(f"{where}: a number is not below {limit}")
    if ((np.diff(chosen) <= 0) & (np.diff(line) == 0)).any():
        raise ProgramError(f"{where}: numbers do not rise")
    if tier.balance == "both":
        wanted = kept_count(down, tier)
        if (np.bincount(chosen, minlength=across) != wanted).any():
            raise ProgramError(f"{where}: a block-column does not keep {wanted} blocks")
    return (chosen, line) if by_column else (line, chosen)


def read_block_map(
    rows: int, cols: int, tiers: tuple[Tier, ...], index: bytes
) -> tuple[np.ndarray, int]:
    """Decode the index image that `index` begins with: the smallest kept blocks
    in canonical order, int64 [blocks, 4] of first row, first column, height,
    width; and the number of bytes read.

    Raises ProgramError if the image is malformed (WI-I-4).
    """
    reader = _IndexReader(index)
    parents = np.array([[0, 0, rows, cols]], dtype=np.int64)
    nominal = (rows, cols)
    for number, tier in enumerate(tiers):
        where = f"index image, tier {number + 1}"
        if tier.balance == "column":
            nominal_count = ceil_div(nominal[0], tier.rows)
        else:
            nominal_count = ceil_div(nominal[1], tier.cols)
        children = [np.zeros((0, 4), dtype=np.int64)]
        for top, left, height, breadth in parents.tolist():
            down, across = _read_lines(
                reader,
                tier,
                ceil_div(height, tier.rows),
                ceil_div(breadth, tier.cols),
                nominal_count,
                where,
            )
            order = np.lexsort((across, down))
            down, across = down[order] * tier.rows, across[order] * tier.cols
            children.append(
                np.stack(
                    [
                        top + down,
                        left + across,
                        np.minimum(tier.rows, height - down),
                        np.minimum(tier.cols, breadth - across),
                    ],
                    axis=1,
                )
            )
        parents = np.concatenate(children)
        nominal = (tier.rows, tier.cols)
    return parents, reader.end()


def block_maps(desc: Descriptor, index: bytes) -> list[np.ndarray]:
    """The kept blocks of each gate of an hcgs matrix: one map for all, or the
    maps of separate masks one after the other, each from a byte on (WI-I-6)."""
    maps = []
    for _ in range(desc.gates if desc.separate else 1):
        blocks, used = read_block_map(desc.rows, desc.cols, desc.tiers, index)
        index = index[used:]
        maps.append(blocks)
    if index:
        raise ProgramError(f"index image: {len(index)} bytes follow its end")
    return maps if desc.separate else maps * desc.gates


def _block_positions(
    rows: int, cols: int, maps: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mask and positions of WI-W-1, both [gates, rows, cols], of the kept
    blocks of each gate.

    Blocks of one small block-row share their first row, so the order is: first
    row, then gate, then column, then inside the block.
    """
    gates = len(maps)
    places = []  # of each gate: first row of the block, row, column, in order
    for blocks in maps:
        blocks = blocks[np.lexsort((blocks[:, 1], blocks[:, 0]))]
        sizes = blocks[:, 2] * blocks[:, 3]
        starts = np.cumsum(sizes) - sizes
        block = np.repeat(np.arange(len(blocks)), sizes)
        inside = np.arange(int(sizes.sum())) - starts[block]
        row = blocks[block, 0] + inside // blocks[block, 3]
        col = blocks[block, 1] + inside % blocks[block, 3]
        places.append((blocks[block, 0], row, col))
    # The codes of one gate in one small block-row follow one another; the
    # gates of it come in turn.
    first_rows = np.unique(np.concatenate([first for first, _, _ in places]))
    groups = [np.searchsorted(first_rows, first) for first, _, _ in places]
    counts = np.stack([np.bincount(g, minlength=len(first_rows)) for g in groups], 1)
    starts = (np.cumsum(counts) - counts.reshape(-1)).reshape(counts.shape)
    kept = np.zeros((gates, rows, cols), dtype=bool)
    position = np.full((gates, rows, cols), -1, dtype=np.int64)
    for gate, (_, row, col) in enumerate(places):
        own = counts[:, gate]
        within = np.arange(len(row)) - np.repeat(np.cumsum(own) - own, own)
        kept[gate, row, col] = True
        position[gate, row, col] = starts[groups[gate], gate] + within
    return kept, position


def _circulant_positions(desc: Descriptor) -> np.ndarray:
    """WI-C-1, WI-C-2: position of the code of each weight, [gates, rows, cols]:
    block-row, gate, block-column, element (column - row) mod b."""
    row = np.arange(desc.rows)[None, :, None]
    col = np.arange(desc.cols)[None, None, :]
    gate = np.arange(desc.gates)[:, None, None]
    across = ceil_div(desc.cols, desc.block)
    vector = (row // desc.block * desc.gates + gate) * across + col // desc.block
    return vector * desc.block + (col - row) % desc.block


def accumulator_positions(rows: int, gates: int, row_block: int) -> np.ndarray:
    """WI-A-1: place of each accumulator and bias, int64 [gates, rows]."""
    row = np.arange(rows)
    block = row // row_block
    height = np.minimum(row_block, rows - block * row_block)
    gate = np.arange(gates)[:, None]
    return block * row_block * gates + gate * height + (row - block * row_block)


def positions(desc: Descriptor, index: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Mask and position of each code, both [gates, rows, cols]."""
    if desc.kind == "hcgs":
        return _block_positions(desc.rows, desc.cols, block_maps(desc, index))
    kept = np.ones((desc.gates, desc.rows, desc.cols), dtype=bool)
    if desc.kind == "circulant":
        return kept, _circulant_positions(desc)
    # WI-W-2: row block, gate, row, column is the accumulators' order, by rows.
    order = accumulator_positions(desc.rows, desc.gates, desc.row_block)
    columns = np.arange(desc.cols)
    return kept, order[:, :, None] * desc.cols + columns


def stored_codes(desc: Descriptor, kept: np.ndarray) -> int:
    """How many codes the weight image of a matrix has."""
    if desc.kind != "circulant":
        return int(kept.sum())
    down, across = ceil_div(desc.rows, desc.block), ceil_div(desc.cols, desc.block)
    return desc.gates * down * across * desc.block


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
    # WI-D-4: what `wload` will bring, or what is there.
    if desc.spill is None:
        image, first = program.weights, desc.weight_offset
    else:
        image, first = program.spill, desc.spill
    weights = slice_of(image, first, desc.weight_bytes, "weights")
    try:
        kept, position = positions(desc, index)
        stored = decode_codes(
            weights, stored_codes(desc, kept), desc.weight_bits, desc.encoding
        )
        # WI-C-3: elements of ragged circulant blocks that no weight is.
        unused = np.ones(len(stored), dtype=bool)
        unused[position[kept]] = False
        if (stored[unused] != (desc.encoding == "signmag")).any():
            raise ProgramError(
                "weight image: a code that no weight uses is not pattern 0"
            )
    except ProgramError as error:
        raise ProgramError(f"{where}: {error}") from error
    begin, end = desc.column_range
    column = np.arange(desc.cols)
    kept &= (column >= begin) & (column < end)
    position = np.where(kept, position, -1)
    codes = np.zeros(position.shape, dtype=np.int64)
    codes[kept] = stored[position[kept]]
    bias = None
    if desc.bias is not None:
        order = accumulator_positions(desc.rows, desc.gates, desc.row_block)
        if desc.bias + order.size > len(program.bias):
            raise ProgramError(f"{where}: its biases are beyond bmem")
        bias = program.bias[desc.bias + order]
    return Matrix(codes, kept, bias, position)
