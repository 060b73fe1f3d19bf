# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.unpack: the spec's worked numbers, and images written by loops."""

import numpy as np
import pytest
from program_writer import (
    ProgramWriter,
    Tier,
    index_image,
    mask_of,
    random_blocks,
    weight_order,
)

from hcgs import ProgramError
from hcgs.oracle import program, unpack

PUBLISHED = (Tier(32, 32, 1, 4), Tier(4, 4, 1, 4))
COLUMN = (Tier(32, 32, 1, 4, True), Tier(4, 4, 1, 4, True))

# (rows, cols, tiers): ragged in both directions, one to four tiers, mixed
# balances, blocks larger than the matrix, keep fractions that round to even.
SHAPES = [
    (512, 440, PUBLISHED),
    (512, 440, COLUMN),
    (37, 29, (Tier(8, 8, 1, 2), Tier(4, 4, 1, 2))),
    (37, 29, (Tier(8, 8, 1, 2, True), Tier(4, 4, 1, 2, True))),
    (37, 29, (Tier(8, 8, 1, 2, True), Tier(3, 2, 1, 2))),
    (40, 56, (Tier(16, 8, 3, 8), Tier(5, 3, 2, 3, True), Tier(2, 1, 1, 2))),
    (64, 64, (Tier(32, 32, 1, 2), Tier(16, 16, 1, 2), Tier(8, 8, 1, 2), Tier(4, 4, 1, 2))),
    (5, 7, (Tier(16, 16, 1, 4), Tier(4, 4, 1, 4))),
    (1, 1, (Tier(4, 4, 1, 4),)),
    (9, 3, (Tier(2, 3, 5, 8, True),)),
    (20, 10, (Tier(4, 4, 1, 2),)),
]


def spec_tiers(tiers):
    return tuple(program.Tier(t.rows, t.cols, t.num, t.den, t.column) for t in tiers)


def test_worked_example_of_the_spec():  # WI-P-3, WI-I-3
    rng = np.random.default_rng(0)
    row = random_blocks(rng, 512, 440, PUBLISHED)
    assert mask_of(512, 440, row).sum() == 512 * 440 / 13.75
    column = random_blocks(rng, 512, 440, COLUMN)
    assert mask_of(512, 440, column).sum() == 512 * 440 / 16
    square = random_blocks(rng, 512, 512, PUBLISHED)
    assert len(index_image(512, 512, PUBLISHED, square)) == 416
    tier = program.Tier(32, 32, 1, 4, False)
    assert [unpack.kept_count(n, tier) for n in (1, 2, 6, 10, 14, 16)] == [1, 1, 2, 2, 4, 4]


def test_index_image_by_hand():  # WI-I-1 .. WI-I-3
    # 8 x 8, one tier 2x4 of 4 block-rows and 2 block-columns, half kept:
    # kept columns 1, 0, 1, 1 of one bit each, least significant bit first.
    tiers = (program.Tier(2, 4, 1, 2, False),)
    blocks = unpack.block_map(8, 8, tiers, bytes([0b1101]))
    assert blocks.tolist() == [[0, 4, 2, 4], [2, 0, 2, 4], [4, 4, 2, 4], [6, 4, 2, 4]]
    # The same bits column-balanced: two columns, each two of four rows, two
    # bits a number: column 0 rows 1, 3; column 1 rows 0, 2.
    tiers = (program.Tier(2, 4, 1, 2, True),)
    blocks = unpack.block_map(8, 8, tiers, bytes([0b10_00_11_01]))
    assert blocks.tolist() == [[0, 4, 2, 4], [2, 0, 2, 4], [4, 4, 2, 4], [6, 0, 2, 4]]


@pytest.mark.parametrize("rows, cols, tiers", SHAPES)
def test_block_map_and_order(rows, cols, tiers):
    rng = np.random.default_rng(rows * cols)
    blocks = random_blocks(rng, rows, cols, tiers)
    image = index_image(rows, cols, tiers, blocks)
    found = unpack.block_map(rows, cols, spec_tiers(tiers), image)
    kept, position = unpack._block_positions(rows, cols, 3, found)
    assert (kept == mask_of(rows, cols, blocks)).all()
    count = 0
    for gate, row, col in weight_order(rows, cols, 3, tiers, blocks, rows):
        assert position[gate, row, col] == count
        count += 1
    assert count == 3 * kept.sum()


@pytest.mark.parametrize("encoding", ["twos", "signmag"])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_matrix_round_trip(bits, encoding, shape):
    rows, cols, tiers = SHAPES[shape]
    if rows > 100:
        rows, cols = 96, 88
    rng = np.random.default_rng(bits)
    blocks = random_blocks(rng, rows, cols, tiers)
    mask = mask_of(rows, cols, blocks)
    top = 2 ** (bits - 1) - (encoding == "twos")
    codes = rng.integers(1, top + 1, (2, rows, cols)) * rng.choice([-1, 1], (2, rows, cols))
    bias = rng.integers(-(2**31), 2**31, (2, rows))
    writer = ProgramWriter()
    writer.matrix(codes[:, ::-1], bits, encoding, bias=bias, row_block=7)
    writer.matrix(codes * mask, bits, encoding, tiers, blocks, bias=-bias // 2)
    writer.matrix(codes, bits, encoding, row_block=3 * rows, bias_at=0)
    read = program.read(writer.bytes())
    dense, sparse, last = (unpack.unpack(read, i) for i in range(3))
    assert (dense.codes == codes[:, ::-1]).all() and (dense.bias == bias).all()
    assert (sparse.codes == codes * mask).all() and (sparse.bias == -bias // 2).all()
    assert (sparse.kept == mask).all()
    assert (last.codes == codes).all()


def test_codes_by_hand():  # A-W-1, WI-W-3
    # Three 3-bit codes 1, -2, 4 (signmag): 000, 101, 011 from bit 0 on.
    data = bytes([0b11_101_000, 0b0])
    assert unpack.decode_codes(data, 3, 3, "signmag").tolist() == [1, -2, 4]
    # 3, -3, 0 (twos): 011, 101, 000.
    assert unpack.decode_codes(bytes([0b00_101_011, 0]), 3, 3, "twos").tolist() == [3, -3, 0]


def test_malformed_images():  # WI-I-4, A-W-1, WI-W-3
    # Five block-columns, two kept (2.5 rounds to even), three bits a number.
    tiers = (program.Tier(2, 2, 1, 2, False),)
    good = unpack.block_map(2, 10, tiers, bytes([0b010_000]))
    assert good[:, 1].tolist() == [0, 4]
    with pytest.raises(ProgramError, match="rise"):
        unpack.block_map(2, 10, tiers, bytes([0b001_001]))
    with pytest.raises(ProgramError, match="not below 5"):
        unpack.block_map(2, 10, tiers, bytes([0b101_000]))
    with pytest.raises(ProgramError, match="filler"):
        unpack.block_map(2, 10, tiers, bytes([0b01_001_000]))
    with pytest.raises(ProgramError, match="too short"):
        unpack.block_map(2, 10, tiers, b"")
    with pytest.raises(ProgramError, match="most negative"):
        unpack.decode_codes(bytes([0b100]), 1, 3, "twos")
    with pytest.raises(ProgramError, match="filler"):
        unpack.decode_codes(bytes([0b1011]), 1, 3, "twos")
    with pytest.raises(ProgramError, match="size"):
        unpack.decode_codes(bytes([1, 0]), 1, 3, "twos")


def test_accumulator_layout():  # WI-A-1
    order = unpack.accumulator_positions(5, 2, 2)
    assert order.tolist() == [[0, 1, 4, 5, 8], [2, 3, 6, 7, 9]]
