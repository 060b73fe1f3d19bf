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
    column: bool = False


def random_blocks(rng, rows, cols, tiers):
    """A random map obeying `tiers`: nested lists, one entry a kept block:
    (row, col, height, width, children)."""

    def refine(row, col, height, width, rest):
        if not rest:
            return None
        tier = rest[0]
        down, across = -(-height // tier.rows), -(-width // tier.cols)
        grid = np.zeros((down, across), dtype=bool)
        lines = grid.T if tier.column else grid
        for line in lines:
            chosen = rng.choice(
                len(line), kept(len(line), tier.num, tier.den), replace=False
            )
            line[chosen] = True
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


def index_image(rows, cols, tiers, blocks) -> bytes:
    """WI-I-1 .. WI-I-3."""
    bits = Bits()
    parents = [(0, 0, rows, cols, blocks)]
    nominal = (rows, cols)
    for tier in tiers:
        count = (
            -(-nominal[0] // tier.rows) if tier.column else -(-nominal[1] // tier.cols)
        )
        width = 0
        while 1 << width < count:
            width += 1
        following = []
        for row, col, _, _, children in parents:
            places = [
                ((r - row) // tier.rows, (c - col) // tier.cols)
                for r, c, *_ in children
            ]
            if tier.column:
                listed = sorted((j, i) for i, j in places)
            else:
                listed = sorted(places)
            for _, number in listed:
                bits.put(number, width)
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


def weight_order(rows, cols, gates, tiers, blocks, row_block):
    """Every stored code as (gate, row, col), in the order of the image."""
    if not tiers:
        for first in range(0, rows, row_block):
            for gate in range(gates):
                for row in range(first, min(first + row_block, rows)):
                    for col in range(cols):
                        yield gate, row, col
        return
    flat = sorted(leaves(blocks), key=lambda block: block[1])
    for start, height in small_block_rows(rows, tiers):
        for gate in range(gates):
            for row, col, h, w in flat:
                if start <= row < start + height:
                    for r in range(row, row + h):
                        for c in range(col, col + w):
                            yield gate, r, c


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
    index: bytes = b""
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
    ) -> int:
        """codes [gates, rows, cols] (integers), bias [gates, rows] or None;
        `bias_at` names biases that exist already; exponents and acc_frac, one
        a gate, go to the metadata."""
        codes = np.asarray(codes)
        gates, rows, cols = codes.shape
        stream = Bits()
        for gate, row, col in weight_order(rows, cols, gates, tiers, blocks, row_block):
            stream.put(encode(int(codes[gate, row, col]), bits, encoding), bits)
        image = stream.bytes()
        index = index_image(rows, cols, tiers, blocks) if tiers else b""
        first = 0xFFFFFFFF if bias_at is None else bias_at
        if bias is not None:
            first = len(self.bias)
            for block in range(0, rows, row_block):
                for gate in range(gates):
                    for row in range(block, min(block + row_block, rows)):
                        self.bias.append(int(bias[gate][row]))
        desc = struct.pack(
            "<4B9I",
            *(1 if tiers else 0, gates, bits, 1 if encoding == "signmag" else 0),
            *(rows, cols, row_block, first, len(self.weights), len(image)),
            *(len(self.index) if tiers else 0, len(index), len(tiers)),
        )
        for tier in tiers:
            desc += struct.pack(
                "<4HBBH", tier.rows, tier.cols, tier.num, tier.den, tier.column, 0, 0
            )
        self.descriptors.append(desc.ljust(96, b"\0"))
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

    def contents(self) -> dict[str, bytes]:
        heads, entries = b"", b""
        at = 8 + 32 * len(self.tables)
        for k, n, s, b, lo, hi, base, slope in self.tables:
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
            ".hcgs.desc": struct.pack("<2I", 1, len(self.descriptors))
            + b"".join(self.descriptors),
            ".hcgs.weights": self.weights,
            ".hcgs.index": self.index,
            ".hcgs.bias": struct.pack(f"<{len(self.bias)}i", *self.bias),
            ".hcgs.tables": struct.pack("<2I", 1, len(self.tables)) + heads + entries,
            ".hcgs.vinit": struct.pack("<2I", 1, 0),
            ".hcgs.meta": json.dumps(meta).encode(),
            ".hcgs.target": b"{}",
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
    bodies = {".hcgs.header": b"HCGSPROG" + struct.pack("<2I", major, 0) + bytes(112)}
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
