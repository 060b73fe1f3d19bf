# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes program files by hand, so that the oracle can be tested alone.

Straight loops that follow the spec's sentences one by one: slow, and shaped
unlike the reader's sorting, so that the two check each other. The text section
is empty: the oracle never looks at an instruction.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np


def kept(n: int, num: int, den: int) -> int:
    """WI-P-3 by cases instead of fractions."""
    whole, rest = divmod(n * num, den)
    if 2 * rest > den or (2 * rest == den and whole % 2 == 1):
        whole += 1
    return max(1, whole)


@dataclass
class Tier:
    rows: int
    cols: int
    num: int
    den: int
    balance: str = "row"

    @property
    def by_column(self) -> bool:
        """Whether lines are block-columns."""
        return self.balance == "column"


BALANCES = ("row", "column", "both", "none")


def can_balance_both(rows, cols, tiers) -> bool:
    """Whether every tier with balance `both` can have it, for every size of
    parent that may occur."""
    sizes = {(rows, cols)}
    for tier in tiers:
        below = set()
        for height, width in sizes:
            down, across = -(-height // tier.rows), -(-width // tier.cols)
            by_row = down * kept(across, tier.num, tier.den)
            if tier.balance == "both" and by_row != across * kept(
                down, tier.num, tier.den
            ):
                return False
            for h in {min(tier.rows, height), height - (down - 1) * tier.rows}:
                below |= {
                    (h, min(tier.cols, width)),
                    (h, width - (across - 1) * tier.cols),
                }
        sizes = below
    return True


def random_grid(rng, down, across, tier):
    """Which blocks of one parent a tier keeps (WI-P-3): bool [down, across]."""
    if tier.balance == "none":
        return rng.random((down, across)) < rng.random() * 1.2 - 0.1
    grid = np.zeros((down, across), dtype=bool)
    if tier.balance == "both":
        # Row i goes on where row i - 1 ended: as even as can be in both ways.
        count = kept(across, tier.num, tier.den)
        assert down * count == across * kept(down, tier.num, tier.den)
        for at in range(down * count):
            grid[at // count, at % across] = True
        return rng.permutation(rng.permutation(grid, axis=0), axis=1)
    for line in grid.T if tier.by_column else grid:
        count = kept(len(line), tier.num, tier.den)
        line[rng.choice(len(line), count, replace=False)] = True
    return grid


def random_blocks(rng, rows, cols, tiers):
    """A random map obeying `tiers`: nested lists, one entry a kept block:
    (row, col, height, width, children)."""

    def refine(row, col, height, width, rest):
        if not rest:
            return None
        tier = rest[0]
        down, across = -(-height // tier.rows), -(-width // tier.cols)
        grid = random_grid(rng, down, across, tier)
        blocks = []
        for i in range(down):
            for j in range(across):
                if grid[i, j]:
                    r, c = row + i * tier.rows, col + j * tier.cols
                    h = min(tier.rows, row + height - r)
                    w = min(tier.cols, col + width - c)
                    blocks.append((r, c, h, w, refine(r, c, h, w, rest[1:])))
        return blocks

    return refine(0, 0, rows, cols, tiers)


def leaves(blocks):
    for row, col, height, width, children in blocks:
        if children is None:
            yield row, col, height, width
        else:
            yield from leaves(children)


def mask_of(rows, cols, blocks):
    mask = np.zeros((rows, cols), dtype=bool)
    for row, col, height, width in leaves(blocks):
        mask[row : row + height, col : col + width] = True
    return mask


class Bits:
    """Numbers packed least significant bit first."""

    def __init__(self):
        self.value, self.length = 0, 0

    def put(self, number: int, width: int) -> None:
        assert 0 <= number < 1 << width or width == 0
        self.value |= number << self.length
        self.length += width

    def bytes(self) -> bytes:
        return self.value.to_bytes(-(-self.length // 8), "little")


def bits_below(count: int) -> int:
    """ceil(log2(count)): the width of a number below `count`."""
    width = 0
    while 1 << width < count:
        width += 1
    return width


def index_image(rows, cols, tiers, blocks) -> bytes:
    """WI-I-1 .. WI-I-5."""
    bits = Bits()
    parents = [(0, 0, rows, cols, blocks)]
    nominal = (rows, cols)
    for tier in tiers:
        if tier.by_column:
            count = -(-nominal[0] // tier.rows)
        else:
            count = -(-nominal[1] // tier.cols)
        following = []
        for row, col, height, _, children in parents:
            places = [
                ((r - row) // tier.rows, (c - col) // tier.cols)
                for r, c, *_ in children
            ]
            if tier.balance == "none":
                for line in range(-(-height // tier.rows)):
                    listed = sorted(j for i, j in places if i == line)
                    bits.put(len(listed), bits_below(count + 1))
                    for number in listed:
                        bits.put(number, bits_below(count))
            else:
                if tier.by_column:
                    places = [(j, i) for i, j in places]
                for _, number in sorted(places):
                    bits.put(number, bits_below(count))
            following += children
        parents = following
        nominal = (tier.rows, tier.cols)
    return bits.bytes()


def small_block_rows(rows, tiers):
    """WI-W-1: (first row, height) of the small block-rows, rising."""
    spans = [(0, rows)]
    for tier in tiers:
        spans = [
            (start + at, min(tier.rows, height - at))
            for start, height in spans
            for at in range(0, height, tier.rows)
        ]
    return spans


def dense_order(gates, rows, cols, row_block):
    """WI-W-2: every code as (gate, row, col), in the order of the image."""
    for first in range(0, rows, row_block):
        for gate in range(gates):
            for row in range(first, min(first + row_block, rows)):
                for col in range(cols):
                    yield gate, row, col


def weight_order(rows, tiers, maps):
    """WI-W-1: every stored code as (gate, row, col), in the order of the image;
    `maps` has the blocks of each gate."""
    flat = [sorted(leaves(blocks), key=lambda block: block[1]) for blocks in maps]
    for start, height in small_block_rows(rows, tiers):
        for gate, own in enumerate(flat):
            for row, col, h, w in own:
                if start <= row < start + height:
                    for r in range(row, row + h):
                        for c in range(col, col + w):
                            yield gate, r, c


def circulant_order(gates, rows, cols, size):
    """WI-C-2: for every stored code one weight (gate, row, col) that it is, or
    None, in the order of the image."""
    for top in range(0, rows, size):
        for gate in range(gates):
            for left in range(0, cols, size):
                for element in range(size):
                    yield next(
                        (
                            (gate, r, c)
                            for r in range(top, min(top + size, rows))
                            for c in range(left, min(left + size, cols))
                            if (c - left) - (r - top) in (element, element - size)
                        ),
                        None,
                    )


def circulant_codes(vectors, rows, cols):
    """The matrix [gates, rows, cols] of the first rows of its blocks: vectors
    [gates, block-rows, block-columns, size], each row the one above turned
    right by one place (WI-C-1)."""
    gates, down, across, size = vectors.shape
    whole = np.zeros((gates, down * size, across * size), dtype=vectors.dtype)
    for turn in range(size):
        turned = np.roll(vectors, turn, axis=3).reshape(gates, down, across * size)
        whole[:, turn::size] = turned
    return whole[:, :rows, :cols]


def encode(code: int, bits: int, encoding: str) -> int:
    """A-W-1."""
    if encoding == "signmag":
        assert code != 0 and abs(code) <= 1 << (bits - 1)
        return (abs(code) - 1) | ((1 << (bits - 1)) if code < 0 else 0)
    assert abs(code) < 1 << (bits - 1)
    return code & ((1 << bits) - 1)


@dataclass
class ProgramWriter:
    """Collects images and metadata; `bytes()` is the file."""

    network: dict = field(
        default_factory=lambda: {
            "values": [],
            "layers": [],
            "inputs": [],
            "outputs": [],
        }
    )
    matrices: list = field(default_factory=list)
    descriptors: list = field(default_factory=list)
    weights: bytes = b""
    spill: bytes = b""
    index: bytes = b""
    # Fields of version 2 by descriptor: col_begin, col_end, spill.
    ranges: dict = field(default_factory=dict)
    spilled: dict = field(default_factory=dict)
    bias: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    table_records: list = field(default_factory=list)

    def value(self, name, width, bits=13, frac=12, kind="sequence", codes=None) -> int:
        value = {"name": name, "width": width, "bits": bits, "frac": frac, "kind": kind}
        if codes is not None:
            value["codes"] = [int(code) for code in codes]
        self.network["values"].append(value)
        return len(self.network["values"]) - 1

    def tensor(self, side, name, axes, value) -> None:
        """One tensor of one part; axes are (axis, size or None)."""
        self.network[side].append(
            {
                "name": name,
                "dims": [{"axis": axis, "size": size} for axis, size in axes],
                "parts": [{"value": value, "stream": 0, "index": None}],
            }
        )

    def table(self, k, n, s, b, lo, hi, base, slope, function="sigmoid") -> int:
        self.tables.append((k, n, s, b, lo, hi, list(base), list(slope)))
        self.table_records.append({"function": function, "max_error_lsb": 0})
        return len(self.tables) - 1

    def two_level_table(
        self, w, p, s, b, lo, hi, origin, centre, first, bits, base, slope
    ) -> int:
        """A-PWL-6; `centre` is None unless the table is mirrored."""
        head = struct.pack(
            "<4B4hI", w, len(first), s, b, lo, hi, 0, 0, len(base)
        ), struct.pack("<4B2i", 1, p, centre is not None, 0, origin, centre or 0)
        words = b"".join(
            struct.pack("<HBB", at, log, 0) for at, log in zip(first, bits, strict=True)
        )
        words += b"".join(
            struct.pack("<2h", *pair) for pair in zip(base, slope, strict=True)
        )
        self.tables.append((head, words))
        self.table_records.append({"function": "sigmoid", "max_error_lsb": 0})
        return len(self.tables) - 1

    def matrix(
        self,
        codes,
        bits=6,
        encoding="twos",
        tiers=(),
        blocks=None,
        bias=None,
        row_block=8,
        bias_at=None,
        exponents=None,
        acc_frac=None,
        separate=False,
        circulant=0,
    ) -> int:
        """codes [gates, rows, cols] (integers), bias [gates, rows] or None;
        `bias_at` names biases that exist already; exponents and acc_frac, one
        a gate, go to the metadata. With tiers, `blocks` is the map of all gates,
        or, if `separate`, a list of one map a gate. `circulant` is the size of
        the blocks of a circulant matrix, or 0."""
        codes = np.asarray(codes)
        gates, rows, cols = codes.shape
        maps = (blocks if separate else [blocks] * gates) if tiers else []
        if circulant:
            order = circulant_order(gates, rows, cols, circulant)
        elif tiers:
            order = weight_order(rows, tiers, maps)
        else:
            order = dense_order(gates, rows, cols, row_block)
        stream = Bits()
        for place in order:
            code = 0 if place is None else encode(int(codes[place]), bits, encoding)
            stream.put(code, bits)
        image = stream.bytes()
        index = b"".join(
            index_image(rows, cols, tiers, own)
            for own in (maps if separate else maps[:1])
        )
        first = 0xFFFFFFFF if bias_at is None else bias_at
        if bias is not None:
            first = len(self.bias)
            for block in range(0, rows, row_block):
                for gate in range(gates):
                    for row in range(block, min(block + row_block, rows)):
                        self.bias.append(int(bias[gate][row]))
        desc = struct.pack(
            "<4B9I",
            *(2 if circulant else 1 if tiers else 0, gates, bits),
            1 if encoding == "signmag" else 0,
            *(rows, cols, row_block, first, len(self.weights), len(image)),
            *(len(self.index) if tiers else 0, len(index), len(tiers)),
        )
        for tier in tiers:
            desc += struct.pack(
                "<4H4B",
                *(tier.rows, tier.cols, tier.num, tier.den),
                *(BALANCES.index(tier.balance), 0, 0, 0),
            )
        desc = desc.ljust(136, b"\0") + struct.pack(
            "<I4B", circulant, separate, 0, 0, 0
        )
        self.descriptors.append(desc)
        self.weights += image
        self.index += index
        self.matrices.append(
            {
                "exponents": exponents or [0] * gates,
                "in_frac": 0,
                "acc_frac": acc_frac or [0] * gates,
            }
        )
        return len(self.descriptors) - 1

    def view(self, of: int, begin: int, end: int) -> int:
        """A descriptor of columns begin .. end-1 of a matrix (WI-D-3)."""
        self.descriptors.append(self.descriptors[of])
        self.ranges[len(self.descriptors) - 1] = begin, end
        if of in self.spilled:
            self.spilled[len(self.descriptors) - 1] = self.spilled[of]
        return len(self.descriptors) - 1

    def spill_matrices(self, chosen: set[int]) -> None:
        """Moves the images of some matrices to the spill section (WI-D-4); all
        use the same bytes of wmem, behind the resident weights."""
        weights, self.weights = self.weights, b""
        images = {}
        for number, desc in enumerate(self.descriptors):
            first, size = struct.unpack_from("<2I", desc, 20)
            images[number] = weights[first : first + size]
            if number in chosen:
                self.spilled[number] = len(self.spill)
                self.spill += images[number] + bytes(size % 2)
                continue
            self.place(number, len(self.weights))
            self.weights += images[number]
        for number in chosen:
            self.place(number, len(self.weights))

    def place(self, number: int, offset: int) -> None:
        """Sets weight_offset of a descriptor."""
        desc = self.descriptors[number]
        self.descriptors[number] = desc[:20] + struct.pack("<I", offset) + desc[24:]

    def descriptor_section(self) -> bytes:
        """WI-D-1, of the version that is needed."""
        version = 2 if self.ranges or self.spilled else 1
        section = struct.pack("<2I", version, len(self.descriptors))
        for number, desc in enumerate(self.descriptors):
            section += desc
            if version == 2:
                section += struct.pack(
                    "<3I",
                    *self.ranges.get(number, (0, 0)),
                    self.spilled.get(number, 0xFFFFFFFF),
                )
        return section

    def contents(self) -> dict[str, bytes]:
        heads, entries = b"", b""
        at = 8 + 32 * len(self.tables)
        for table in self.tables:
            if len(table) == 2:  # two-level
                (front, back), words = table
                heads += front + struct.pack("<I", at + len(entries)) + back
                entries += words
                continue
            k, n, s, b, lo, hi, base, slope = table
            heads += struct.pack(
                "<4B4h2I12x", k, n, s, b, lo, hi, 0, 0, 1 << n, at + len(entries)
            )
            for pair in zip(base, slope, strict=True):
                entries += struct.pack("<2h", *pair)
        meta = {
            "format": "hcgs-program",
            "network": self.network,
            "matrices": self.matrices,
            "tables": self.table_records,
            "time": None,
        }
        return {
            ".hcgs.text": b"",
            ".hcgs.desc": self.descriptor_section(),
            ".hcgs.weights": self.weights,
            ".hcgs.index": self.index,
            ".hcgs.bias": struct.pack(f"<{len(self.bias)}i", *self.bias),
            ".hcgs.tables": struct.pack("<2I", 1, len(self.tables)) + heads + entries,
            ".hcgs.vinit": struct.pack("<2I", 1, 0),
            ".hcgs.meta": json.dumps(meta).encode(),
            ".hcgs.target": b"{}",
            **({".hcgs.spill": self.spill} if self.spill else {}),
        }

    def bytes(self) -> bytes:
        return elf_of(self.contents())


def elf_of(contents: dict[str, bytes], major: int = 1) -> bytes:
    """PF-1 .. PF-3: an ELF file of the given sections, with header, sums and
    digest."""
    names = [".hcgs.header", *contents, ".hcgs.sums", ".shstrtab"]
    text = b"\0"
    name_at = {}
    for name in names:
        name_at[name] = len(text)
        text += name.encode() + b"\0"
    minor = int(".hcgs.spill" in contents)
    bodies = {
        ".hcgs.header": b"HCGSPROG" + struct.pack("<2I", major, minor) + bytes(112)
    }
    bodies |= {**contents, ".hcgs.sums": b"", ".shstrtab": text}
    summed = [*contents, ".shstrtab"]
    bodies[".hcgs.sums"] = struct.pack("<I", len(summed)) + b"".join(
        struct.pack("<2I", names.index(name) + 1, zlib.crc32(bodies[name]))
        for name in summed
    )
    data = bytearray(64)
    headers = bytes(64)
    for name, body in bodies.items():
        data += bytes(-len(data) % 16)
        kind = 3 if name == ".shstrtab" else 1
        headers += struct.pack(
            "<2I4Q2I2Q", name_at[name], kind, 0, 0, len(data), len(body), 0, 0, 16, 0
        )
        data += body
    data += bytes(-len(data) % 16)
    table_at = len(data)
    data += headers
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    data[:64] = struct.pack(
        "<16s2HI3QI6H",
        *(ident, 2, 0x4847, 1, 0, 0, table_at, 0, 64, 56, 0, 64),
        *(len(bodies) + 1, len(bodies)),
    )
    struct.pack_into("<Q", data, 64 + 48, len(data))
    data[80:112] = hashlib.sha256(bytes(data)).digest()
    return bytes(data)
