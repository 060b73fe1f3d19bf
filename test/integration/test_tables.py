# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tables of every activation and kind, and functions given by samples, from the
model to the machine: the errors are those that are stated, and the simulator
equals the NumPy model."""

import equality
import hcgs
import numpy as np
import onnx
import pytest
from hcgs import oracle
from hcgs.oracle.activations import table_function
from hcgs.oracle.arithmetic import Table, TwoLevelTable
from onnx import TensorProto, helper, numpy_helper

INPUTS, HIDDEN = 5, 8

#: The function behind the LSTM, with its attributes.
FUNCTIONS = [
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("Relu", {}),
    ("HardSigmoid", {"alpha": 0.25, "beta": 0.4}),
    ("LeakyRelu", {"alpha": 0.05}),
    ("ThresholdedRelu", {"alpha": 0.3}),
    ("Elu", {"alpha": 0.8}),
    ("Softsign", {}),
    ("Softplus", {}),
]


#: Worst errors of 128 segments of one size, where not 2 LSB of 13 bits. Segments
#: of +-8 are 1/8 wide: a second derivative of 2 (softsign at 0) costs
#: 2 / 8^2 / 16 = 8 LSB, a kink of slope 1/4 up to 1/4 / 8 / 8 = 16 LSB. A jump of
#: 0.3 inside a segment costs half of it, 614 LSB, and some for the slopes.
UNIFORM = {"Softsign": 8.0, "HardSigmoid": 16.0, "ThresholdedRelu": 768.0}

#: The same reaching far: bounded functions that go on beyond +-8, and unbounded.
FAR = [
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("HardSigmoid", {"alpha": 0.05, "beta": 0.5}),
    ("Softsign", {}),
    ("Elu", {"alpha": 0.8}),
]


def far_model(function: str, attributes: dict) -> onnx.ModelProto:
    """A layer whose result reaches +-32, and the function of it."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "W"], ["z"], name="far"),
            helper.make_node(function, ["z"], ["y"], name="out", **attributes),
        ],
        "far",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", 2])],
        [numpy_helper.from_array(np.diag([16, -32]).astype(np.float32), "W")],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def model(function="Elu", attributes=None) -> onnx.ModelProto:
    rng = np.random.default_rng(3)
    graph = helper.make_graph(
        [
            helper.make_node(
                "LSTM", ["x", "W", "R"], ["Y"], name="lstm", hidden_size=HIDDEN
            ),
            helper.make_node("Squeeze", ["Y", "one"], ["h"], name="squeeze"),
            helper.make_node(function, ["h"], ["y"], name="out", **(attributes or {})),
        ],
        "tables",
        [
            helper.make_tensor_value_info(
                "x", TensorProto.FLOAT, ["time", "batch", INPUTS]
            )
        ],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, ["time", "batch", HIDDEN]
            )
        ],
        [
            numpy_helper.from_array(
                rng.normal(0, 0.5, (1, 4 * HIDDEN, INPUTS)).astype(np.float32), "W"
            ),
            numpy_helper.from_array(
                rng.normal(0, 0.3, (1, 4 * HIDDEN, HIDDEN)).astype(np.float32), "R"
            ),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def compile_and_run(what: onnx.ModelProto, **options) -> oracle.ProgramFile:
    """Holds the simulator against the NumPy model, and every table against its
    function at all inputs."""
    x = np.random.default_rng(5).normal(0, 1, (9, 2, INPUTS)).astype(np.float32)
    options = {"target": "generic", "calibrate": x, **options}
    program = hcgs.compile(what, **options)
    file = oracle.read(bytes(program))
    codes = equality.input_codes(file, {"x": x})
    wanted = oracle.run_tensors(file, codes, None, codes=True)
    equality.assert_equal(
        "run", equality.run_all(program, codes, codes=True), wanted.outputs
    )

    z = np.arange(-(1 << 15), 1 << 15)
    assert len(file.tables) == len(program.report["tables"])
    for table, record in zip(file.tables, program.report["tables"], strict=True):
        meta = file.meta["tables"][program.report["tables"].index(record)]
        exact = np.ldexp(
            table_function(meta)(np.ldexp(z.astype(float), -table.in_frac)),
            table.out_frac,
        )
        error = np.abs(table(z)[0] - exact).max()
        assert record["max_error_lsb"] == pytest.approx(error, abs=1e-6), record
    return file


@pytest.mark.parametrize("kind", ["auto", "uniform", "two-level"])
@pytest.mark.parametrize(
    "function, attributes", FUNCTIONS, ids=[f for f, _ in FUNCTIONS]
)
def test_every_function_as_every_kind(function, attributes, kind):
    file = compile_and_run(model(function, attributes), pwl_kind=kind)
    types = {
        "uniform": Table,
        "two-level": TwoLevelTable,
        "auto": (Table, TwoLevelTable),
    }
    assert all(isinstance(table, types[kind]) for table in file.tables)
    bound = UNIFORM.get(function, 2.0) if kind == "uniform" else 1.0
    for table in file.meta["tables"]:
        assert table["max_error_in_range_lsb"] <= bound, table


@pytest.mark.parametrize("bits", [13, 16])
@pytest.mark.parametrize("kind", ["two-level", "uniform"])
@pytest.mark.parametrize("function, attributes", FAR, ids=[f for f, _ in FAR])
def test_inputs_beyond_8(function, attributes, kind, bits):
    x = np.linspace(-1, 1, 513, dtype=np.float32)
    x = np.stack([x, x[::-1]], axis=1)[:, None, :]
    program = hcgs.compile(
        far_model(function, attributes),
        target="generic",
        calibrate=x,
        pwl_kind=kind,
        act_bits=bits,
        input_bits=16,
        weight_bits=8,
    )
    file = oracle.read(bytes(program))
    (table,), (record,) = file.tables, file.meta["tables"]
    low, high = record["input_range"]
    assert (low, high) == (-(2.0 ** (15 - table.in_frac)), -low - 2.0**-table.in_frac)

    # What is said of saturation, against the function far out.
    exact = np.ldexp(table_function(record)(np.array([-1e9, 1e9])), table.out_frac)
    ends = table(np.array([-(1 << 15), (1 << 15) - 1]))[0]
    saturated = record["max_error_saturated_lsb"]
    if function == "Elu":
        assert saturated is None
    else:
        assert saturated >= np.abs(ends - exact).max() - 1e-4
    if function in ("Sigmoid", "Tanh") and bits == 13 and kind == "two-level":
        assert max(record["max_error_lsb"], saturated) <= 1.0

    # x and the weights are exact but for the rounding of x, z is rounded to its
    # format; no input is further out than what is proved, or flat there.
    z = x.astype(float) * [16, -32]
    wanted = table_function(record)(z)
    steepest = {"Sigmoid": 0.25, "HardSigmoid": 0.05}.get(function, 1.0)
    codes = np.ldexp(program.run(x).astype(float), table.out_frac)
    of_z = steepest * (2.0 ** -(table.in_frac + 1) + 32 * 2.0**-15)
    of_z = np.ldexp(of_z, table.out_frac)
    # The upper end of the range itself has no code, which is less than a step.
    beyond = np.abs(z).max() > -low
    assert not (beyond and function in ("Softsign", "Elu"))
    error = record["max_error_lsb"]
    bound = (max(error, saturated) if beyond else error) + 2 * of_z
    assert np.abs(codes - np.ldexp(wanted, table.out_frac)).max() <= bound + 1e-6


def test_a_bound_takes_the_fewest_bytes():
    sizes = []
    for bound in (8, 4, 2, 1):
        file = compile_and_run(model(), pwl_max_error=bound)
        assert all(t["max_error_in_range_lsb"] <= bound for t in file.meta["tables"])
        sizes.append(len(file.sections[".hcgs.tables"]))
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    with pytest.raises(
        hcgs.CompileError, match="within 0.4 LSB; the best found has 0.5"
    ):
        compile_and_run(model(), pwl_max_error=0.4)


def test_functions_given_by_samples(tmp_path):
    stairs = np.array(
        [[-8, -0.9], [-2, -0.9], [-0.5, -0.1], [0.5, 0.2], [3, 0.7], [8, 0.7]]
    )
    np.save(tmp_path / "stairs.npy", stairs)
    (tmp_path / "wide.csv").write_text("-100 -3\n-1 -0.5\n0 0\n0.0625 2\n100 2\n")
    options = f"lstm:g={tmp_path}/stairs.npy,elu={tmp_path}/wide.csv"
    file = compile_and_run(model(), activation_table=options)
    given = {t["function"]: t["samples"] for t in file.meta["tables"] if "samples" in t}
    assert given == {
        "tanh": stairs.ravel().tolist(),
        "elu": [-100, -3, -1, -0.5, 0, 0, 0.0625, 2, 100, 2],
    }
    # sigmoid, tanh by samples, tanh of the cell, elu by samples.
    assert len(file.tables) == 4

    # They count for the ranges, too: elu of an h below 1 stays below 1, the points
    # give 2 from 1/16 on.
    plain = compile_and_run(model())
    assert file.tables[-1].out_frac < plain.tables[-1].out_frac


def test_samples_of_the_function_itself_change_nothing_much(tmp_path):
    x = np.linspace(-8, 8, 4001)
    np.save(tmp_path / "tanh.npy", np.stack([x, np.tanh(x)], axis=1))
    plain = hcgs.compile(model(), target="generic")
    given = hcgs.compile(
        model(), target="generic", activation_table=f"tanh={tmp_path}/tanh.npy"
    )
    inputs = np.random.default_rng(6).normal(0, 1, (9, 2, INPUTS)).astype(np.float32)
    assert np.abs(plain.run(inputs) - given.run(inputs)).max() < 0.01
