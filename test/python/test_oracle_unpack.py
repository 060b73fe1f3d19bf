# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.unpack: the spec's worked numbers, and images written by loops."""

import dataclasses

import numpy as np
import pytest
from program_writer import (
    ProgramWriter,
    Tier,
    circulant_codes,
    index_image,
    mask_of,
    random_blocks,
    weight_order,
)

from hcgs import ProgramError
from hcgs.oracle import program, unpack

PUBLISHED = (Tier(32, 32, 1, 4), Tier(4, 4, 1, 4))
COLUMN = (Tier(32, 32, 1, 4, "column"), Tier(4, 4, 1, 4, "column"))
HALVES = tuple(Tier(2**i, 2**i, 3, 4, b) for i, b in zip(range(6, -1, -1), ["row", "none"] * 4))

# (rows, cols, tiers): ragged in both directions, one to eight tiers, mixed
# balances, blocks larger than the matrix, keep fractions that round to even.
SHAPES = [
    (512, 440, PUBLISHED),
    (512, 440, COLUMN),
    (37, 29, (Tier(8, 8, 1, 2), Tier(4, 4, 1, 2))),
    (37, 29, (Tier(8, 8, 1, 2, "column"), Tier(4, 4, 1, 2, "column"))),
    (37, 29, (Tier(8, 8, 1, 2, "column"), Tier(3, 2, 1, 2))),
    (40, 56, (Tier(16, 8, 3, 8), Tier(5, 3, 2, 3, "column"), Tier(2, 1, 1, 2))),
    (64, 64, (Tier(32, 32, 1, 2), Tier(16, 16, 1, 2), Tier(8, 8, 1, 2), Tier(4, 4, 1, 2))),
    (5, 7, (Tier(16, 16, 1, 4), Tier(4, 4, 1, 4))),
    (1, 1, (Tier(4, 4, 1, 4),)),
    (9, 3, (Tier(2, 3, 5, 8, "column"),)),
    (20, 10, (Tier(4, 4, 1, 2),)),
    (16, 24, (Tier(4, 4, 1, 2, "both"), Tier(2, 2, 1, 2, "both"))),
    (12, 20, (Tier(6, 10, 1, 2, "both"), Tier(2, 5, 1, 1, "column"))),
    (37, 29, (Tier(8, 8, 1, 2, "none"), Tier(3, 2, 1, 2, "none"))),
    (37, 29, (Tier(8, 8, 1, 2, "none"), Tier(4, 4, 1, 2), Tier(4, 1, 1, 2, "none"))),
    (64, 64, (*HALVES, Tier(1, 1, 3, 4))),
]


def spec_tiers(tiers):
    return tuple(program.Tier(t.rows, t.cols, t.num, t.den, t.balance) for t in tiers)


def test_worked_example_of_the_spec():  # WI-P-3, WI-I-3
    rng = np.random.default_rng(0)
    row = random_blocks(rng, 512, 440, PUBLISHED)
    assert mask_of(512, 440, row).sum() == 512 * 440 / 13.75
    column = random_blocks(rng, 512, 440, COLUMN)
    assert mask_of(512, 440, column).sum() == 512 * 440 / 16
    square = random_blocks(rng, 512, 512, PUBLISHED)
    assert len(index_image(512, 512, PUBLISHED, square)) == 416
    tier = program.Tier(32, 32, 1, 4)
    assert [unpack.kept_count(n, tier) for n in (1, 2, 6, 10, 14, 16)] == [1, 1, 2, 2, 4, 4]


def test_index_image_by_hand():  # WI-I-1 .. WI-I-5
    # 8 x 8, one tier 2x4 of 4 block-rows and 2 block-columns, half kept:
    # kept columns 1, 0, 1, 1 of one bit each, least significant bit first.
    tiers = (program.Tier(2, 4, 1, 2),)
    blocks, used = unpack.read_block_map(8, 8, tiers, bytes([0b1101]))
    assert used == 1
    assert blocks.tolist() == [[0, 4, 2, 4], [2, 0, 2, 4], [4, 4, 2, 4], [6, 4, 2, 4]]
    # The same bits column-balanced: two columns, each two of four rows, two
    # bits a number: column 0 rows 1, 3; column 1 rows 0, 2.
    tiers = (program.Tier(2, 4, 1, 2, "column"),)
    blocks, _ = unpack.read_block_map(8, 8, tiers, bytes([0b10_00_11_01]))
    assert blocks.tolist() == [[0, 4, 2, 4], [2, 0, 2, 4], [4, 4, 2, 4], [6, 0, 2, 4]]
    # Unbalanced, three block-columns: counts in two bits, numbers in two:
    # block-row 0 keeps none, block-row 1 columns 0 and 2, block-row 2 column 1.
    tiers = (program.Tier(2, 4, 1, 2, "none"),)
    image = bytes([0b10_00_10_00, 0b01_01])
    blocks, used = unpack.read_block_map(6, 12, tiers, image + b"rest")
    assert blocks.tolist() == [[2, 0, 2, 4], [2, 8, 2, 4], [4, 4, 2, 4]] and used == 2
    # Both ways, 2 x 2 blocks of which one is kept in each line.
    tiers = (program.Tier(2, 4, 1, 2, "both"),)
    blocks, _ = unpack.read_block_map(4, 8, tiers, bytes([0b01]))
    assert blocks.tolist() == [[0, 4, 2, 4], [2, 0, 2, 4]]


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("rows, cols, tiers", SHAPES)
def test_block_map_and_order(rows, cols, tiers, separate):
    rng = np.random.default_rng(rows * cols)
    maps = [random_blocks(rng, rows, cols, tiers) for _ in range(3)]
    if not separate:
        maps = maps[:1] * 3
    images = [index_image(rows, cols, tiers, blocks) for blocks in maps]
    found = []
    for image in images:
        blocks, used = unpack.read_block_map(rows, cols, spec_tiers(tiers), image)
        assert used == len(image)
        found.append(blocks)
    kept, position = unpack._block_positions(rows, cols, found)
    for gate, blocks in enumerate(maps):
        assert (kept[gate] == mask_of(rows, cols, blocks)).all()
    count = 0
    for place in weight_order(rows, tiers, maps):
        assert position[place] == count
        count += 1
    assert count == kept.sum()


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
    maps = [random_blocks(rng, rows, cols, tiers) for _ in range(2)]
    masks = np.stack([mask_of(rows, cols, own) for own in maps])
    writer.matrix(codes * masks, bits, encoding, tiers, maps, separate=True)
    read = program.read(writer.bytes())
    dense, sparse, last = (unpack.unpack(read, i) for i in range(3))
    assert (dense.codes == codes[:, ::-1]).all() and (dense.bias == bias).all()
    assert (sparse.codes == codes * mask).all() and (sparse.bias == -bias // 2).all()
    assert (sparse.kept == mask).all()
    assert (last.codes == codes).all()
    apart = unpack.unpack(read, 3)
    assert (apart.codes == codes * masks).all() and (apart.kept == masks).all()


def test_circulant_by_hand():  # WI-C-1 .. WI-C-3
    # Blocks of 3 on 4 x 5, one gate: vectors (1 2 3), (4 5 7), (6 7 2), (3 4 .).
    # Each row is the one above, turned right; ragged blocks are cut off, and
    # what of a vector no weight is, is 0.
    rows = [[1, 2, 3, 4, 5], [3, 1, 2, 7, 4], [2, 3, 1, 5, 7], [6, 7, 2, 3, 4]]
    writer = ProgramWriter()
    writer.matrix([rows], 5, "twos", row_block=3, circulant=3)
    stored = [1, 2, 3, 4, 5, 7, 6, 7, 2, 3, 4, 0]
    bits = sum(code << 5 * i for i, code in enumerate(stored))
    assert writer.weights == bits.to_bytes(8, "little")
    matrix = unpack.unpack(program.read(writer.bytes()), 0)
    assert matrix.codes.tolist() == [rows] and matrix.kept.all()
    assert matrix.position[0].tolist() == [
        [0, 1, 2, 3, 4], [2, 0, 1, 5, 3], [1, 2, 0, 4, 5], [6, 7, 8, 9, 10],
    ]  # fmt: skip
    # The same stored code where there is no weight must be 0.
    writer.weights = (bits | 1 << 55).to_bytes(8, "little")
    with pytest.raises(ProgramError, match="no weight uses"):
        unpack.unpack(program.read(writer.bytes()), 0)


@pytest.mark.parametrize("encoding", ["twos", "signmag"])
@pytest.mark.parametrize(
    "rows, cols, size", [(16, 16, 4), (17, 9, 4), (3, 40, 7), (40, 3, 40), (5, 5, 3), (1, 9, 2)]
)
def test_circulant_round_trip(rows, cols, size, encoding):
    rng = np.random.default_rng(size)
    shape = (3, -(-rows // size), -(-cols // size), size)
    vectors = rng.integers(1, 16, shape) * rng.choice([-1, 1], shape)
    codes = circulant_codes(vectors, rows, cols)
    for row in range(rows):  # the sentence of the spec, by its formula
        for col in range(cols):
            turned = vectors[:, row // size, col // size, (col - row) % size]
            assert (codes[:, row, col] == turned).all()
    writer = ProgramWriter()
    bias = rng.integers(-99, 99, (3, rows))
    writer.matrix(codes, 5, encoding, row_block=2 * size, bias=bias, circulant=size)
    read = program.read(writer.bytes())
    (desc,) = read.descriptors
    assert (desc.kind, desc.block) == ("circulant", size)
    assert desc.weight_bytes == -(-vectors.size * 5 // 8)
    matrix = unpack.unpack(read, 0)
    assert (matrix.codes == codes).all() and (matrix.bias == bias).all()


@pytest.mark.parametrize("kind", ["dense", "hcgs", "circulant"])
def test_views_and_spilled_weights(kind):  # WI-D-3, WI-D-4
    rng = np.random.default_rng(5)
    rows, cols, step = 12, 20, {"dense": 1, "hcgs": 8, "circulant": 4}[kind]
    codes = rng.integers(1, 8, (2, rows, cols))
    given = {}
    if kind == "hcgs":
        tiers = (Tier(4, 8, 1, 2), Tier(2, 2, 1, 2))
        blocks = random_blocks(rng, rows, cols, tiers)
        codes = codes * mask_of(rows, cols, blocks)
        given = {"tiers": tiers, "blocks": blocks}
    elif kind == "circulant":
        codes = circulant_codes(rng.integers(1, 8, (2, 3, 5, 4)), rows, cols)
        given = {"circulant": 4}
    writer = ProgramWriter()
    writer.matrix(rng.integers(1, 8, (1, 3, 3)), 4)
    whole = writer.matrix(codes, 4, row_block=4, bias=np.ones((2, rows)), **given)
    resident = [writer.view(whole, *span) for span in ((0, step), (step, cols))]
    read = program.read(writer.bytes())
    matrices = [unpack.unpack(read, number) for number in (whole, *resident)]
    # A view is the whole matrix with nothing kept elsewhere; two make it up.
    for matrix, (begin, end) in zip(matrices, ((0, cols), (0, step), (step, cols))):
        inside = (np.arange(cols) >= begin) & (np.arange(cols) < end)
        assert (matrix.codes == codes * inside).all()
        assert not matrix.kept[:, :, ~inside].any()
        assert ((matrix.position >= 0) == matrix.kept).all()
    assert (matrices[1].kept ^ matrices[2].kept == matrices[0].kept).all()
    # The same image, spilled: found by its place in the other section.
    writer.ranges.clear()
    del writer.descriptors[whole + 1 :]
    writer.spill_matrices({whole})
    writer.view(whole, step, cols)
    read = program.read(writer.bytes())
    assert read.minor == 1 and read.spill and read.descriptors[whole].spill == 0
    assert (unpack.unpack(read, whole).codes == codes).all()
    assert (unpack.unpack(read, whole + 1).codes == matrices[2].codes).all()
    wrong = [(step, step), (0, cols + 1)] + [(0, step + 1)] * (step > 1)
    for span in wrong:
        writer.ranges[whole + 1] = span
        with pytest.raises(ProgramError, match="descriptor 2: columns"):
            program.read(writer.bytes())
    writer.ranges.clear()
    writer.spilled[whole] += 2
    with pytest.raises(ProgramError, match="beyond the section"):
        unpack.unpack(program.read(writer.bytes()), whole)


def test_codes_by_hand():  # A-W-1, WI-W-3
    # Three 3-bit codes 1, -2, 4 (signmag): 000, 101, 011 from bit 0 on.
    data = bytes([0b11_101_000, 0b0])
    assert unpack.decode_codes(data, 3, 3, "signmag").tolist() == [1, -2, 4]
    # 3, -3, 0 (twos): 011, 101, 000.
    assert unpack.decode_codes(bytes([0b00_101_011, 0]), 3, 3, "twos").tolist() == [3, -3, 0]


def test_malformed_images():  # WI-I-4, A-W-1, WI-W-3
    # Five block-columns, two kept (2.5 rounds to even), three bits a number.
    tiers = (program.Tier(2, 2, 1, 2),)
    good, _ = unpack.read_block_map(2, 10, tiers, bytes([0b010_000]))
    assert good[:, 1].tolist() == [0, 4]
    with pytest.raises(ProgramError, match="rise"):
        unpack.read_block_map(2, 10, tiers, bytes([0b001_001]))
    with pytest.raises(ProgramError, match="not below 5"):
        unpack.read_block_map(2, 10, tiers, bytes([0b101_000]))
    with pytest.raises(ProgramError, match="filler"):
        unpack.read_block_map(2, 10, tiers, bytes([0b01_001_000]))
    with pytest.raises(ProgramError, match="too short"):
        unpack.read_block_map(2, 10, tiers, b"")
    unbalanced = (program.Tier(2, 2, 1, 2, "none"),)
    # Five block-columns: counts and numbers of three bits; six are too many.
    with pytest.raises(ProgramError, match="rise"):
        unpack.read_block_map(2, 10, unbalanced, bytes([0b01_001_010, 0]))
    with pytest.raises(ProgramError, match="not below 5"):
        unpack.read_block_map(2, 10, unbalanced, bytes([0b101_001]))
    with pytest.raises(ProgramError, match="too short"):
        unpack.read_block_map(2, 10, unbalanced, bytes([0b10_000_110]))
    both = (program.Tier(2, 4, 1, 2, "both"),)
    with pytest.raises(ProgramError, match="block-column does not keep 1"):
        unpack.read_block_map(4, 8, both, bytes([0b11]))
    writer = ProgramWriter()
    pattern = (Tier(2, 4, 1, 2, "both"),)
    maps = [random_blocks(np.random.default_rng(0), 4, 8, pattern)] * 2
    codes = np.stack([mask_of(4, 8, own) for own in maps]).astype(int)
    writer.matrix(codes, 2, "twos", pattern, maps, separate=True)
    assert len(writer.index) == 2  # one byte a gate
    read = program.read(writer.bytes())
    unpack.unpack(read, 0)
    desc = dataclasses.replace(read.descriptors[0], separate=False)
    with pytest.raises(ProgramError, match="1 bytes follow"):
        unpack.positions(desc, read.index)
    with pytest.raises(ProgramError, match="most negative"):
        unpack.decode_codes(bytes([0b100]), 1, 3, "twos")
    with pytest.raises(ProgramError, match="filler"):
        unpack.decode_codes(bytes([0b1011]), 1, 3, "twos")
    with pytest.raises(ProgramError, match="size"):
        unpack.decode_codes(bytes([1, 0]), 1, 3, "twos")


def test_accumulator_layout():  # WI-A-1
    order = unpack.accumulator_positions(5, 2, 2)
    assert order.tolist() == [[0, 1, 4, 5, 8], [2, 3, 6, 7, 9]]
