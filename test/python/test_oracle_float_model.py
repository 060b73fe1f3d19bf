# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oracle.float_model against ONNX Runtime with the dequantised weights."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from program_writer import ProgramWriter

from hcgs.oracle import program
from hcgs.oracle.float_model import FloatNetwork


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_lstm_and_head(direction):
    rng = np.random.default_rng(11)
    width, hidden, classes, steps, rows = 5, 7, 3, 6, 2
    exponents, acc_frac = [3, 4, 5, 6], [10, 11, 12, 13]
    writer = ProgramWriter()
    tables = [
        writer.table(3, 0, 0, 8, 0, 0, [0], [0], function)
        for function in ("sigmoid", "tanh", "relu")
    ]
    W = rng.integers(-31, 32, (4, hidden, width))
    R = rng.integers(-31, 32, (4, hidden, hidden))
    bias = rng.integers(-3000, 3000, (4, hidden))
    F = rng.integers(-31, 32, (1, classes, hidden))
    shared = {"exponents": exponents, "acc_frac": acc_frac}
    w = writer.matrix(W, bias=bias, **shared)
    r = writer.matrix(R, **shared)
    f = writer.matrix(F, exponents=[4], acc_frac=[9])
    x, h, c = writer.value("x", width), writer.value("h", hidden), 0
    c = writer.value("c", hidden, kind="vector")
    h0 = writer.value("h0", hidden, 13, 12, "vector", codes=range(hidden))
    y, z = writer.value("y", classes), writer.value("z", classes + hidden)
    unused = {"shifts": [0, 0, 0, 0]}
    writer.network["layers"] += [
        {"op": "lstm", "name": "lstm", "direction": direction, "input": x,
         "hidden": hidden, "output": h, "final_h": None, "final_c": c,
         "initial_h": h0, "initial_c": None,
         "W": {"desc": w, **unused}, "R": {"desc": r, **unused},
         "gates": [{"shift": 0, "table": tables[0]}] * 3
         + [{"shift": 0, "table": tables[1]}],
         "cell": {"table": tables[1]}},
        {"op": "linear", "name": "fc", "input": h, "output": y,
         "W": {"desc": f, "shifts": [0]},
         "result": {"kind": "act", "shift": 0, "table": tables[2]}},
        {"op": "concat", "name": "cat", "inputs": [y, h], "output": z},
    ]  # fmt: skip
    data = rng.normal(0, 1, (rows, steps, width)).astype(np.float32)
    got = FloatNetwork(program.read(writer.bytes())).run({x: data}, steps)

    scale = 2.0 ** -np.array(exponents)[:, None, None]
    constants = {
        "W": (W * scale).reshape(1, -1, width),
        "R": (R * scale).reshape(1, -1, hidden),
        "B": np.concatenate(
            [(bias * 2.0 ** -np.array(acc_frac)[:, None]).ravel(), np.zeros(4 * hidden)]
        )[None],
        "h0": np.broadcast_to(np.arange(hidden) / 4096, (1, rows, hidden)),
        "F": (F[0] / 16).T,
    }
    graph = helper.make_graph(
        [
            helper.make_node("LSTM", ["x", "W", "R", "B", "", "h0"], ["Y", "", "Yc"],
                             hidden_size=hidden, direction=direction),
            helper.make_node("Squeeze", ["Y", "one"], ["h"]),
            helper.make_node("MatMul", ["h", "F"], ["m"]),
            helper.make_node("Relu", ["m"], ["y"]),
            helper.make_node("Concat", ["y", "h"], ["z"], axis=2),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, rows, width])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * 3) for n in ("z", "Yc")],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()]
        + [numpy_helper.from_array(np.array([1]), "one")],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    want_z, want_c = session.run(None, {"x": data.transpose(1, 0, 2)})
    assert np.allclose(got[z].transpose(1, 0, 2), want_z, atol=1e-5)
    assert np.allclose(got[c], want_c[0], atol=1e-5)
