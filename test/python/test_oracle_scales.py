# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.scales: accepts a network whose scales meet, and finds every single
shift, exponent or format that is off by one."""

import copy
import dataclasses

import pytest
from program_writer import ProgramWriter

from hcgs.oracle import program
from hcgs.oracle.scales import check_scales


def good_program() -> program.ProgramFile:
    """x fx<13,12> -> lstm -> linear -> act, add, concat; all fractions chosen by
    hand: accumulators 17, gates 11, cell 9, sums of the cell 22."""
    writer = ProgramWriter()
    sigmoid = writer.table(3, 0, 0, 12, 0, 0, [0], [0])
    tanh = writer.table(3, 0, 0, 12, 0, 0, [0], [0], "tanh")
    one_gate = [[[1, 1]]]
    four = [one_gate[0]] * 4
    W = writer.matrix(four, exponents=[4, 5, 4, 3], acc_frac=[17, 17, 17, 17])
    R = writer.matrix([[[1]]] * 4, exponents=[6] * 4, acc_frac=[17] * 4)
    F = writer.matrix([[[1]]], exponents=[3], acc_frac=[15])
    writer.matrices[W]["in_frac"] = 12
    writer.matrices[R]["in_frac"] = writer.matrices[F]["in_frac"] = 10
    x = writer.value("x", 2, frac=12)
    h, y = writer.value("h", 1, frac=10), writer.value("y", 1, frac=11)
    a, s = writer.value("a", 1, frac=11), writer.value("s", 1, frac=11)
    z = writer.value("z", 2, frac=11)
    e = writer.value("e", 2, frac=11, kind="vector")
    c0 = writer.value("c0", 1, frac=9, kind="vector", codes=[0])
    writer.network["layers"] += [
        {"op": "lstm", "name": "lstm", "direction": "forward", "input": x,
         "hidden": 1, "output": h, "final_h": None, "final_c": None,
         "initial_h": None, "initial_c": c0,
         "W": {"desc": W, "shifts": [1, 0, 1, 2]}, "R": {"desc": R, "shifts": [1] * 4},
         "gates": [{"shift": 5, "table": sigmoid}] * 3 + [{"shift": 6, "table": tanh}],
         "cell": {"fc_lshift": 2, "ig_lshift": 0, "c_shift": 13, "c_bits": 16,
                  "tanh_shift": 11, "table": tanh,
                  "h_lshift": 1, "h_shift": 13, "h_bits": 13}},
        {"op": "linear", "name": "fc", "input": h, "output": y,
         "W": {"desc": F, "shifts": [2]},
         "result": {"kind": "requant", "shift": 4, "bits": 13}},
        {"op": "act", "name": "act", "inputs": [y], "lshifts": [2], "output": a,
         "result": {"kind": "act", "shift": 1, "table": sigmoid}},
        {"op": "add", "name": "add", "inputs": [h, y], "lshifts": [1, 0], "output": s,
         "result": {"kind": "requant", "shift": 0, "bits": 13}},
        {"op": "concat", "name": "cat", "inputs": [a, s], "output": z},
        {"op": "last", "name": "end", "input": z, "output": e},
    ]  # fmt: skip
    read = program.read(writer.bytes())
    tables = (
        dataclasses.replace(read.tables[0], in_frac=12, out_frac=11),
        dataclasses.replace(read.tables[1], in_frac=11, out_frac=11),
    )
    return dataclasses.replace(read, tables=tables)


def numbers(node, path=()):
    """Every place of the metadata that holds a scale."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in ("values", "inputs", "outputs"):
                yield from numbers(value, (*path, key))
    elif isinstance(node, list):
        for key, value in enumerate(node):
            yield from numbers(value, (*path, key))
    elif isinstance(node, int) and not isinstance(node, bool):
        keys = {"shift", "shifts", "lshifts", "exponents", "in_frac", "acc_frac",
                "fc_lshift", "ig_lshift", "c_shift", "tanh_shift", "h_lshift", "h_shift"}  # fmt: skip
        if keys & {str(part) for part in path[-2:]} and "desc" not in path:
            yield path


PLACES = list(numbers({k: good_program().meta[k] for k in ("network", "matrices")}))


def test_scales_that_meet():
    assert check_scales(good_program()) == []
    assert len(PLACES) > 40


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_every_number_matters(path):
    file = good_program()
    meta = copy.deepcopy(file.meta)
    node = meta
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] += 1
    assert check_scales(dataclasses.replace(file, meta=meta))


@pytest.mark.parametrize("value", range(8))
def test_every_format_matters(value):
    file = good_program()
    file.meta["network"]["values"][value]["frac"] += 1
    assert check_scales(file)
