# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.program: what it reads, and what it refuses."""

import hashlib
import struct

import numpy as np
import pytest
from program_writer import ProgramWriter, Tier, elf_of, random_blocks

from hcgs import ProgramError
from hcgs.oracle import program


def small() -> ProgramWriter:
    writer = ProgramWriter()
    writer.table(3, 1, 2, 8, -5, 7, [1, -2], [3, 4])
    writer.matrix(np.ones((1, 2, 3), dtype=int), bias=[[5, -6]])
    return writer


def redigest(data: bytearray) -> bytes:
    """A damaged file whose digest is right again."""
    data[80:112] = bytes(32)
    data[80:112] = hashlib.sha256(bytes(data)).digest()
    return bytes(data)


def table_head(b, n=1, kind=0, p=0, mirrored=0, origin=0, centre=0) -> bytes:
    """A section of one table of one entry, but for its words."""
    if kind == 0:
        n = 0
    return struct.pack(
        "<2I4B4h2I4B2i", 1, 1, 0, n, 0, b, 0, 0, 0, 0, 1, 40, kind, p, mirrored, 0,
        origin, centre,
    )  # fmt: skip


def test_reads_what_was_written(tmp_path):
    path = tmp_path / "p.hcgs"
    path.write_bytes(small().bytes())
    read = program.read(path)
    assert read.bias.tolist() == [5, -6]
    (table,) = read.tables
    assert (table.k, table.n, table.s, table.b, table.lo, table.hi) == (
        3,
        1,
        2,
        8,
        -5,
        7,
    )
    assert table.base.tolist() == [1, -2] and table.slope.tolist() == [3, 4]
    (desc,) = read.descriptors
    assert (desc.kind, desc.rows, desc.cols, desc.bias) == ("dense", 2, 3, 0)
    assert read.debug is None and read.meta["format"] == "hcgs-program"


def test_any_flipped_bit_is_refused():  # PF-2
    data = small().bytes()
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            with pytest.raises(ProgramError):
                program.read(bytes(damaged))


def test_any_truncation_is_refused():
    data = small().bytes()
    for size in range(0, len(data), 7):
        with pytest.raises(ProgramError):
            program.read(data[:size])
    with pytest.raises(ProgramError):
        program.read(data + b"\0")


def test_other_major_version():
    contents = small().contents()
    with pytest.raises(ProgramError, match="version 2.0"):
        program.read(elf_of(contents, major=2))


def test_newer_minor_version_is_accepted():
    data = bytearray(small().bytes())
    struct.pack_into("<I", data, 64 + 12, 7)
    assert program.read(redigest(data)).minor == 7


def test_section_checksum():  # PF-3
    data = bytearray(small().bytes())
    at = bytes(data).index(struct.pack("<2i", 5, -6))
    data[at] ^= 1
    with pytest.raises(ProgramError, match=r"\.hcgs\.bias: checksum"):
        program.read(redigest(data))


@pytest.mark.parametrize("name", [".hcgs.desc", ".hcgs.meta", ".hcgs.vinit"])
def test_missing_section(name):
    contents = small().contents()
    del contents[name]
    with pytest.raises(ProgramError, match=f"{name}: section is missing"):
        program.read(elf_of(contents))


@pytest.mark.parametrize(
    "section, content, message",
    [
        (".hcgs.meta", b"{", "not JSON"),
        (".hcgs.meta", b'{"format": "other"}', "format is 'other'"),
        (".hcgs.meta", b"[]", "not a JSON object"),
        (".hcgs.bias", b"123", "multiple of 4"),
        (".hcgs.text", b"123", "multiple of 16"),
        (".hcgs.desc", struct.pack("<2I", 1, 1 << 30), "beyond its end"),
        (".hcgs.desc", struct.pack("<2I", 3, 0), "version 3"),
        (".hcgs.desc", struct.pack("<2I144x", 1, 1), "out of range"),
        (".hcgs.tables", struct.pack("<2I", 1, 1) + bytes(32), "out of range"),
        (".hcgs.tables", table_head(b=8, kind=2) + bytes(8), "kind or reserved"),
        (".hcgs.tables", table_head(b=8, origin=1) + bytes(8), "kind or reserved"),
        (".hcgs.tables", table_head(b=8, kind=1, n=0) + bytes(8), "two-level"),
        (".hcgs.tables", table_head(b=8, kind=1, n=65) + bytes(264), "two-level"),
        (".hcgs.tables", table_head(b=8, kind=1, p=1) + bytes(8), "two-level"),
        (".hcgs.tables", table_head(b=8, kind=1, centre=1) + bytes(8), "two-level"),
        (
            ".hcgs.tables",
            table_head(b=8, kind=1, mirrored=1, origin=1) + bytes(8),
            "two-level",
        ),
        (".hcgs.tables", table_head(b=8, kind=1) + bytes(4), "beyond the section"),
        (
            ".hcgs.tables",
            table_head(b=8, kind=1) + b"\1\0\0\0" + bytes(4),
            "region is out of range",
        ),
        (
            ".hcgs.tables",
            table_head(b=8, kind=1) + b"\0\0\1\0" + bytes(4),
            "region is out of range",
        ),
        (".hcgs.vinit", struct.pack("<4I", 1, 1, 0, 9), "do not fill"),
    ],
)
def test_malformed_section(section, content, message):  # PF-11
    contents = small().contents()
    contents[section] = content
    with pytest.raises(ProgramError, match=message):
        program.read(elf_of(contents))


# Fields of WI-D-1: byte, value as little-endian bytes, part of the message.
DENSE = [
    (0, b"\3", "kind 3"),
    (1, b"\0", "out of range"),
    (1, b"\5", "out of range"),
    (2, b"\1", "out of range"),
    (2, b"\x09", "out of range"),
    (3, b"\2", "out of range"),
    (4, bytes(4), "is zero"),
    (8, bytes(4), "is zero"),
    (12, bytes(4), "is zero"),
    (28, b"\1", "index does not fit kind dense"),
    (32, b"\1", "index does not fit kind dense"),
    (36, b"\1", "1 tiers do not fit kind dense"),
    (40, b"\1", "unused tier 0 is not zero"),
    (135, b"\1", "unused tier 7 is not zero"),
    (136, b"\2", "block 2 does not fit kind dense"),
    (140, b"\1", "masks 1 does not fit 1 gates of kind dense"),
    (141, b"\1", "reserved"),
    (143, b"\1", "reserved"),
]
HCGS = [
    (36, b"\0", "0 tiers do not fit kind hcgs"),
    (36, b"\x09", "9 tiers do not fit kind hcgs"),
    (40, bytes(2), "tier 0 is out of range"),
    (42, bytes(2), "tier 0 is out of range"),
    (44, bytes(2), "tier 0 is out of range"),
    (44, b"\3", "tier 0 is out of range"),
    (48, b"\4", "tier 0 is out of range"),
    (49, b"\1", "reserved bytes of tier 0"),
    (51, b"\1", "reserved bytes of tier 0"),
    (36 + 4, b"\1", "tier 1 is larger"),
    (136, b"\2", "block 2 does not fit kind hcgs"),
    (140, b"\1", "masks 1 does not fit 1 gates of kind hcgs"),
    (140, b"\2", "masks 2 does not fit 1 gates of kind hcgs"),
]
CIRCULANT = [
    (36, b"\1", "1 tiers do not fit kind circulant"),
    (136, b"\1", "blocks of 1 are out of range"),
    (136, b"\7", "blocks of 7 are out of range"),
    (12, b"\3", "row blocks of 3 cut blocks of 2"),
    (140, b"\1", "masks 1 does not fit 1 gates of kind circulant"),
    (28, b"\1", "index does not fit kind circulant"),
]


@pytest.mark.parametrize(
    "kind, at, value, message",
    [("dense", *c) for c in DENSE]
    + [("hcgs", *c) for c in HCGS]
    + [("circulant", *c) for c in CIRCULANT],
)
def test_descriptor_fields(kind, at, value, message):  # WI-D-1
    writer = ProgramWriter()
    tiers = (Tier(4, 4, 1, 2), Tier(2, 2, 1, 1)) if kind == "hcgs" else ()
    codes = np.ones((1, 6, 4), dtype=int)
    blocks = random_blocks(np.random.default_rng(0), 6, 4, tiers)
    writer.matrix(codes, tiers=tiers, blocks=blocks, row_block=4,
                  circulant=2 if kind == "circulant" else 0)  # fmt: skip
    (desc,) = program.read(writer.bytes()).descriptors
    assert desc.kind == kind
    raw = bytearray(writer.descriptors[0])
    raw[at : at + len(value)] = value
    writer.descriptors[0] = bytes(raw)
    with pytest.raises(ProgramError, match=message):
        program.read(writer.bytes())
