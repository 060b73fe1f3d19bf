# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.network and oracle.tensors against scalar loops that follow
docs/Spec/Layers.md sentence by sentence, in Python's exact integers."""

import numpy as np
import pytest
from program_writer import ProgramWriter, Tier, mask_of, random_blocks

from hcgs import InputError
from hcgs.oracle import network, program, run_tensors


def wrap(v):
    return (v + 2**31) % 2**32 - 2**31


COUNTS = {"z": 0, "y": 0}


def sat(v, b, counted="y"):
    limited = min(max(v, -(2 ** (b - 1))), 2 ** (b - 1) - 1)
    COUNTS[counted] += limited != v
    return limited


def rq(a, s, b, counted="y"):
    return sat((a + 2 ** (s - 1)) >> s if s > 0 else a << -s, b, counted)


def lookup(t, a, shift):
    """table(rq(a, shift, 16))"""
    z = rq(a, shift, 16, "z")
    k, n, s, b, lo, hi, base, slope = t
    if z < -(2**k):
        return lo
    if z >= 2**k:
        return hi
    width = k + 1 - n
    u = z + 2**k
    d = u % 2**width
    r = 2 ** (s - 1) if s else 0
    return sat(base[u >> width] + ((slope[u >> width] * d + r) >> s), b)


def lstm_loops(layer, W, R, bias, tables, x, h, c):
    """One row: x [T][columns] -> h [T][hidden], final h, final c."""
    steps, hidden, cell = len(x), layer["hidden"], layer["cell"]
    out = [None] * steps
    order = range(steps)
    if layer["direction"] == "reverse":
        order = range(steps - 1, -1, -1)
    for t in order:
        new_h, new_c = [0] * hidden, [0] * hidden
        for r in range(hidden):
            gate = []
            for g in range(4):
                wx = sum(int(w) * v for w, v in zip(W[g][r], x[t]))
                rh = sum(int(w) * v for w, v in zip(R[g][r], h))
                a = int(bias[g][r]) + (wx << layer["W"]["shifts"][g])
                a = wrap(a + (rh << layer["R"]["shifts"][g]))
                rule = layer["gates"][g]
                gate.append(lookup(tables[rule["table"]], a, rule["shift"]))
            i, o, f, g = gate
            s = wrap((f * c[r] << cell["fc_lshift"]) + (i * g << cell["ig_lshift"]))
            new_c[r] = rq(s, cell["c_shift"], cell["c_bits"])
            q = lookup(tables[cell["table"]], s, cell["tanh_shift"])
            new_h[r] = rq(wrap(o * q << cell["h_lshift"]), cell["h_shift"], cell["h_bits"])
        h, c = new_h, new_c
        out[t] = h
    return out, h, c


def random_table(rng, writer, k, n, s, b, function):
    limit = 2 ** (b - 1)
    base = rng.integers(-limit, limit, 2**n).tolist()
    slope = rng.integers(-(2**11), 2**11, 2**n).tolist()
    return writer.table(k, n, s, b, -limit // 2, limit // 2 - 1, base, slope, function)


def lstm_case(seed, direction, initial):
    """A program of one random LSTM, and what the loops need."""
    rng = np.random.default_rng(seed)
    hidden, width = int(rng.integers(1, 14)), int(rng.integers(1, 14))
    writer = ProgramWriter()
    sigmoid = random_table(rng, writer, 13, 5, 10, 13, "sigmoid")
    tanh = random_table(rng, writer, 11, 4, 9, 13, "tanh")
    tiers = (Tier(8, 8, 1, 2), Tier(4, 4, 1, 2))
    blocks = random_blocks(rng, hidden, hidden, tiers)
    W = rng.integers(-31, 32, (4, hidden, width))
    R = rng.integers(1, 32, (4, hidden, hidden)) * mask_of(hidden, hidden, blocks)
    bias = rng.integers(-(2**20), 2**20, (4, hidden))
    w = writer.matrix(W, 6, "twos", bias=bias)
    r = writer.matrix(R, 6, "signmag", tiers, blocks)
    x = writer.value("x", width)
    y = writer.value("y", hidden)
    h_n = writer.value("h_n", hidden, kind="vector")
    c_n = writer.value("c_n", hidden, bits=16, kind="vector")
    layer = {
        "op": "lstm", "name": "lstm", "direction": direction, "input": x,
        "hidden": hidden, "output": y, "final_h": h_n, "final_c": c_n,
        "initial_h": None, "initial_c": None,
        "W": {"desc": w, "shifts": [0, 1, 2, 3]},
        "R": {"desc": r, "shifts": [3, 2, 1, 0]},
        "gates": [
            {"shift": 8, "table": sigmoid}, {"shift": 7, "table": sigmoid},
            {"shift": 9, "table": sigmoid}, {"shift": -2, "table": tanh},
        ],
        "cell": {
            "fc_lshift": 0, "ig_lshift": 2, "c_shift": 12, "c_bits": 16,
            "tanh_shift": 10, "table": tanh, "h_lshift": 3, "h_shift": 13, "h_bits": 13,
        },
    }  # fmt: skip
    h0 = c0 = [0] * hidden
    if initial == "constant":
        h0 = rng.integers(-4096, 4096, hidden).tolist()
        c0 = rng.integers(-32768, 32768, hidden).tolist()
        layer["initial_h"] = writer.value("h0", hidden, kind="vector", codes=h0)
        layer["initial_c"] = writer.value("c0", hidden, 16, kind="vector", codes=c0)
    elif initial == "input":
        layer["initial_h"] = writer.value("h0", hidden, kind="vector")
        layer["initial_c"] = writer.value("c0", hidden, 16, kind="vector")
    writer.network["layers"].append(layer)
    sequence = [("time", None), ("batch", None), ("feature", width)]
    writer.tensor("inputs", "x", sequence, x)
    for name, axes, value in (
        ("y", [("batch", None), ("time", None), ("feature", hidden)], y),
        ("h_n", [("one", 1), ("batch", None), ("feature", hidden)], h_n),
        ("c_n", [("batch", None), ("feature", hidden)], c_n),
    ):
        writer.tensor("outputs", name, axes, value)
    return rng, writer, layer, (W, R, bias), (h0, c0)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("initial", [None, "constant", "input"])
@pytest.mark.parametrize("seed", range(4))
def test_lstm_equals_the_loops(seed, direction, initial):  # L-LSTM-1 .. 7
    rng, writer, layer, (W, R, bias), (h0, c0) = lstm_case(seed, direction, initial)
    read = program.read(writer.bytes())
    steps, rows = int(rng.integers(1, 6)), 3
    x = rng.integers(-4096, 4096, (rows, steps, W.shape[2]))
    inputs = {layer["input"]: x}
    starts = [(h0, c0)] * rows
    if initial == "input":
        starts = [
            (rng.integers(-4096, 4096, len(h0)).tolist(),
             rng.integers(-32768, 32768, len(c0)).tolist())
            for _ in range(rows)
        ]  # fmt: skip
        inputs[layer["initial_h"]] = np.array([h for h, _ in starts])
        inputs[layer["initial_c"]] = np.array([c for _, c in starts])
    got = network.run(read, inputs, steps)
    COUNTS.update(z=0, y=0)
    for row, (h, c) in enumerate(starts):
        want = lstm_loops(layer, W, R, bias, writer.tables, x[row].tolist(), h, c)
        assert got.values[layer["output"]][row].tolist() == want[0]
        assert got.values[layer["final_h"]][row].tolist() == want[1]
        assert got.values[layer["final_c"]][row].tolist() == want[2]
    (trace,) = got.layers
    assert {"z": trace.z_saturations, "y": trace.saturations} == COUNTS
    assert COUNTS["z"] > 0


def test_tensors_batch_layout_and_ragged_rows():  # L-IO-1, L-IO-3
    rng, writer, layer, _, _ = lstm_case(7, "reverse", None)
    read = program.read(writer.bytes())
    width = read.descriptors[0].cols
    x = rng.uniform(-0.9, 0.9, (6, 4, width)).astype(np.float32)  # time, batch, feature
    lengths = [6, 1, 4, 6]
    run = run_tensors(read, {"x": x}, lengths)
    rounded = np.round(x * 4096).astype(int)
    codes = run_tensors(read, {"x": rounded}, lengths, codes=True)
    assert run.outputs["y"].dtype == np.float32
    assert (codes.outputs["y"] / 4096 == run.outputs["y"]).all()
    for row, length in enumerate(lengths):
        alone = run_tensors(read, {"x": x[:length, row : row + 1]})
        assert (alone.outputs["y"][0] == run.outputs["y"][row, :length]).all()
        assert (run.outputs["y"][row, length:] == 0).all()
        assert (alone.outputs["h_n"][0, 0] == run.outputs["h_n"][0, row]).all()
        assert (alone.outputs["c_n"][0] == run.outputs["c_n"][row]).all()
    assert {len(rows) for rows, _ in run.traces} == {1, 2}


@pytest.mark.parametrize(
    "inputs, lengths, message",
    [
        ({"x": np.zeros((3, 2))}, None, "shape"),
        ({"y": np.zeros((3, 2, 1))}, None, "needed are"),
        ({"x": None}, [1], "lengths"),
        ({"x": None}, [0, 1], "lengths"),
        ({"x": None}, [4, 1], "lengths"),
    ],
)
def test_tensors_refuse_wrong_inputs(inputs, lengths, message):
    _, writer, _, _, _ = lstm_case(7, "forward", None)
    read = program.read(writer.bytes())
    if inputs.get("x", 0) is None:
        inputs = {"x": np.zeros((3, 2, read.descriptors[0].cols))}
    with pytest.raises(InputError, match=message):
        run_tensors(read, inputs, lengths)


def test_other_layers():  # linear, add, act, concat, last, L-RES-1
    rng = np.random.default_rng(3)
    writer = ProgramWriter()
    table = random_table(rng, writer, 10, 3, 4, 9, "relu")
    W = rng.integers(-7, 8, (1, 5, 3))
    bias = rng.integers(-(2**12), 2**12, (1, 5))
    with_bias, without = writer.matrix(W, 4, bias=bias), writer.matrix(W, 4)
    x, y, z = writer.value("x", 3), writer.value("y", 5), writer.value("z", 5)
    total, bent, joined = (writer.value(n, w) for n, w in (("s", 5), ("a", 5), ("c", 10)))
    end = writer.value("e", 10, kind="vector")
    requant = {"kind": "requant", "shift": 2, "bits": 13}
    bend = {"kind": "act", "shift": -1, "table": table}
    linear = {"op": "linear", "input": x}
    writer.network["layers"] += [
        {**linear, "name": "1", "output": y, "result": requant,
         "W": {"desc": with_bias, "shifts": [1]}},
        {**linear, "name": "2", "output": z, "result": bend,
         "W": {"desc": without, "shifts": [0]}},
        {"op": "add", "name": "3", "inputs": [y, z], "lshifts": [0, 3],
         "output": total, "result": requant},
        {"op": "act", "name": "4", "inputs": [total], "lshifts": [2],
         "output": bent, "result": bend},
        {"op": "concat", "name": "5", "inputs": [bent, total], "output": joined},
        {"op": "last", "name": "6", "input": joined, "output": end},
    ]  # fmt: skip
    read = program.read(writer.bytes())
    codes = rng.integers(-100, 100, (1, 4, 3))
    got = network.run(read, {x: codes}, 4)
    for t in range(4):
        sums = [sum(int(w) * int(v) for w, v in zip(row, codes[0, t])) for row in W[0]]
        first = [rq(int(b) + 2 * s, 2, 13) for b, s in zip(bias[0], sums)]
        second = [lookup(writer.tables[table], s, -1) for s in sums]
        third = [rq(a + 8 * b, 2, 13) for a, b in zip(first, second)]
        fourth = [lookup(writer.tables[table], 4 * a, -1) for a in third]
        wanted = (first, second, third, fourth, fourth + third)
        for value, want in zip((y, z, total, bent, joined), wanted):
            assert got.values[value][0, t].tolist() == want
    assert got.values[end][0].tolist() == wanted[-1]


def test_overflows_are_wrapped_and_counted():  # A-ACC-1
    writer = ProgramWriter()
    x, y = writer.value("x", 1, 16), writer.value("y", 1, 16)
    W = writer.matrix([[[127]]], 8, bias=[[2**31 - 1]])
    writer.network["layers"].append(
        {"op": "linear", "name": "fc", "input": x, "output": y,
         "W": {"desc": W, "shifts": [0]},
         "result": {"kind": "requant", "shift": 16, "bits": 16}}
    )  # fmt: skip
    read = program.read(writer.bytes())
    got = network.run(read, {x: np.array([[[1], [-1]]])}, 2)
    assert got.values[y].ravel().tolist() == [rq(wrap(2**31 + 126), 16, 16), 32766 + 1]
    assert got.overflows == 1 and got.risks == 2
