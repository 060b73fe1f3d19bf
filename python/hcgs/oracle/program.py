# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reading a program file (docs/Spec/ProgramFile.md), independently of the
C++ reader: ELF by pyelftools, sums by zlib, digest by hashlib.

Every malformed file raises `hcgs.ProgramError` saying which section and what
was found; nothing is allocated by a count before it was held against the
bytes present (PF-11).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from ..errors import FileError, ProgramError
from .arithmetic import Table, TwoLevelTable

MAJOR = 1
HEADER_OFFSET = 64
HEADER_SIZE = 128
NO_BIAS = 0xFFFFFFFF
NO_SPILL = 0xFFFFFFFF
SECTIONS = (
    ".hcgs.header",
    ".hcgs.text",
    ".hcgs.desc",
    ".hcgs.weights",
    ".hcgs.index",
    ".hcgs.bias",
    ".hcgs.tables",
    ".hcgs.vinit",
    ".hcgs.meta",
    ".hcgs.target",
    ".hcgs.sums",
)
DEBUG = ".hcgs.debug"
SPILL = ".hcgs.spill"


KINDS = ("dense", "hcgs", "circulant")
BALANCES = ("row", "column", "both", "none")
# Bytes of a descriptor, by version of its section.
DESCRIPTOR_SIZES = {1: 144, 2: 156}
MAX_TIERS = 8


@dataclass(frozen=True)
class Tier:
    """One tier of a block pattern (WI-P-1); `balance` is one of BALANCES."""

    rows: int
    cols: int
    keep_num: int
    keep_den: int
    balance: str = "row"


@dataclass(frozen=True)
class Descriptor:
    """A matrix descriptor (WI-D-1); `rows` is per gate, offsets in bytes.

    kind      one of KINDS
    block     of a circulant matrix the size of its blocks, else 0
    separate  whether each gate of an hcgs matrix has a mask of its own
    columns   of a view the range (begin, end) of its columns (WI-D-3), else None
    spill     of spilled weights the place of the image in ProgramFile.spill
              (WI-D-4); None: the weights are resident
    """

    kind: str
    gates: int
    weight_bits: int
    encoding: str
    rows: int
    cols: int
    row_block: int
    bias: int | None
    weight_offset: int
    weight_bytes: int
    index_offset: int
    index_bytes: int
    tiers: tuple[Tier, ...]
    block: int = 0
    separate: bool = False
    columns: tuple[int, int] | None = None
    spill: int | None = None

    @property
    def column_range(self) -> tuple[int, int]:
        """The columns whose products are formed: begin and end."""
        return self.columns or (0, self.cols)


@dataclass(frozen=True)
class ProgramFile:
    """The parsed content of a program file.

    weights, index  bytes of the images
    spill           bytes of the images of spilled weights
    bias            int64 [elements of bmem]
    vinit           list of (first element of vmem, int64 codes)
    meta, target, debug  decoded JSON; `debug` is None in a stripped file
    """

    minor: int
    digest: bytes
    text: bytes
    descriptors: tuple[Descriptor, ...]
    weights: bytes
    index: bytes
    bias: np.ndarray
    tables: tuple[Table | TwoLevelTable, ...]
    vinit: tuple[tuple[int, np.ndarray], ...]
    meta: dict
    target: dict
    debug: dict | None
    spill: bytes
    sections: dict[str, bytes] = field(repr=False)


def read(source: str | os.PathLike | bytes) -> ProgramFile:
    """Read and check a program file, given as a path or as its bytes. Raises
    ProgramError, FileError if it cannot be read."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        try:
            with open(source, "rb") as stream:
                data = stream.read()
        except OSError as error:
            raise FileError("read program file", source, error) from None
    header = _check_header(data)
    sections, numbers = _read_sections(data)
    _check_sums(sections, numbers)
    meta = _json(sections, ".hcgs.meta")
    if meta.get("format") != "hcgs-program":
        raise ProgramError(
            f".hcgs.meta: format is {meta.get('format')!r}, not 'hcgs-program'"
        )
    bias = sections[".hcgs.bias"]
    if len(bias) % 4:
        raise ProgramError(f".hcgs.bias: {len(bias)} bytes are no multiple of 4")
    if len(sections[".hcgs.text"]) % 16:
        raise ProgramError(".hcgs.text: size is no multiple of 16 bytes")
    return ProgramFile(
        minor=header[0],
        digest=header[1],
        text=sections[".hcgs.text"],
        descriptors=_descriptors(sections[".hcgs.desc"]),
        weights=sections[".hcgs.weights"],
        index=sections[".hcgs.index"],
        bias=np.frombuffer(bias, dtype="<i4").astype(np.int64),
        tables=_tables(sections[".hcgs.tables"]),
        vinit=_vinit(sections[".hcgs.vinit"]),
        meta=meta,
        target=_json(sections, ".hcgs.target"),
        debug=_json(sections, DEBUG) if DEBUG in sections else None,
        spill=sections.get(SPILL, b""),
        sections=sections,
    )


def _check_header(data: bytes) -> tuple[int, bytes]:
    """PF-2, in its order of checks; returns minor version and digest."""
    if data[:4] != b"\x7fELF":
        raise ProgramError("not an ELF file")
    header = data[HEADER_OFFSET : HEADER_OFFSET + HEADER_SIZE]
    if header[:8] != b"HCGSPROG":
        raise ProgramError("no hcgs header at offset 64: not a program file")
    if len(header) < HEADER_SIZE:
        raise ProgramError("file ends inside its header")
    major, minor = struct.unpack_from("<II", header, 8)
    if major != MAJOR:
        raise ProgramError(f"format version {major}.{minor}; this reader knows {MAJOR}")
    (size,) = struct.unpack_from("<Q", header, 48)
    if size != len(data):
        raise ProgramError(f"header states {size} bytes, the file has {len(data)}")
    if any(header[56:]):
        raise ProgramError("reserved bytes of the header are not zero")
    digest = header[16:48]
    start = HEADER_OFFSET + 16
    hashed = hashlib.sha256(data[:start] + bytes(32) + data[start + 32 :])
    if hashed.digest() != digest:
        raise ProgramError("digest does not match: the file is damaged")
    return minor, digest


def _read_sections(data: bytes) -> tuple[dict[str, bytes], dict[str, int]]:
    """PF-1: content and ELF index of every section (but ELF's null section)."""
    try:
        elf = ELFFile(io.BytesIO(data))
        if elf.elfclass != 64 or not elf.little_endian:
            raise ProgramError("not a little-endian ELF64 file")
        if elf["e_type"] != "ET_EXEC" or elf["e_machine"] != 0x4847:
            raise ProgramError(
                f"e_type {elf['e_type']}, e_machine {elf['e_machine']}: "
                "not for this machine"
            )
        sections, numbers = {}, {}
        for number, section in enumerate(elf.iter_sections()):
            if section["sh_type"] == "SHT_NULL":
                continue
            start, size = section["sh_offset"], section["sh_size"]
            own = section.name.startswith(".hcgs.")
            if own and section["sh_type"] != "SHT_PROGBITS":
                raise ProgramError(f"{section.name}: type is not SHT_PROGBITS")
            if (own and start % 16) or start + size > len(data):
                raise ProgramError(f"{section.name}: misaligned or beyond the file")
            if section.name in sections:
                raise ProgramError(f"{section.name}: occurs twice")
            sections[section.name] = data[start : start + size]
            numbers[section.name] = number
            if section.name == ".hcgs.header" and (start, size) != (
                HEADER_OFFSET,
                HEADER_SIZE,
            ):
                raise ProgramError(".hcgs.header: not 128 bytes at offset 64")
    except ELFError as error:
        raise ProgramError(f"malformed ELF: {error}") from error
    for name in SECTIONS:
        if name not in sections:
            raise ProgramError(f"{name}: section is missing")
    return sections, numbers


def _check_sums(sections: dict[str, bytes], numbers: dict[str, int]) -> None:
    """PF-3: a CRC-32 for every section but the header and the sums."""
    sums = sections[".hcgs.sums"]
    if len(sums) < 4:
        raise ProgramError(".hcgs.sums: too short")
    (count,) = struct.unpack_from("<I", sums)
    if len(sums) != 4 + 8 * count:
        raise ProgramError(f".hcgs.sums: {count} entries do not fill the section")
    stated = dict(struct.iter_unpack("<II", sums[4:]))
    for name, content in sections.items():
        if name in (".hcgs.header", ".hcgs.sums"):
            continue
        if numbers[name] not in stated:
            raise ProgramError(f".hcgs.sums: {name} has no checksum")
        if stated[numbers[name]] != zlib.crc32(content):
            raise ProgramError(f"{name}: checksum does not match")


def _json(sections: dict[str, bytes], name: str) -> dict:
    try:
        value = json.loads(sections[name].decode("utf-8"))
    except ValueError as error:
        raise ProgramError(f"{name}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ProgramError(f"{name}: not a JSON object")
    return value


def _counted(content: bytes, name: str, item: int) -> int:
    """The count of a section that opens with u32 version = 1, u32 count."""
    return _versioned(content, name, {1: item})[1]


def _versioned(content: bytes, name: str, items: dict[int, int]) -> tuple[int, int]:
    """Version and count of a section that opens with u32 version, u32 count;
    `items` are the bytes of an entry by version."""
    if len(content) == 0:
        return 1, 0
    if len(content) < 8:
        raise ProgramError(f"{name}: too short")
    version, count = struct.unpack_from("<II", content)
    if version not in items:
        known = " and ".join(map(str, items))
        raise ProgramError(f"{name}: version {version}, this reader knows {known}")
    if 8 + items[version] * count > len(content):
        raise ProgramError(f"{name}: {count} entries are beyond its end")
    return version, count


def _descriptors(content: bytes) -> tuple[Descriptor, ...]:
    """WI-D-1."""
    version, count = _versioned(content, ".hcgs.desc", DESCRIPTOR_SIZES)
    size = DESCRIPTOR_SIZES[version]
    if content and len(content) != 8 + size * count:
        raise ProgramError(".hcgs.desc: bytes left over after the last descriptor")
    return tuple(
        _descriptor(content[8 + size * i : 8 + size * (i + 1)], i) for i in range(count)
    )


def _descriptor(content: bytes, number: int) -> Descriptor:
    where = f".hcgs.desc: descriptor {number}"
    kind_code, gates, bits, encoding = content[:4]
    rows, cols, row_block, bias, *places, tier_count = struct.unpack_from(
        "<9I", content, 4
    )
    block, masks = struct.unpack_from("<IB", content, 136)
    if kind_code >= len(KINDS):
        raise ProgramError(
            f"{where}: kind {kind_code} is not 0 (dense), 1 (hcgs) or 2 (circulant)"
        )
    kind = KINDS[kind_code]
    if not 1 <= gates <= 4 or not 2 <= bits <= 8 or encoding not in (0, 1):
        raise ProgramError(f"{where}: gates, weight_bits or encoding out of range")
    if rows == 0 or cols == 0 or row_block == 0:
        raise ProgramError(f"{where}: rows, cols or row_block is zero")
    if tier_count > MAX_TIERS or (tier_count > 0) != (kind == "hcgs"):
        raise ProgramError(f"{where}: {tier_count} tiers do not fit kind {kind}")
    if kind == "circulant":
        if not 2 <= block <= min(128, max(rows, cols)):
            raise ProgramError(f"{where}: circulant blocks of {block} are out of range")
        if row_block < rows and row_block % block:
            raise ProgramError(
                f"{where}: row blocks of {row_block} cut blocks of {block}"
            )
    elif block:
        raise ProgramError(f"{where}: block {block} does not fit kind {kind}")
    if masks > (kind == "hcgs" and gates > 1):
        raise ProgramError(
            f"{where}: masks {masks} does not fit {gates} gates of kind {kind}"
        )
    if kind != "hcgs" and any(places[2:]):
        raise ProgramError(f"{where}: an index does not fit kind {kind}")
    tiers = []
    for i in range(MAX_TIERS):
        at = 40 + 12 * i
        height, width, num, den, balance, zero, zero2 = struct.unpack_from(
            "<4HBBH", content, at
        )
        if i >= tier_count:
            if any(content[at : at + 12]):
                raise ProgramError(f"{where}: unused tier {i} is not zero")
            continue
        if not (height and width and 0 < num <= den and balance < len(BALANCES)):
            raise ProgramError(f"{where}: tier {i} is out of range")
        if zero or zero2:
            raise ProgramError(f"{where}: reserved bytes of tier {i} are not zero")
        if tiers and (height > tiers[-1].rows or width > tiers[-1].cols):
            raise ProgramError(f"{where}: tier {i} is larger than the one before")
        tiers.append(Tier(height, width, num, den, BALANCES[balance]))
    if any(content[141:144]):
        raise ProgramError(f"{where}: reserved bytes are not zero")
    columns, spill = None, None
    if len(content) > 144:
        begin, end, spilled = struct.unpack_from("<3I", content, 144)
        spill = None if spilled == NO_SPILL else spilled
        if (begin, end) != (0, 0):
            step = block or (tiers[0].cols if tiers else 1)
            if not begin < end <= cols or begin % step or end % step and end != cols:
                raise ProgramError(
                    f"{where}: columns {begin} to {end} are no range of {cols} "
                    f"columns in blocks of {step}"
                )
            columns = begin, end
    return Descriptor(
        kind=kind,
        gates=gates,
        weight_bits=bits,
        encoding="signmag" if encoding else "twos",
        rows=rows,
        cols=cols,
        row_block=row_block,
        bias=None if bias == NO_BIAS else bias,
        weight_offset=places[0],
        weight_bytes=places[1],
        index_offset=places[2],
        index_bytes=places[3],
        tiers=tuple(tiers),
        block=block,
        separate=masks == 1,
        columns=columns,
        spill=spill,
    )


def _tables(content: bytes) -> tuple[Table | TwoLevelTable, ...]:
    """PF-4."""
    tables = []
    for i in range(_counted(content, ".hcgs.tables", 32)):
        where = f".hcgs.tables: table {i}"
        k, n, s, b, lo, hi, in_frac, out_frac, entries, offset = struct.unpack_from(
            "<4B4h2I", content, 8 + 32 * i
        )
        kind, p, mirrored, zero, origin, centre = struct.unpack_from(
            "<4B2i", content, 28 + 32 * i
        )
        if kind > 1 or zero or (kind == 0 and (p or mirrored or origin or centre)):
            raise ProgramError(f"{where}: kind or reserved bytes are out of range")
        if s > 31 or not 2 <= b <= 16:
            raise ProgramError(f"{where}: s or b is out of range")
        limit = 1 << (b - 1)
        if not (-limit <= lo < limit and -limit <= hi < limit):
            raise ProgramError(f"{where}: lo or hi does not fit {b} bits")
        regions = n if kind else 0
        if kind == 0 and (k > 15 or n > min(9, k + 1) or entries != 1 << n):
            raise ProgramError(f"{where}: k, n or entries is out of range")
        if kind == 1 and not (
            k <= 16
            and 1 <= regions <= 64
            and 1 <= entries <= 512
            and p <= min(15, s)
            and mirrored <= 1
            and (origin == 0 if mirrored else -65536 <= origin < 32768)
            and (abs(centre) <= 65536 if mirrored else centre == 0)
        ):
            raise ProgramError(f"{where}: a field of a two-level table is out of range")
        if offset + 4 * (regions + entries) > len(content):
            raise ProgramError(f"{where}: entries are beyond the section")
        directory = np.frombuffer(content, "<u2", 2 * regions, offset).astype(np.int64)
        first, bits = directory[0::2], directory[1::2]
        pairs = np.frombuffer(content, "<i2", 2 * entries, offset + 4 * regions)
        base, slope = pairs[0::2].astype(np.int64), pairs[1::2].astype(np.int64)
        if kind == 0:
            tables.append(Table(k, n, s, b, lo, hi, in_frac, out_frac, base, slope))
            continue
        if (bits > min(9, k)).any() or (
            first + (1 << np.minimum(bits, 9)) > entries
        ).any():
            raise ProgramError(f"{where}: a region is out of range")
        tables.append(
            TwoLevelTable(
                w=k,
                p=p,
                s=s,
                b=b,
                lo=lo,
                hi=hi,
                in_frac=in_frac,
                out_frac=out_frac,
                origin=origin,
                centre=centre if mirrored else None,
                first=first,
                bits=bits,
                base=base,
                slope=slope,
            )
        )
    return tuple(tables)


def _vinit(content: bytes) -> tuple[tuple[int, np.ndarray], ...]:
    """PF-5."""
    count = _counted(content, ".hcgs.vinit", 8)
    heads = [struct.unpack_from("<II", content, 8 + 8 * i) for i in range(count)]
    at = 8 + 8 * count
    if content and at + 2 * sum(n for _, n in heads) != len(content):
        raise ProgramError(".hcgs.vinit: segments do not fill the section")
    segments = []
    for first, n in heads:
        codes = np.frombuffer(content, "<i2", n, at).astype(np.int64)
        segments.append((first, codes))
        at += 2 * n
    return tuple(segments)
