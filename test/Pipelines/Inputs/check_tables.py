# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_tables.py SOURCES PROGRAM REPORT WANTED...: computes the errors of a
program's tables over all inputs, compares them with what is stated, and holds
all tables to what is wanted: kind=K, entries=MOST, error=MOST, jump=MOST,
symmetry=S, monotone, tables=COUNT, samples=COUNT."""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, sys.argv[1])
from hcgs.oracle import program
from hcgs.oracle.activations import table_function
from hcgs.oracle.arithmetic import TwoLevelTable

file = program.read(sys.argv[2])
report = json.loads(Path(sys.argv[3]).read_text())["tables"]
wanted = dict(argument.partition("=")[::2] for argument in sys.argv[4:])
codes = np.arange(-(1 << 15), 1 << 15)

assert len(file.tables) == len(report) == len(file.meta["tables"])
for table, record, shown in zip(file.tables, file.meta["tables"], report):
    z = np.ldexp(codes.astype(float), -table.in_frac)
    y, _ = table(codes)
    exact = np.ldexp(table_function(record)(z), table.out_frac)
    error = np.abs(y - exact)
    assert abs(error.max() - record["max_error_lsb"]) < 1e-6, (error.max(), record)
    at = codes.tolist().index(record["max_error_at"])
    assert abs(error[at] - error.max()) < 1e-6
    limit = 2.0 ** (table.b - 1)
    inside = y - np.clip(exact, -limit - 1, limit)
    assert abs(np.sqrt(np.mean(inside**2)) - record["rms_error_lsb"]) < 1e-6
    assert record["max_error_in_range_lsb"] <= record["max_error_lsb"]

    two_level = isinstance(table, TwoLevelTable)
    assert shown["kind"] == ("two-level" if two_level else "uniform")
    assert shown["entries"] == len(table.base)
    assert shown["regions"] == (len(table.first) if two_level else 0)
    assert shown["bytes"] == 32 + 4 * (shown["entries"] + shown["regions"])
    for key in ("max_error_lsb", "largest_jump_lsb", "symmetry", "monotone"):
        assert shown[key] == record[key], key
    if "samples" in record:
        assert shown["samples"] == len(record["samples"]) // 2
    if shown["monotone"]:
        assert (np.diff(y) >= 0).all() or (np.diff(y) <= 0).all()
    if shown["symmetry"] == "exact":
        # y(-z) = c - y(z), but for the ends of the format.
        c = round(2 * float(exact[1 << 15]))
        difference = np.abs(y[1 : 1 << 15] - (c - y[: 1 << 15 : -1]))
        ends = np.abs(y[1 : 1 << 15]) >= limit - 1
        ends |= np.abs(y[: 1 << 15 : -1]) >= limit - 1
        assert (difference[~ends] == 0).all() and (difference <= 1).all()

    assert shown["kind"] == wanted.get("kind", shown["kind"]), shown
    assert shown["entries"] <= int(wanted.get("entries", 512)), shown
    assert shown["max_error_lsb"] <= float(wanted.get("error", np.inf)), shown
    assert shown["largest_jump_lsb"] <= int(wanted.get("jump", 1 << 16)), shown
    assert shown["symmetry"] == wanted.get("symmetry", shown["symmetry"]), shown
    assert shown["monotone"] or "monotone" not in wanted, shown

assert len(report) == int(wanted.get("tables", len(report))), report
samples = sum("samples" in record for record in file.meta["tables"])
assert samples == int(wanted.get("samples", samples)), report
