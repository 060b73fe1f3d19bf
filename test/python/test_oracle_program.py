# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.program: what it reads, and what it refuses."""

import hashlib
import struct

import numpy as np
import pytest
from program_writer import ProgramWriter, elf_of

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


def test_reads_what_was_written(tmp_path):
    path = tmp_path / "p.hcgs"
    path.write_bytes(small().bytes())
    read = program.read(path)
    assert read.bias.tolist() == [5, -6]
    (table,) = read.tables
    assert (table.k, table.n, table.s, table.b, table.lo, table.hi) == (3, 1, 2, 8, -5, 7)
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
        (".hcgs.desc", struct.pack("<2I", 2, 0), "version 2"),
        (".hcgs.desc", struct.pack("<2I96x", 1, 1), "out of range"),
        (".hcgs.tables", struct.pack("<2I", 1, 1) + bytes(32), "out of range"),
        (".hcgs.vinit", struct.pack("<4I", 1, 1, 0, 9), "do not fill"),
    ],
)
def test_malformed_section(section, content, message):  # PF-11
    contents = small().contents()
    contents[section] = content
    with pytest.raises(ProgramError, match=message):
        program.read(elf_of(contents))
