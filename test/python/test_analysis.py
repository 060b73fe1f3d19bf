# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""hcgs.analyze: every stage against NumPy, and faults that it must find."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from staged_model import FLOAT, TABLES, StagedModel

import hcgs
import hcgs.oracle

ROOT = Path(__file__).resolve().parents[2]
STAGES = ["compressed", "weights", "values", "tables"]


def make_model(direction="forward", hidden=12, inputs=5, seed=0, scale=0.5):
    """x [time, batch, inputs] -> y [time, batch, 3]: LSTMs `first` and `second`,
    and a head."""
    rng = np.random.default_rng(seed)
    both = direction == "bidirectional"
    ways = 2 if both else 1
    nodes, weights = [], []

    def weight(name, *shape):
        array = rng.normal(0, scale, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(array, name))
        return name

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.array(value, np.int64), name))
        return name

    last, width = "x", inputs
    for layer in ("first", "second"):
        operands = [
            last,
            weight(f"{layer}W", ways, 4 * hidden, width),
            weight(f"{layer}R", ways, 4 * hidden, hidden),
            weight(f"{layer}B", ways, 8 * hidden),
        ]
        nodes.append(
            helper.make_node(
                "LSTM", operands, [f"{layer}Y"], name=layer,
                hidden_size=hidden, direction=direction,
            )
        )  # fmt: skip
        last, width = f"{layer}y", hidden * ways
        if both:
            nodes.append(
                helper.make_node(
                    "Transpose", [f"{layer}Y"], [f"{layer}T"], perm=[0, 2, 1, 3]
                )
            )
            shape = constant(f"{layer}S", [0, 0, -1])
            nodes.append(helper.make_node("Reshape", [f"{layer}T", shape], [last]))
        else:
            axis = constant(f"{layer}A", [1])
            nodes.append(helper.make_node("Squeeze", [f"{layer}Y", axis], [last]))
    nodes.append(
        helper.make_node("MatMul", [last, weight("F", width, 3)], ["m"], name="head")
    )
    nodes.append(helper.make_node("Add", ["m", weight("b", 3)], ["y"], name="add"))
    graph = helper.make_graph(
        nodes,
        "stack",
        [
            helper.make_tensor_value_info(
                "x", TensorProto.FLOAT, ["time", "batch", inputs]
            )
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", 3])],
        weights,
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def data(rows=10, steps=9, inputs=5, seed=1):
    """A ragged batch of more rows than are run together."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, steps + 1, rows)
    lengths[0] = steps
    x = rng.normal(0, 1, (steps, rows, inputs)).astype(np.float32)
    return {"x": x, "lengths": lengths}


def energies(analysis, model, given):
    """From NumPy: signal and error energies of each layer's quantities by stage
    and step, and of the output, whose stages end with the oracle's integers."""
    program = hcgs.oracle.read(analysis.program._bytes)
    models = [StagedModel(program, model, stage) for stage in range(FLOAT, TABLES + 1)]
    lengths = given["lengths"]
    integers = hcgs.oracle.run_tensors(program, {"x": given["x"]}, lengths).outputs["y"]
    layers: list[dict] = [{} for _ in program.meta["network"]["layers"]]
    output: dict = {}
    place = program.meta["network"]["outputs"][0]["parts"][0]["value"]

    def add(sums, reference, stages):
        for t in range(len(reference)):
            row = sums.setdefault(t, np.zeros(1 + len(stages)))
            row[0] += np.sum(reference[t] ** 2)
            row[1:] += [np.sum((stage[t] - reference[t]) ** 2) for stage in stages]

    for row, steps in enumerate(lengths):
        runs = [m.run({"x": given["x"]}, row, int(steps)) for m in models]
        for number, sums in enumerate(layers):
            for name, reference in runs[0][1][number].items():
                others = [run[1][number][name] for run in runs[1:]]
                add(sums.setdefault(name, {}), reference, others)
        others = [run[0][place] for run in runs[1:]] + [integers[: int(steps), row]]
        add(output, runs[0][0][place], others)
    return layers, output


def check_quantity(quantity, sums, stages):
    by_step = np.array([sums[t] for t in sorted(sums)])
    total = by_step.sum(axis=0)
    elements = quantity.steps["elements"]
    assert quantity.elements == elements.sum()
    np.testing.assert_allclose(quantity.signal_energy, total[0], rtol=1e-5)
    np.testing.assert_allclose(
        quantity.steps["signal"], by_step[:, 0] / elements, rtol=1e-5
    )
    for column, stage in enumerate(stages, 1):
        found = quantity.stages[stage]
        np.testing.assert_allclose(
            quantity.steps["error"][stage],
            by_step[:, column] / elements,
            rtol=1e-5,
            atol=1e-25,
        )
        np.testing.assert_allclose(
            found["error_energy"], total[column], rtol=1e-5, atol=1e-25
        )
        if total[column] > 1e-20:
            wanted = 10 * np.log10(total[0] / total[column])
            assert abs(found["sqnr_db"] - wanted) < 1e-3


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    "options",
    [
        {"sparsity": "off"},
        {"sparsity": "impose", "tiers": "4x4:50%"},
        {"sparsity": "impose", "tiers": "4x4:50%", "masks": "separate"},
        {"circulant": 4},
    ],
    ids=["off", "impose", "separate", "circulant"],
)
def test_every_stage_is_that_of_numpy(direction, options):
    model, given = make_model(direction), data()
    analysis = hcgs.analyze(
        model,
        given,
        calibrate=given,
        target="generic",
        rows=0,
        **options,
    )
    layers, output = energies(analysis, model, given)
    for layer, quantities in zip(analysis.layers, layers, strict=True):
        assert set(layer.quantities) == set(quantities)
        for name, sums in quantities.items():
            check_quantity(layer.quantity(name), sums, STAGES)
    check_quantity(analysis.outputs["y"], output, [*STAGES, "program"])
    assert (analysis.stages["compressed"].sqnr_db is None) == (
        options.get("sparsity") == "off"
    )
    # The simulator, the oracle and the stage `tables` are one and the same.
    assert analysis.equal
    assert analysis.outputs["y"].sqnr("program") == analysis.outputs["y"].sqnr("tables")
    assert analysis.saturations["agree"]


def test_stages_add_up():
    model, given = make_model(), data()
    options = {"sparsity": "impose", "tiers": "4x4:50%", "pwl_segments": 16}
    analysis = hcgs.analyze(model, given, target="generic", calibrate=given, **options)
    assert list(analysis.stages) == ["float", *STAGES, "program"]
    shares = [
        s.error_share for s in analysis.stages.values() if s.error_share is not None
    ]
    assert sum(shares) == pytest.approx(1.0, abs=1e-4)
    lost = [s.lost_db for s in analysis.stages.values() if s.lost_db is not None]
    first = analysis.stages["compressed"].sqnr_db
    assert first - sum(lost) == pytest.approx(analysis.sqnr_db, abs=1e-3)
    assert analysis.stages["program"].own_sqnr_db is None
    # Every table fits a terminal.
    assert max(map(len, str(analysis).splitlines())) <= 80
    json.dumps(analysis.json, allow_nan=False)


def test_a_coarse_matrix_is_blamed():
    model, given = make_model(), data()
    config = {"layers": {"second": {"R": {"weight-bits": 3}}}}
    analysis = hcgs.analyze(
        model, given, target="generic", calibrate=given, weight_bits=8,
        weight_encoding="twos", config=config,
    )  # fmt: skip
    worst = analysis.parts[0]
    assert (worst["name"], worst["part"]) == ("second", "R")
    assert worst["share"] > 0.5
    assert (
        max(analysis.stages.values(), key=lambda s: s.error_share or 0).name
        == "weights"
    )
    bits = [c for c in analysis.changes if c["kind"] == "weight-bits"]
    assert (bits[0]["name"], bits[0]["site"]) == ("second", "R")
    assert bits[0] is analysis.changes[0] or analysis.changes[0]["site"] == "R"
    # Doing it gives what was measured, and more than any other bit would.
    better = hcgs.analyze(
        model, given, target="generic", calibrate=given, weight_bits=8, rows=0,
        weight_encoding="twos", config=bits[0]["config"],
    )  # fmt: skip
    gained = better.sqnr_db - analysis.sqnr_db
    assert gained == pytest.approx(bits[0]["gain_db"], abs=1.0)
    assert gained > 2


@pytest.mark.parametrize(
    "options",
    [
        {"rounding": "ceil"},
        {"weight_quantizer": "hcgs"},
        {"config": {"layers": {"second": {"R": {"exponents": [3, 3, 3, 3]}}}}},
        {"pwl_segments": 16},
    ],
    ids=["ceil", "published", "given", "tables"],
)
def test_changes_keep_what_they_promise(options):
    """Weights and tables: the gain is that of compiling with `config`."""
    model, given = make_model(), data()
    common = {"target": "generic", "calibrate": given, "weight_bits": 5, **options}
    analysis = hcgs.analyze(model, given, **common)
    tried = set()
    for change in analysis.changes:
        if change["kind"] not in ("weight-bits", "weight-encoding", "table"):
            continue
        config = change["config"]
        if "config" in options:
            config = json.loads(json.dumps(options["config"]))
            layer = config["layers"].setdefault(change["name"], {})
            for key, value in change["config"]["layers"][change["name"]].items():
                if isinstance(value, dict):
                    layer.setdefault(key, {}).update(value)
                else:
                    layer[key] = value
        changed = hcgs.analyze(model, given, **{**common, "config": config}, rows=0)
        gained = changed.sqnr_db - analysis.sqnr_db
        assert gained == pytest.approx(change["gain_db"], abs=0.1), change["text"]
        tried.add(change["kind"])
    assert "weight-bits" in tried
    assert ("weight-encoding" in tried) == ("weight_quantizer" not in options)
    assert "table" in tried or "pwl_segments" not in options


def test_changes_ask_the_target():
    model, given = make_model(), data()
    common = {"target": "hcgs-65nm", "calibrate": given}
    sparse = {"sparsity": "impose", "tiers": "4x4:50%"}
    analysis = hcgs.analyze(model, given, **common, **sparse)
    allowed = [change["target"] for change in analysis.changes]
    assert allowed == sorted(allowed, reverse=True)
    assert True in allowed and False in allowed
    for change in analysis.changes:
        both = {**common, **sparse, "config": change["config"]}
        if change["target"]:
            hcgs.compile(model, **both)
        else:
            with pytest.raises(hcgs.CompileError, match="hcgs-65nm"):
                hcgs.compile(model, **both)
    refused = {c["kind"] for c in analysis.changes if not c["target"]}
    assert "weight-bits" in refused
    assert "needs another target than 'hcgs-65nm'" in str(analysis)


def test_a_coarse_table_is_blamed():
    model, given = make_model(), data()
    analysis = hcgs.analyze(
        model, given, target="generic", calibrate=given, weight_bits=8,
        weight_encoding="twos", pwl_segments=8,
    )  # fmt: skip
    assert (
        max(analysis.stages.values(), key=lambda s: s.error_share or 0).name == "tables"
    )
    assert analysis.parts[0]["part"] == "tables"
    assert analysis.changes[0]["kind"] == "table"
    assert analysis.changes[0]["gain_db"] > 1


def test_a_cell_that_saturates_is_found():
    model, given = make_model(), data()
    analysis = hcgs.analyze(
        model, given, target="generic", cell_range=0.25, input_range=8
    )
    sites = {(s["name"], s["site"]): s for s in analysis.saturations["sites"]}
    for layer in ("first", "second"):
        site = sites[layer, "c"]
        quantity = analysis.layer(layer).quantity("c")
        assert 0 < site["count"] < site["elements"] == quantity.elements
        assert sum(count for _, count in site["steps"]) == site["count"]
        assert site["first_step"] == site["steps"][0][0]
        found = [
            i for i in analysis.saturations["instructions"]
            if i["name"] == layer and i["saturations"]
        ]  # fmt: skip
        assert sum(i["saturations"] for i in found) >= site["count"]
        assert all(analysis.layers[i["layer"]].name == layer for i in found)
    assert analysis.saturations["agree"]
    wider = [c for c in analysis.changes if c["kind"] == "range" and c["site"] == "c"]
    assert {c["name"] for c in wider} == {"first", "second"}
    assert max(c["gain_db"] for c in wider) > 1
    # Inputs that the host cuts off count, too.
    narrow = hcgs.analyze(model, given, target="generic", input_range=1, rows=8)
    clipped = [s for s in narrow.saturations["sites"] if s["site"] == "input"]
    beyond = np.zeros_like(given["x"], dtype=bool)
    for row, steps in enumerate(given["lengths"]):
        beyond[:steps, row] = True
    value = narrow.program.inputs[0]
    codes = np.ldexp(given["x"].astype(float), value.frac[0])
    half = 2.0 ** (value.bits[0] - 1)
    rounded = np.sign(codes) * np.floor(np.abs(codes) + 0.5)
    outside = ((rounded < -half) | (rounded > half - 1)) & beyond
    assert clipped[0]["count"] == outside.sum() > 0


def test_first_step_over_the_threshold():
    model, given = make_model(), data()
    analysis = hcgs.analyze(
        model,
        given,
        target="generic",
        calibrate=given,
        weight_bits=4,
        threshold=0.2,
        rows=0,
    )
    for layer in analysis.layers:
        for quantity in layer.quantities.values():
            relative = np.sqrt(
                quantity.steps["error"]["tables"] / quantity.steps["signal"]
            )
            over = np.flatnonzero(relative > 0.2)
            wanted = int(over[0]) if len(over) else None
            assert quantity.stages["tables"]["first_over_threshold"] == wanted


def test_states_and_models_without_batch():
    fixtures = ROOT / "test" / "Import" / "fixtures"
    for name in ("dy_uni1_state", "bidirectional_all", "head_sigmoid", "dy_skip"):
        arrays = np.load(fixtures / f"{name}.npz")
        given = {k[3:]: arrays[k] for k in arrays.files if k.startswith("in.")}
        analysis = hcgs.analyze(
            fixtures / f"{name}.onnx", given, target="generic", rows=2
        )
        assert analysis.equal, name
        assert analysis.saturations["agree"], name
        assert set(analysis.outputs) == {
            k[4:] for k in arrays.files if k.startswith("out.")
        }
        for output in analysis.outputs.values():
            wanted = arrays[f"out.{output.name}"]
            # The signal is that of the float model, as ONNX Runtime computed it.
            assert output.signal_energy == pytest.approx(np.sum(wanted**2.0), rel=1e-4)


def test_paths_and_saving(tmp_path):
    model, given = make_model(), data()
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", **given)
    analysis = hcgs.analyze(
        tmp_path / "m.onnx", tmp_path / "d.npz", target="generic", rows=0
    )
    assert analysis.json["data"]["file"] == str(tmp_path / "d.npz")
    analysis.save(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == analysis.json
    assert analysis.program.run(given["x"]).shape == (9, 10, 3)
    with pytest.raises(KeyError, match="there are first, second"):
        analysis.layer("third")
    with pytest.raises(KeyError, match="it has i.pre"):
        analysis.layer("first").quantity("y")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((4, 2, 6), np.float32)}, r"x.*\[4, 2, 6\].*model takes"),
        ({"x": np.zeros((0, 2, 5), np.float32)}, "empty"),
        ({"x": np.full((4, 2, 5), np.nan, np.float32)}, "only finite"),
        ({"y": np.zeros((4, 2, 5), np.float32)}, "no array for input 'x'; found 'y'"),
        (
            {"x": np.zeros((4, 2, 5), np.float32), "lengths": [4, 5]},
            "5 steps for row 1",
        ),
        ({"x": np.zeros((4, 2, 5), np.float32), "lengths": [4]}, "each of the 2"),
        (
            {"x": np.zeros((4, 2, 5), np.float32), "h0": [[1.0]]},
            "'h0' is no input of the model; allowed are 'x', .*'lengths' and 'labels'",
        ),
        ({"x": [["a"]]}, "give numbers"),
    ],
)
def test_data_that_do_not_fit(change, message):
    with pytest.raises(hcgs.InputError, match=message) as caught:
        hcgs.analyze(make_model(), change, target="generic")
    assert "/" not in str(caught.value)


def test_options_that_make_no_sense(tmp_path):
    with pytest.raises(hcgs.CompileError, match="takes no emit"):
        hcgs.analyze(make_model(), data(), emit="asm")
    with pytest.raises(hcgs.CompileError, match="takes no analyze_rows.*'rows'"):
        hcgs.analyze(make_model(), data(), analyze_rows=3)
    with pytest.raises(hcgs.CompileError, match="analyze-threshold"):
        hcgs.analyze(make_model(), data(), threshold=-1)
    with pytest.raises(hcgs.InputError, match="missing.npz"):
        hcgs.analyze(make_model(), tmp_path / "missing.npz", target="generic")
