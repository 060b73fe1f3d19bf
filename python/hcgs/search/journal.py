# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The state file of a search: every measurement, as soon as it is made.

One JSON object a line. The first names the search by a digest of what
measurements depend on (model, data, options, version), not of the budget: a
search with another budget goes on from the same file. A last line that was cut
off by an interrupt is dropped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import FileError, InputError
from .algorithm import Measurement

FORMAT = "hcgs-search-state"


class Journal:
    """Measurements that survive the process. Raises FileError; InputError for
    a file of another search or no state file."""

    def __init__(self, path: str | os.PathLike, key: str, variables: list[str]):
        self.path = Path(path)
        self.known: dict[tuple, Measurement] = {}
        head = {"format": FORMAT, "version": 1, "key": key, "variables": variables}
        try:
            self._stream = open(self.path, "a+b")
            self._stream.seek(0)
            lines = self._stream.read().split(b"\n")
            kept = self._read(lines, head) if lines != [b""] else 0
            self._stream.truncate(kept)
            if kept == 0:
                self._write(head)
        except OSError as error:
            raise FileError("use state file", path, error) from None

    def _read(self, lines: list[bytes], head: dict) -> int:
        """Take over the whole lines of a file; the bytes of those."""
        kept = 0
        for number, line in enumerate(lines[:-1]):
            try:
                entry = json.loads(line)
                if number:
                    entry["widths"] = tuple(entry["widths"])
                    found = Measurement(**entry)
                    self.known[found.widths] = found
            except (ValueError, TypeError, KeyError):
                raise InputError(
                    f"{self.path}, line {number + 1}: no line of a search's state; "
                    "name another --state file"
                ) from None
            if number == 0:
                self._check(entry, head)
            kept += len(line) + 1
        if not kept:
            raise InputError(
                f"{self.path}: no state of a search; name another --state file"
            )
        return kept

    def _check(self, entry: dict, head: dict) -> None:
        if not isinstance(entry, dict) or entry.get("format") != FORMAT:
            raise InputError(
                f"{self.path}: no state of a search; name another --state file"
            )
        if entry != head:
            raise InputError(
                f"{self.path}: the state of another search (model, data, options, "
                "variables or version differ); delete it or name another --state file"
            )

    def add(self, found: Measurement) -> None:
        self.known[found.widths] = found
        try:
            self._write(
                {k: getattr(found, k) for k in Measurement.__dataclass_fields__}
            )
        except OSError as error:
            raise FileError("write state file", self.path, error) from None

    def _write(self, entry: dict) -> None:
        self._stream.write(json.dumps(entry).encode() + b"\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
