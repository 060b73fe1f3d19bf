# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time loops of their own: a linear layer alone, or one behind a layer of two
directions, which has to wait for both. Nothing in them waits for the step
before, so schedules overlap as many steps as the queues hold."""

import equality
import hcgs
import numpy as np
import pytest
from hcgs import oracle
from onnx import TensorProto, helper, numpy_helper


def make_model(inputs: int, hidden: int, outputs: int):
    """Both directions of `hidden` cells, if any, and a linear layer."""
    rng = np.random.default_rng(hidden)
    weights, nodes, value, width = [], [], "x", inputs

    def tensor(name, array):
        weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def uniform(name, *shape):
        return tensor(name, rng.uniform(-0.1, 0.1, shape).astype(np.float32))

    if hidden:
        operands = [
            "x",
            uniform("W", 2, 4 * hidden, inputs),
            uniform("R", 2, 4 * hidden, hidden),
            uniform("B", 2, 8 * hidden),
        ]
        nodes += [
            helper.make_node(
                "LSTM", operands, ["y"], "lstm",
                hidden_size=hidden, direction="bidirectional",
            ),
            helper.make_node("Transpose", ["y"], ["turned"], perm=[0, 2, 1, 3]),
            helper.make_node(
                "Reshape", ["turned", tensor("shape", [0, 0, -1])], ["joined"]
            ),
        ]  # fmt: skip
        value, width = "joined", 2 * hidden
    head = uniform("F", width, outputs)
    nodes.append(helper.make_node("MatMul", [value, head], ["out"], "head"))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", 1, inputs])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["T", 1, outputs])],
        weights,
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


@pytest.mark.parametrize(
    "target, inputs, hidden, outputs",
    [
        ("sharp-1k", 300, 0, 8),
        ("sharp-1k", 40, 128, 10),
        ("sharp-4k", 80, 256, 61),
        ("wang-90nm", 64, 128, 61),
        ("generic", 33, 17, 1),
    ],
)
def test_auto_serves_loops_without_a_state(target, inputs, hidden, outputs):
    options = {"target": target, "sparsity": "off"}
    program = hcgs.compile(make_model(inputs, hidden, outputs), **options)
    assert program.report["schedule"]["name"] == "auto"
    file = oracle.read(bytes(program))
    rng = np.random.default_rng(outputs)
    for steps in (1, 2, 3, 9):
        x = rng.normal(0, 1.2, (steps, 1, inputs)).astype(np.float32)
        codes = equality.input_codes(file, {"x": x})
        wanted = oracle.run_tensors(file, codes, None, codes=True).outputs
        got = equality.run_all(program, codes, codes=True, checked=True)
        equality.assert_equal(f"{steps} steps", got, wanted)
