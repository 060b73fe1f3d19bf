# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error of a program's tables at every one of their 2^16 inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ProgramError
from ..oracle.activations import table_function
from ..oracle.program import ProgramFile


@dataclass(frozen=True)
class TableFacts:
    """z are the inputs in real units, `error` the table's result less the exact
    one in units of the output's last bit; None for functions without a float
    counterpart here. `entries` are pairs of base and slope."""

    number: int
    function: str
    entries: int
    out_bits: int
    out_frac: int
    in_frac: int
    stated_error: float | None
    z: np.ndarray
    error: np.ndarray | None

    @property
    def max_error(self) -> float | None:
        return None if self.error is None else float(np.abs(self.error).max())


def table_facts(file: ProgramFile) -> list[TableFacts]:
    found = []
    for number, (table, record) in enumerate(zip(file.tables, file.meta["tables"])):
        codes = np.arange(-(1 << 15), 1 << 15)
        z = np.ldexp(codes.astype(np.float64), -table.in_frac)
        try:
            exact = np.ldexp(table_function(record)(z), table.out_frac)
            half = 2.0 ** (table.b - 1)
            if exact.max() > half or exact.min() < -half - 1:
                # The function leaves the output's format by more than one LSB:
                # that is saturation, not the table's error.
                exact = np.clip(exact, -half, half - 1)
            error = table(codes)[0] - exact
        except ProgramError:
            error = None
        found.append(
            TableFacts(
                number,
                record["function"],
                len(table.base),
                table.b,
                table.out_frac,
                table.in_frac,
                record.get("max_error_lsb"),
                z,
                error,
            )
        )
    return found
