# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Formats of single layers and matrices: what a configuration asks for is in
the program, the program equals the NumPy model in every bit, and its weights
are those of the independent quantiser."""

import json
from collections import Counter

import equality
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs
from hcgs import oracle
from hcgs.oracle import quantizer, scales
from hcgs.oracle.unpack import unpack

INPUTS, HIDDEN, OUTPUTS = 10, 12, 7


def make_model(seed=0, weights=None):
    """x [time, batch, 10] -> y [time, batch, 7]: lstm1, lstm2 (bidirectional)
    and a head. `weights(rng, shape)` makes matrices."""
    rng = np.random.default_rng(seed)

    def normal(rng, shape):
        return rng.normal(0, 0.4, shape)

    def tensor(name, *shape, make=weights or normal):
        return numpy_helper.from_array(make(rng, shape).astype(np.float32), name)

    def lstm(name, x, inputs, directions):
        rows = 4 * HIDDEN
        tensors = [
            tensor(f"{name}.W", directions, rows, inputs),
            tensor(f"{name}.R", directions, rows, HIDDEN),
            tensor(f"{name}.B", directions, 2 * rows, make=normal),
        ]
        direction = "bidirectional" if directions == 2 else "forward"
        node = helper.make_node(
            "LSTM", [x, *(t.name for t in tensors)], [f"{name}.Y"],
            name=name, hidden_size=HIDDEN, direction=direction,
        )  # fmt: skip
        return node, tensors

    first, first_weights = lstm("lstm1", "x", INPUTS, 1)
    second, second_weights = lstm("lstm2", "h1", HIDDEN, 2)
    graph = helper.make_graph(
        [
            first,
            helper.make_node("Squeeze", ["lstm1.Y", "one"], ["h1"], name="squeeze"),
            second,
            helper.make_node(
                "Transpose", ["lstm2.Y"], ["t"], name="turn", perm=[0, 2, 1, 3]
            ),
            helper.make_node("Reshape", ["t", "flat"], ["h2"], name="reshape"),
            helper.make_node("MatMul", ["h2", "F"], ["m"], name="head"),
            helper.make_node("Add", ["m", "b"], ["y"], name="add"),
        ],
        "two",
        [
            helper.make_tensor_value_info(
                "x", TensorProto.FLOAT, ["time", "batch", INPUTS]
            )
        ],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, ["time", "batch", OUTPUTS]
            )
        ],
        [
            *first_weights,
            *second_weights,
            tensor("F", 2 * HIDDEN, OUTPUTS),
            tensor("b", OUTPUTS, make=normal),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(np.array([0, 0, -1], np.int64), "flat"),
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def data(seed=1, steps=11, rows=3):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (steps, rows, INPUTS)).astype(np.float32)


def compile_model(config=None, model=None, **options):
    return hcgs.compile(
        model or make_model(), target="generic", calibrate=data(2, 30), sparsity="off",
        config=config, **options,
    )  # fmt: skip


def assert_bit_exact(program, model):
    """Simulator, NumPy model and independent quantiser agree."""
    file = oracle.read(bytes(program))
    codes = equality.input_codes(file, {"x": data()})
    wanted = oracle.run_tensors(file, codes, None, codes=True)
    assert wanted.risks == 0
    got = equality.run_all(program, codes, codes=True, checked=True)
    assert equality.assert_equal("checked run", got, wanted.outputs) > 200
    found = quantizer.check_program(file, model) + scales.check_scales(file)
    assert not found, "\n".join(found)
    return file


def matrices(program):
    """Entries of the report by "node.matrix"; of directions the first."""
    found = {}
    for entry in program.report["matrices"]:
        found.setdefault(f"{entry['node']}.{entry['matrix']}", entry)
    return found


def random_config(rng):
    """Widths for every layer and matrix, as a search might choose them."""

    def pick(low, high):
        return int(rng.integers(low, high + 1))

    config = {"layers": {}, "values": {"x": {"bits": pick(8, 16)}}}
    for name in ("lstm1", "lstm2", "head"):
        layer = {
            "weight-bits": pick(2, 8),
            "act-bits": pick(8, 16),
            "weight-encoding": ["signmag", "twos"][pick(0, 1)],
        }
        if name != "head":
            layer |= {"gate-bits": pick(8, 13), "cell-bits": pick(8, 16)}
            layer["R"] = {"weight-bits": pick(2, 8)}
        config["layers"][name] = layer
    return config


@pytest.mark.parametrize("seed", range(8))
def test_mixed_widths_are_taken_and_bit_exact(seed):
    rng = np.random.default_rng(seed)
    config, model = random_config(rng), make_model(seed)
    program = compile_model(config, model)
    file = assert_bit_exact(program, model)

    wanted = {}
    for name, layer in config["layers"].items():
        wanted[f"{name}.W"] = layer["weight-bits"], layer["weight-encoding"]
        if "R" in layer:
            wanted[f"{name}.R"] = layer["R"]["weight-bits"], layer["weight-encoding"]
    found = {
        name: (entry["weight_bits"], entry["weight_encoding"])
        for name, entry in matrices(program).items()
    }
    node = {key.split(".")[0] for key in found} - {"lstm1", "lstm2"}
    wanted[f"{node.pop()}.W"] = wanted.pop("head.W")
    assert found == wanted
    widths = Counter(value["bits"] for value in file.meta["network"]["values"])
    for width in (
        config["values"]["x"]["bits"],
        config["layers"]["lstm1"]["act-bits"],
        config["layers"]["head"]["act-bits"],
    ):
        assert widths[width] > 0


def test_a_dict_and_a_file_are_the_same(tmp_path):
    config = random_config(np.random.default_rng(3))
    (tmp_path / "config.json").write_text(json.dumps(config))
    one, two = compile_model(config), compile_model(tmp_path / "config.json")
    assert bytes(one) == bytes(two)
    assert one.report["options"]["config"] == "(dict)"
    assert bytes(one) != bytes(compile_model())


def test_arguments_win_over_options_of_the_file():
    config = {"options": {"weight-bits": 4, "act-bits": 9}}
    report = compile_model(config, weight_bits=8).report["options"]
    assert report["weight-bits"] == 8 and report["act-bits"] == 9
    assert compile_model(config).report["options"]["weight-bits"] == 4


def test_exponents_and_formats_may_be_given():
    config = {
        "layers": {"lstm1": {"W": {"exponents": [3, 2, 1, 4]}, "c": {"frac": 9}}},
        "values": {"x": {"range": [-2, 2], "bits": 12}},
    }
    program = compile_model(config)
    assert matrices(program)["lstm1.W"]["exponents"] == [3, 2, 1, 4]
    entry = matrices(program)["lstm1.W"]
    assert entry["in_frac"] == 10  # 12 bits over [-2, 2)


def test_bad_configurations_are_refused():
    quantizer_of = {"weight-quantizer": "hcgs", "rounding": "nearest"}
    for config, message in [
        (
            {"layers": {"lstm3": {}}},
            r"layers: the model has no layer 'lstm3'; its layers are",
        ),
        (
            {"layers": {"lstm2": {"input-bits": 9}}},
            r"result of 'lstm1'; give act-bits for",
        ),
        (
            {"options": {"weigth-bits": 5}},
            r"configuration: options: there is no option",
        ),
        (
            {"options": {"emit": "asm"}},
            r"options.emit: cannot be set in a configuration",
        ),
        (
            {"options": {"tiers": ["a"]}},
            r"options.tiers: \[\"a\"\] found, allowed is a text",
        ),
        (
            {"layers": {"lstm1": quantizer_of}},
            r"hcgs settles the rounding, which is also given",
        ),
        ({"layers": {"lstm1": float("nan")}}, "config: no JSON"),
        (3, "config is a path or a dict, not int"),
    ]:
        with pytest.raises(hcgs.CompileError, match=message):
            compile_model(config)


# ---- weights on grids -----------------------------------------------------


def published(rng, shape, bits=6):
    """Weights as the published training leaves them: clamped to [-1, 1] and
    rounded up to multiples of 2^(1-bits)."""
    half = 2 ** (bits - 1)
    w = np.clip(rng.normal(0, 0.4, shape), -1, 1)
    return np.sign(w) * np.ceil(np.abs(w) * half) / half


@pytest.mark.parametrize(
    "options", [{}, {"weight_quantizer": "hcgs"}, {"rounding": "ceil"}]
)
def test_published_weights_keep_their_codes(options):
    model = make_model(4, published)
    program = compile_model(model=model, **options)
    file = oracle.read(bytes(program))
    source = quantizer.OnnxWeights(model)
    stored = unpack(file, 0)
    weights, _ = source.lstm("lstm1", "forward", "W")
    assert (stored.codes == weights * 32).all()
    remarks = "\n".join(program.report["remarks"])
    assert (
        "'lstm1': W: weights lie on a grid (2^-5, 2^-5, 2^-5, 2^-5) that takes 6 bits; "
        in remarks
    )
    assert "stored without change" in remarks


def test_the_published_quantiser_on_any_weights():
    """sign(w) * ceil(|w| * 2^(k-1)) / 2^(k-1) on [-1, 1], whatever the weights."""
    for bits in (3, 6, 8):
        model = make_model(5, lambda rng, shape: rng.normal(0, 0.8, shape))
        program = compile_model(model=model, weight_quantizer="hcgs", weight_bits=bits)
        file = oracle.read(bytes(program))
        half = 2 ** (bits - 1)
        weights, _ = quantizer.OnnxWeights(model).lstm("lstm1", "forward", "R")
        clamped = np.clip(weights, -1, 1)
        wanted = np.sign(clamped) * np.ceil(np.abs(clamped) * half)
        (number,) = (
            i for i, m in enumerate(file.meta["matrices"])
            if m["node"] == "lstm1" and m["matrix"] == "R"
        )  # fmt: skip
        assert (unpack(file, number).codes == wanted).all()


def test_grids_with_zeros_become_twos():
    """Ternary weights with zeros, which signmag cannot hold."""

    def ternary(rng, shape):
        return rng.integers(-1, 2, shape) / 2

    model = make_model(6, ternary)
    program = compile_model(model=model, weight_bits=2)
    assert {entry["weight_encoding"] for entry in program.report["matrices"]} == {
        "twos"
    }
    weights, _ = quantizer.OnnxWeights(model).lstm("lstm1", "forward", "W")
    assert (unpack(oracle.read(bytes(program)), 0).codes == 2 * weights).all()
    kept = compile_model(model=model, weight_bits=2, zeros="one")
    assert {entry["weight_encoding"] for entry in kept.report["matrices"]} == {
        "signmag"
    }
    with pytest.raises(
        hcgs.CompileError, match="in kept positions are zero, which signmag"
    ):
        compile_model(model=model, weight_bits=2, zeros="refuse")


def test_pruned_weights_stored_dense_do_not_lose_their_zeros():
    def pruned(rng, shape):
        return rng.normal(0, 0.4, shape) * (rng.random(shape) < 0.25)

    model = make_model(7, pruned)
    by_policy = {
        zeros: compile_model(model=model, zeros=zeros)
        for zeros in ("auto", "one", "twos")
    }
    assert bytes(by_policy["auto"]) == bytes(by_policy["twos"])
    source = quantizer.OnnxWeights(model).lstm("lstm1", "forward", "W")[0]

    def error(program):
        file = oracle.read(bytes(program))
        exponents = np.array(file.meta["matrices"][0]["exponents"])[:, None, None]
        values = unpack(file, 0).codes * 2.0**-exponents
        return float(((values - source) ** 2).sum())

    assert 10 * np.log10(error(by_policy["one"]) / error(by_policy["auto"])) > 4
