# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights that wmem has no room for come from outside, a part at a time.

The same models for targets with less and less wmem: results and steps in chunks
do not change, the estimate still equals the simulator's count, and the report
says what was spilled and what it costs.
"""

import html
import json

import equality
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs
from hcgs import oracle
from hcgs.report.cycles import bounds_with_loads, measure, spilling
from hcgs.report.facts import Facts


def make_model(hidden: int, layers: int = 1):
    """`layers` LSTMs of `hidden` cells and a head, input as wide as a layer."""
    rng = np.random.default_rng(hidden)
    weights, nodes, value = [], [], "x"

    def tensor(name, *shape):
        array = rng.uniform(-1, 1, shape).astype(np.float32) / np.sqrt(hidden)
        weights.append(numpy_helper.from_array(array, name))
        return name

    weights.append(numpy_helper.from_array(np.array([1]), "one"))
    for n in range(layers):
        inputs = [value, tensor(f"W{n}", 1, 4 * hidden, hidden)]
        inputs += [
            tensor(f"R{n}", 1, 4 * hidden, hidden),
            tensor(f"B{n}", 1, 8 * hidden),
        ]
        nodes.append(
            helper.make_node("LSTM", inputs, [f"y{n}"], f"lstm{n}", hidden_size=hidden)
        )
        nodes.append(helper.make_node("Squeeze", [f"y{n}", "one"], [f"s{n}"]))
        value = f"s{n}"
    nodes.append(
        helper.make_node("MatMul", [value, tensor("F", hidden, 5)], ["out"], "fc")
    )
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", 1, hidden])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["T", 1, 5])],
        weights,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def make_target(folder, wmem: int, port: bool = True, imem: int | None = None) -> str:
    """generic with `wmem` bytes of weight memory, and `imem` of indices."""

    def number(value):
        return {"value": value, "origin": "assumed", "source": "this test"}

    path = folder / f"wmem{wmem}.json"
    text = {
        "base": "generic",
        "name": "little",
        "load": {"weights": number(port)},
        "memories": {"wmem": {"bytes": number(wmem)}},
    }
    if imem is not None:
        text["memories"]["imem"] = {"bytes": number(imem)}
    path.write_text(json.dumps(text))
    return str(path)


def compile(model, target: str, **options) -> hcgs.Program:
    return hcgs.compile(model, target=target, sparsity="off", **options)


def assert_same_results(program, whole, hidden: int):
    """Of runs, checked or not, and of steps: those of the NumPy model."""
    file = oracle.read(bytes(whole))
    for steps in (1, 2, 3, 7):
        x = np.random.default_rng(steps).normal(0, 2, (steps, 1, hidden))
        inputs = {"x": x.astype(np.float32)}
        wanted = oracle.run_tensors(file, inputs, None).outputs
        for checked in (True, False):
            got = equality.run_all(program, inputs, checked=checked)
            equality.assert_equal(f"{steps} steps", got, wanted)
        program.reset()
        parts = [program.step({"x": frame}) for frame in np.split(inputs["x"], steps)]
        equality.assert_equal("step", {"out": np.concatenate(parts)}, wanted)


@pytest.mark.parametrize("schedule", ["auto", "sequential", "unfolded"])
@pytest.mark.parametrize("share", [0.9, 0.6, 0.35])
@pytest.mark.parametrize("hidden, layers", [(24, 1), (40, 2)])
def test_results_do_not_change(tmp_path, hidden, layers, share, schedule):
    model = make_model(hidden, layers)
    whole = compile(model, "generic", schedule=schedule)
    assert "spill" not in whole.report
    bytes_ = whole.report["totals"]["weight_bytes"]
    program = compile(
        model, make_target(tmp_path, int(share * bytes_)), schedule=schedule
    )

    spill = program.report["spill"]
    resident = program.report["totals"]["resident_bytes"]
    assert resident + spill["buffer_bytes"] <= int(share * bytes_)
    assert resident + spill["bytes"] == bytes_
    assert 0 < spill["bytes_per_step"] and 0 < spill["load_port_share"] <= 1
    if share < 0.5:
        assert spill["bytes_per_step"] >= (1 - share) * bytes_

    assert_same_results(program, whole, hidden)


def test_estimate_equals_simulator(tmp_path):
    model = make_model(40, 2)
    program = compile(model, make_target(tmp_path, 9000))
    counts = {}
    for steps in (1, 48, 288):
        program.run({"x": np.zeros((steps, 1, 40), np.float32)})
        counts[steps] = program.stats["cycles"]
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == counts[1]
    assert estimate["cycles_per_step"] == (counts[288] - counts[48]) / 240
    cost = program.report["spill"]["cycles_per_step_cost"]
    assert cost > 0, "these loads take longer than the products"


def test_without_a_port_the_error_says_what_would_fit(tmp_path):
    target = make_target(tmp_path, 9000, port=False)
    with pytest.raises(hcgs.CompileError, match=r"19350 bytes|19,350 bytes") as error:
        compile(make_model(40, 2), target)
    message = str(error.value)
    assert "10,350 bytes over" in message
    assert "with 2-bit weights they fit" in message
    assert "must be compressed 2.1" in message
    assert "or one whose load unit reaches wmem ('load.weights')" in message


@pytest.mark.parametrize("port", [True, False])
def test_too_little_even_for_buffers(tmp_path, port):
    # Eight rows of 40 weights of 6 bits are 240 bytes.
    with pytest.raises(hcgs.CompileError, match="bytes over") as error:
        compile(make_model(40), make_target(tmp_path, 400, port=port))
    message = str(error.value)
    reason = "two buffers for the shortest parts need 480 bytes (8 rows of one gate"
    assert (reason in message) == port
    assert "load.weights" not in message, "it would not help"


def test_advice_can_be_taken(tmp_path):
    """No fewer batch rows than one, and no less depth than none."""
    number = {"value": 40, "origin": "assumed", "source": "this test"}
    path = tmp_path / "short.json"
    text = {"base": "generic", "name": "short"}
    path.write_text(json.dumps(text | {"memories": {"pmem": {"instructions": number}}}))
    seen = {}
    for streams in (1, 2):
        for schedule in ("sequential", "unfolded"):
            options = {"schedule": schedule, "streams": streams}
            with pytest.raises(hcgs.CompileError, match="pmem of 'short'") as error:
                compile(make_model(128, 4), str(path), **options)
            message = str(error.value)
            assert ("fewer --streams" in message) == (streams == 2)
            seen[schedule] = "less depth" in message
    assert seen == {"sequential": False, "unfolded": True}


def test_accounting_counts_the_buffers(tmp_path):
    model = make_model(40, 2)
    wmem = compile(model, "generic").report["memories"]["wmem"]
    assert wmem["used"] == 19350 and "buffers" not in wmem
    target = make_target(tmp_path, 9000)
    report = compile(model, target).report
    buffers = report["spill"]["buffer_bytes"]
    resident = report["totals"]["resident_bytes"]
    wmem = report["memories"]["wmem"]
    assert wmem["used"] == resident + buffers and wmem["buffers"] == buffers
    # The HTML report has it from the program.
    facts = Facts(oracle.read(bytes(compile(model, target)))).memories[0]
    assert facts.name == "wmem" and facts.used == wmem["used"]
    assert sum(bytes_ for _, bytes_ in facts.parts) == facts.used


@pytest.mark.parametrize("share", [1, 0.9, 0.5, 0.2])
def test_what_is_spilled_compresses_nothing(tmp_path, share):
    """The ratio is that of the weights, however many of them wmem holds."""
    program = compile(make_model(40, 2), make_target(tmp_path, int(share * 19350)))
    totals = program.report["totals"]
    spilled = program.report.get("spill", {"bytes": 0})["bytes"]
    assert (spilled > 0) == (share < 1)
    assert totals["weight_bytes"] == 19350 == totals["resident_bytes"] + spilled
    assert totals["ratio"] == totals["fp32_bytes"] / 19350
    assert Facts(oracle.read(bytes(program))).weight_bytes == 19350
    page = html.unescape(hcgs.report_html(program))
    assert f"{totals['fp32_bytes'] / 19350:.1f}x smaller than dense fp32" in page


@pytest.mark.parametrize("share", [0.9, 0.5])
def test_html_report_says_what_spilling_costs(tmp_path, share):
    """From the program and the simulator, the compiler's own numbers."""
    model = make_model(40, 2)
    target = make_target(tmp_path, int(share * 19350))
    program = compile(model, target, schedule="unfolded")
    said = program.report["spill"]
    facts = Facts(oracle.read(bytes(program)))
    cycles = measure(program)
    spill = spilling(facts, cycles)
    names = [facts.matrices[n].name for n in said["matrices"]]
    assert [matrix.name for matrix in spill.matrices] == names
    assert spill.outside == said["bytes"] < sum(m.bytes for m in spill.matrices)
    assert spill.buffers == said["buffer_bytes"]
    assert spill.per_step == said["bytes_per_step"]
    assert spill.port_share == pytest.approx(said["load_port_share"])
    assert spill.resident == said["cycles_per_step_resident"]
    assert spill.cost == pytest.approx(said["cycles_per_step_cost"])
    bounds = [one["bound"] for one in bounds_with_loads(facts.meta["schedule"])]
    assert bounds == [program.report["schedule"]["bound"]]

    page = hcgs.report_html(program)
    least = bounds[0]["cycles"]
    assert f"With the parts below no schedule takes less than {least} cycles" in page
    page = page[page.index('id="spill"') :]
    panel = html.unescape(page[: page.index("</table>")])
    assert f"no room for {said['bytes']:,} bytes" in panel
    assert f"loads {said['bytes_per_step']:,} bytes" in panel
    assert f"{100 * said['load_port_share']:.1f} % of what the load port" in panel
    assert f"costs {said['cycles_per_step_cost']:g}." in panel
    for name in names:
        assert name in panel


def test_html_report_of_resident_weights_has_no_spill():
    program = compile(make_model(24), "generic")
    assert spilling(Facts(oracle.read(bytes(program))), measure(program)) is None
    page = hcgs.report_html(program)
    assert 'id="spill"' not in page
    assert ". No schedule takes less than" in page


TIERS = "16x16:1/4,4x4:1/4"
COMPRESSED = {
    "by rows": {"balance": "row"},
    "by columns": {"balance": "column"},
    "both": {"balance": "both"},
    "none": {"balance": "none"},
    "separate masks": {"balance": "row", "masks": "separate"},
    "separate, by columns": {"balance": "column", "masks": "separate"},
    "circulant": {"circulant": 16},
}


def compile_small(name: str, model, target: str, **options) -> hcgs.Program:
    """With matrices 16 times smaller than dense ones."""
    options = COMPRESSED[name] | options
    if "circulant" not in options:
        options |= {"sparsity": "impose", "tiers": TIERS}
    return hcgs.compile(model, target=target, **options)


@pytest.mark.parametrize("share", [0.8, 0.6])
@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_matrices(tmp_path, name, share):
    model = make_model(128, 1)
    whole = compile_small(name, model, "generic")
    bytes_ = whole.report["totals"]["weight_bytes"]
    program = compile_small(name, model, make_target(tmp_path, int(share * bytes_)))

    spill = program.report["spill"]
    kinds = {program.report["matrices"][n]["kind"] for n in spill["matrices"]}
    assert kinds >= {"circulant" if name == "circulant" else "hcgs"}
    resident = program.report["totals"]["resident_bytes"]
    assert resident + spill["buffer_bytes"] <= int(share * bytes_)
    assert resident + spill["bytes"] == bytes_
    assert len(spill["matrices"]) < spill["parts"]
    # The whole's indices and those of the parts.
    index, parts = (len(oracle.read(bytes(p)).index) for p in (whole, program))
    assert parts == index == 0 if name == "circulant" else parts > index

    assert_same_results(program, whole, 128)
    counts = {}
    for steps in (1, 48, 288):
        program.run({"x": np.zeros((steps, 1, 128), np.float32)})
        counts[steps] = program.stats["cycles"]
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == counts[1]
    assert estimate["cycles_per_step"] == (counts[288] - counts[48]) / 240


@pytest.mark.parametrize("schedule", ["auto", "sequential", "intergate", "unfolded"])
@pytest.mark.parametrize("name", ["by columns", "circulant"])
def test_compressed_matrices_with_other_schedules(tmp_path, name, schedule):
    model = make_model(64, 2)
    whole = compile_small(name, model, "generic", schedule=schedule)
    bytes_ = whole.report["totals"]["weight_bytes"]
    target = make_target(tmp_path, int(0.8 * bytes_))
    program = compile_small(name, model, target, schedule=schedule)
    assert program.report["spill"]["matrices"]
    assert_same_results(program, whole, 64)


@pytest.mark.parametrize("schedule", ["auto", "sequential", "unfolded"])
@pytest.mark.parametrize("name", ["by columns", "separate masks", "circulant"])
def test_row_blocks_are_cut(tmp_path, name, schedule):
    """Rows that the schedule handles at once come in parts, too."""
    model = make_model(128)
    whole = compile_small(name, model, "generic", schedule=schedule)
    bytes_ = whole.report["totals"]["weight_bytes"]
    target = make_target(tmp_path, int(0.35 * bytes_))
    program = compile_small(name, model, target, schedule=schedule)
    descriptors = oracle.read(bytes(program)).descriptors
    parts = descriptors[len(program.report["matrices"]) :]
    # Those of the layer, not of the head.
    least = min(part.rows for part in parts if part.rows > 5)
    assert least < descriptors[0].row_block <= 128

    assert_same_results(program, whole, 128)
    counts = {}
    for steps in (1, 48, 288):
        program.run({"x": np.zeros((steps, 1, 128), np.float32)})
        counts[steps] = program.stats["cycles"]
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == counts[1]
    assert estimate["cycles_per_step"] == (counts[288] - counts[48]) / 240


@pytest.mark.parametrize("name", ["by rows", "circulant"])
def test_compressed_matrices_need_buffers_too(tmp_path, name):
    with pytest.raises(hcgs.CompileError, match="bytes over") as error:
        compile_small(name, make_model(64), make_target(tmp_path, 150))
    assert "no width of weights is small enough" in str(error.value)


def test_indices_of_parts_have_to_fit(tmp_path):
    model = make_model(128)
    whole = compile_small("by rows", model, "generic")
    bytes_ = whole.report["totals"]["weight_bytes"]
    index = len(oracle.read(bytes(whole)).index)
    target = make_target(tmp_path, int(0.5 * bytes_), imem=index)
    with pytest.raises(hcgs.CompileError, match="parts of matrices") as error:
        compile_small("by rows", model, target)
    assert "block indices need" in str(error.value)
