# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The search over widths: against exhaustive search, on made-up noises and on
compiled networks; its state file, its budgets, its results."""

import itertools
import json
import math
import os
import random
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_package import data, make_model

import hcgs
import hcgs.search.widths as widths_module
from hcgs.cli import main
from hcgs.datasets import Dataset
from hcgs.search.algorithm import (
    Budget,
    BudgetError,
    Measurement,
    Search,
    Variable,
)
from hcgs.search.journal import Journal
from hcgs.verify import Comparison

# ---- the algorithm, on made-up noises -----------------------------------------


def made_up(seed: int, count: int = 4, widths: int = 5):
    """Variables whose noises nearly add up: every pair of neighbours adds to
    each other's, and each assignment is off by half a decibel of its own."""
    rng = random.Random(seed)
    variables = [
        Variable(
            f"v{i}",
            (f"layer{i}", "", "weight-bits"),
            tuple(range(4, 4 + widths)),
            rng.choice([100, 400, 1000, 3000]) * rng.uniform(0.5, 1.5),
        )
        for i in range(count)
    ]
    gains = [rng.uniform(1e-3, 1) for _ in variables]

    def measure(assignment):
        each = [gain * 4.0**-width for gain, width in zip(gains, assignment)]
        noise = 1e-5 + sum(each)
        noise += 0.3 * sum(math.sqrt(a * b) for a, b in zip(each, each[1:]))
        noise *= 10 ** (random.Random(f"{seed}{assignment}").gauss(0, 0.5) / 10)
        return Measurement(assignment, noise)

    return variables, measure


def exhaustive(variables, measure) -> list[Measurement]:
    return [measure(w) for w in itertools.product(*(v.widths for v in variables))]


def gap_db(search: Search, found: Measurement, everything: list[Measurement]) -> float:
    """How much more SQNR exhaustive search finds for no more cost."""
    cost = search.cost(found.widths)
    best = max(m.sqnr_db for m in everything if search.cost(m.widths) <= cost + 1e-9)
    return best - found.sqnr_db


@pytest.mark.parametrize("db", [20, 25, 30, 35])
def test_within_a_decibel_of_exhaustive_search(db):
    budget, cheapest, measured = Budget("sqnr", db), 0, []
    for seed in range(30):
        variables, measure = made_up(seed)
        everything = exhaustive(variables, measure)
        inside = [m for m in everything if budget.met(m)]
        search = Search(variables, measure, budget)
        if not inside:
            with pytest.raises(BudgetError):
                search.run()
            continue
        outcome = search.run()
        assert budget.met(outcome.best.found)
        assert gap_db(search, outcome.best.found, everything) <= 1.0, seed
        least = min(search.cost(m.widths) for m in inside)
        assert outcome.best.cost <= 1.25 * least, seed
        cheapest += outcome.best.cost <= least * (1 + 1e-9)
        measured.append(len(outcome.trials))
    assert cheapest >= 0.85 * len(measured) > 0
    assert np.mean(measured) < 40  # of 625


def test_best_is_the_cheapest_that_was_measured_within():
    variables, measure = made_up(3)
    budget = Budget("sqnr", 28)
    outcome = Search(variables, measure, budget).run()
    inside = [t for t in outcome.trials if t.found.sqnr_db >= 28]
    assert outcome.best.cost == min(t.cost for t in inside)
    assert [t.number for t in outcome.trials] == list(range(1, len(outcome.trials) + 1))
    assert len({t.found.widths for t in outcome.trials}) == len(outcome.trials)
    assert all(t.met == (t.found.sqnr_db >= 28) for t in outcome.trials)


def test_accuracy_budget():
    """A step function of the noise, with ties."""
    variables, noise = made_up(5)

    def measure(assignment):
        found = noise(assignment)
        accuracy = min(0.95, round(0.4 + found.sqnr_db / 50, 2))
        return Measurement(assignment, found.noise, accuracy)

    budget = Budget("accuracy", 0.9)
    outcome = Search(variables, measure, budget).run()
    assert outcome.best.found.accuracy >= 0.9
    least = min(
        sum(v.cost * w for v, w in zip(variables, m.widths))
        for m in exhaustive(variables, measure)
        if m.accuracy >= 0.9
    )
    assert outcome.best.cost <= 1.1 * least


def test_budget_that_nothing_meets_says_what_was_best():
    variables, measure = made_up(1)
    with pytest.raises(
        BudgetError, match=r"no widths give 80.00 dB; the best of the \d+"
    ) as got:
        Search(variables, measure, Budget("sqnr", 80)).run()
    best = got.value.best
    assert f"{best.sqnr_db:.2f} dB" in str(got.value)
    assert f"v2 {best.widths[2]}" in str(got.value)


def test_widths_that_do_not_compile():
    """A target without room for wide weights: the search starts at a widest
    assignment that compiles, and never returns one that does not."""
    variables, noise = made_up(7)

    def measure(assignment):
        if sum(assignment) > 26:
            return Measurement(assignment, None, error="does not fit")
        return noise(assignment)

    outcome = Search(variables, measure, Budget("sqnr", 24)).run()
    widest = outcome.base.found.widths
    assert sum(widest) == 26 and min(widest) >= 6  # none can be wider
    assert outcome.best.found.noise is not None and sum(outcome.best.found.widths) <= 26
    with pytest.raises(BudgetError, match="no widths compile; at the widest: full"):
        Search(
            variables, lambda w: Measurement(w, None, error="full"), Budget("sqnr", 1)
        ).run()


def weights_and_values(room):
    """One variable of weights and two of values, whose noises add up; `room` says
    which widths compile."""
    variables = [
        Variable("w", ("l", "", "weight-bits"), tuple(range(2, 9)), 1000),
        Variable("a", ("l", "", "act-bits"), tuple(range(8, 17)), 100),
        Variable("c", ("l", "", "cell-bits"), tuple(range(8, 17)), 100),
    ]

    def measure(assignment):
        w, a, c = assignment
        if not room(w, a, c):
            return Measurement(assignment, None, error="does not fit")
        return Measurement(
            assignment, 1e-3 * 4.0**-w + 4.0 ** -(a + 1) + 4.0 ** -(c + 1)
        )

    return variables, measure


@pytest.mark.parametrize(
    "room, widest",
    [
        (lambda w, a, c: w <= 6, (6, 16, 16)),
        (lambda w, a, c: max(a, c) <= 13, (8, 13, 13)),
        (lambda w, a, c: a <= 11, (8, 11, 16)),
        (lambda w, a, c: w <= 6 and a <= 14, (6, 14, 16)),
        # Accumulators: narrow values lose less than narrow weights.
        (lambda w, a, c: w + a <= 19, (8, 11, 16)),
        (lambda w, a, c: (w, a, c) == (2, 8, 8), (2, 8, 8)),
    ],
)
def test_the_widest_start_is_a_maximal_one(room, widest):
    """What does not fit narrows its own kind, not all widths down to one limit."""
    variables, measure = weights_and_values(room)
    outcome = Search(variables, measure, Budget("sqnr", 10)).run()
    assert outcome.base.found.widths == widest
    for place, variable in enumerate(variables):
        wider = [*widest]
        wider[place] += 1
        assert wider[place] not in variable.widths or not room(*wider)


def test_a_budget_that_needs_wide_values_beside_narrow_weights():
    variables, measure = weights_and_values(lambda w, a, c: w <= 6)
    narrow = measure((6, 8, 8)).sqnr_db
    budget = Budget("sqnr", measure((6, 16, 16)).sqnr_db - 1)
    assert narrow < budget.value
    search = Search(variables, measure, budget)
    outcome = search.run()
    inside = [m for m in exhaustive_that_compile(variables, measure) if budget.met(m)]
    assert outcome.best.cost == min(search.cost(m.widths) for m in inside)


def exhaustive_that_compile(variables, measure) -> list[Measurement]:
    return [m for m in exhaustive(variables, measure) if m.noise is not None]


def test_a_limit_of_trials_is_kept():
    variables, measure = made_up(2)
    outcome = Search(variables, measure, Budget("sqnr", 20), max_trials=6).run()
    assert len(outcome.trials) <= 6 and outcome.best.met


def test_noiseless_networks():
    variables, _ = made_up(2)
    outcome = Search(variables, lambda w: Measurement(w, 0.0), Budget("sqnr", 90)).run()
    assert outcome.best.found.widths == (4, 4, 4, 4)


# ---- the state file ---------------------------------------------------------


def test_journal_keeps_what_it_was_told(tmp_path):
    path = tmp_path / "state"
    first = Journal(path, "key", ["a", "b"])
    told = [
        Measurement((4, 5), 0.001, 0.9, 0.8),
        Measurement((3, 5), None, error="does not fit"),
        Measurement((8, 8), 0.0),
    ]
    for one in told:
        first.add(one)
    first.close()
    again = Journal(path, "key", ["a", "b"])
    assert again.known == {one.widths: one for one in told}
    again.close()


def test_journal_drops_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "state"
    journal = Journal(path, "key", ["a"])
    journal.add(Measurement((4,), 0.5))
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"widths": [5], "noi')
    journal = Journal(path, "key", ["a"])
    assert set(journal.known) == {(4,)}
    journal.add(Measurement((5,), 0.25))
    journal.close()
    assert path.read_bytes().startswith(whole)
    journal = Journal(path, "key", ["a"])
    assert set(journal.known) == {(4,), (5,)}
    journal.close()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"hello", "no state of a search"),
        (b"hello\n", "no line of a search's state"),
        (b'{"format": "other"}\n', "no state of a search"),
        (b"\x00\xff\n\n", "no line of a search's state"),
    ],
)
def test_journal_leaves_other_files_alone(tmp_path, content, message):
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(hcgs.InputError, match=message):
        Journal(path, "key", ["a"])
    assert path.read_bytes() == content


def test_journal_of_another_search(tmp_path):
    Journal(tmp_path / "state", "key", ["a"]).close()
    for key, names in (("other", ["a"]), ("key", ["b"])):
        with pytest.raises(hcgs.InputError, match="the state of another search"):
            Journal(tmp_path / "state", key, names)
    with pytest.raises(hcgs.FileError, match="use state file"):
        Journal(tmp_path / "no" / "state", "key", ["a"])


# ---- compiled networks ------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def each_program_is_compiled_once():
    """Searches of this module with other budgets compile much the same."""
    made: dict[str, hcgs.Program | hcgs.CompileError] = {}

    def once(model, **options):
        key = repr((os.fspath(model), sorted(options.items(), key=lambda o: o[0])))
        if not isinstance(options["calibrate"], str):  # arrays have no short key
            return hcgs.compile(model, **options)
        if key not in made:
            try:
                made[key] = hcgs.compile(model, **options)
            except hcgs.CompileError as error:
                made[key] = error
        if isinstance(made[key], hcgs.CompileError):
            raise made[key]
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(widths_module, "compile", once)
        yield once


def two_layers(seed: int = 4) -> onnx.ModelProto:
    """x [time, batch, 6] -> y [time, batch, 5]: two LSTMs of 12 cells, a head."""
    rng = np.random.default_rng(seed)
    tensors, nodes, width, name = [], [], 6, "x"

    def tensor(key, *shape):
        values = rng.normal(0, 0.45, shape).astype(np.float32)
        tensors.append(numpy_helper.from_array(values, key))
        return key

    for k in range(2):
        inputs = [
            name,
            tensor(f"W{k}", 1, 48, width),
            tensor(f"R{k}", 1, 48, 12),
            tensor(f"B{k}", 1, 96),
        ]
        nodes.append(
            helper.make_node("LSTM", inputs, [f"Y{k}"], name=f"lstm{k}", hidden_size=12)
        )
        nodes.append(
            helper.make_node("Squeeze", [f"Y{k}", "one"], [f"h{k}"], name=f"squeeze{k}")
        )
        name, width = f"h{k}", 12
    nodes.append(
        helper.make_node("MatMul", [name, tensor("F", 12, 5)], ["m"], name="head")
    )
    nodes.append(helper.make_node("Add", ["m", tensor("b", 5)], ["y"], name="bias"))
    tensors.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
    graph = helper.make_graph(
        nodes, "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", 5])],
        tensors,
    )  # fmt: skip
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def two_layer_data(rows: int = 6) -> np.ndarray:
    return np.random.default_rng(8).normal(0, 1, (15, rows, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Model and data on disk, with the classes that the float model chooses."""
    folder = tmp_path_factory.mktemp("search")
    onnx.save(two_layers(), folder / "two.onnx")
    x = two_layer_data(24)
    program = hcgs.compile(two_layers(), target="generic", calibrate=x)
    frames = Comparison(program, two_layers(), x).frames["y"]
    labels = np.array([row.mean((0, 1)).argmax() for row in frames])
    np.savez(folder / "x.npz", x=x)
    np.savez(folder / "labelled.npz", x=x, labels=labels)
    return folder


def search(files, **arguments):
    arguments = {"target": "generic", "vary": ["weights"], **arguments}
    return hcgs.search_widths(files / "two.onnx", files / "x.npz", **arguments)


LAYERS, BITS = ("lstm0", "lstm1", "head"), range(3, 8)


@pytest.fixture(scope="module")
def all_widths(files, each_program_is_compiled_once):
    """SQNR of every assignment of weights to the three layers: 125 programs."""
    same = {"target": "generic", "calibrate": str(files / "x.npz")}
    model = files / "two.onnx"
    first = each_program_is_compiled_once(model, config=None, **same)
    comparison = Comparison(first, model, two_layer_data(24))
    found = {}
    for bits in itertools.product(BITS, repeat=3):
        config = {"layers": {n: {"weight-bits": b} for n, b in zip(LAYERS, bits)}}
        program = each_program_is_compiled_once(model, config=config, **same)
        found[bits] = comparison.of(program).sqnr_db
    return found


@pytest.mark.parametrize("db", [16.0, 19.0, 23.0])
def test_compiled_network_within_a_decibel_of_exhaustive_search(files, all_widths, db):
    found = search(files, sqnr=db, weight_bits=BITS)
    assert [v.key for v in found.variables] == [(n, "", "weight-bits") for n in LAYERS]

    def cost(bits):
        return sum(v.cost * b for v, b in zip(found.variables, bits))

    best = found.best
    assert best.found.sqnr_db == pytest.approx(all_widths[best.found.widths])
    assert best.cost == pytest.approx(cost(best.found.widths))
    assert best.found.sqnr_db >= db
    same_cost = [q for bits, q in all_widths.items() if cost(bits) <= best.cost + 1e-9]
    assert max(same_cost) - best.found.sqnr_db <= 1.0
    assert (
        best.cost <= min(cost(b) for b, q in all_widths.items() if q >= db + 1.0) + 1e-9
    )
    assert len(found.trials) < 50


CHOICES = [(3, 5, 7), (8, 11, 14), (8, 11, 14)]  # weights, act, cell


@pytest.fixture(scope="module")
def one_lstm(tmp_path_factory, each_program_is_compiled_once):
    """A folder with an LSTM of 8 cells and its data, and the SQNR of every
    assignment of CHOICES: 27 programs."""
    folder = tmp_path_factory.mktemp("lstm")
    model = make_model()
    del model.graph.node[2:]
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("h", TensorProto.FLOAT, ["time", "batch", 8])
    )
    onnx.save(model, folder / "lstm.onnx")
    np.save(folder / "x.npy", data(15, 8))
    same = {"target": "generic", "calibrate": str(folder / "x.npy")}
    comparison, found = None, {}
    for bits in itertools.product(*CHOICES):
        layer = dict(zip(("weight-bits", "act-bits", "cell-bits"), bits))
        program = each_program_is_compiled_once(
            folder / "lstm.onnx", config={"layers": {"lstm": layer}}, **same
        )
        comparison = comparison or Comparison(program, model, data(15, 8))
        found[bits] = comparison.of(program).sqnr_db
    return folder, found


@pytest.mark.parametrize("db", [16, 22, 28, 33])
def test_weights_and_values_within_a_decibel_of_exhaustive_search(one_lstm, db):
    """Weights x values x cell of a compiled LSTM, every assignment of which was
    compiled and run, with values that weigh about as much as weights."""
    folder, everything = one_lstm
    found = hcgs.search_widths(
        folder / "lstm.onnx", folder / "x.npy", sqnr=db, target="generic",
        vary=["weights", "act", "cell"], weight_bits=CHOICES[0],
        value_bits=CHOICES[1], activation_weight=10,
    )  # fmt: skip
    assert [v.key[2] for v in found.variables] == [
        "weight-bits", "act-bits", "cell-bits",
    ]  # fmt: skip
    assert [v.widths for v in found.variables] == CHOICES

    def cost(widths):
        return sum(v.cost * w for v, w in zip(found.variables, widths))

    best = found.best
    assert best.found.sqnr_db == pytest.approx(everything[best.found.widths])
    assert best.found.sqnr_db >= db
    no_dearer = [q for w, q in everything.items() if cost(w) <= best.cost + 1e-9]
    assert max(no_dearer) - best.found.sqnr_db <= 1.0
    assert (
        best.cost <= min(cost(w) for w, q in everything.items() if q >= db + 1) + 1e-9
    )
    assert len(found.trials) < len(everything)


def test_costs_are_the_bytes_of_the_image(files):
    found = search(files, sqnr=20, weight_bits=BITS)
    program = hcgs.compile(
        files / "two.onnx",
        target="generic",
        calibrate=files / "x.npz",
        config=found.config,
    )
    assert found.best.cost == pytest.approx(
        program.report["totals"]["weight_bytes"], abs=8
    )


def test_the_configuration_reproduces_the_result(files, tmp_path):
    found = search(
        files, sqnr=22, vary=["weights", "act", "gate", "cell", "input"], per="matrix",
        weight_bits=[4, 8], value_bits=[9, 13], weight_encoding="twos",
    )  # fmt: skip
    found.save_config(tmp_path / "c.json")
    program = hcgs.compile(
        files / "two.onnx", target="generic", calibrate=files / "x.npz",
        config=tmp_path / "c.json",
    )  # fmt: skip
    again = hcgs.verify(program, files / "two.onnx", np.load(files / "x.npz")["x"])
    assert again.sqnr_db == pytest.approx(found.best.found.sqnr_db)
    assert {m["weight_encoding"] for m in program.report["matrices"]} == {"twos"}
    widths = {v.name: w for v, w in zip(found.variables, found.best.found.widths)}
    for matrix in program.report["matrices"]:
        assert matrix["weight_bits"] == widths[f"{matrix['node']} {matrix['matrix']}"]
    assert program.inputs[0].bits == (widths["inputs"],)


@pytest.mark.parametrize(
    "kind, config",
    [
        ("input", {"options": {"input-bits": 9}}),
        ("act", {"options": {"act-bits": 9}, "layers": {"lstm0": {"act-bits": 9}}}),
        ("cell", {"values": {"lstm0.c": {"range-method": "mse"}}}),
        ("weights", {"layers": {"lstm0": {"W": {"weight-bits": 3}}}}),
    ],
)
def test_what_is_varied_has_an_effect(files, kind, config):
    """What the user's configuration says farther away, or about something else,
    does not fix a width: a narrow one measures as another program."""
    found = search(
        files, sqnr=-20, vary=[kind], weight_bits=[3, 8], value_bits=[8, 16],
        config=config, max_trials=3,
    )  # fmt: skip
    noises = [trial.found.noise for trial in found.trials]
    assert len(noises) >= 2 and len(set(noises)) == len(noises), noises


def test_weights_alone_leave_values_at_their_widest(files):
    """`--cost weights` pins the values of --vary, which have defaults of 13 bits."""
    found = search(
        files, sqnr=20, cost="weights", vary=["weights", "act", "gate", "cell"],
        weight_bits=[4, 6, 8], value_bits=[12, 15],
    )  # fmt: skip
    assert {v.key[2] for v in found.variables} == {"weight-bits"}
    for layer in ("lstm0", "lstm1"):
        bits = found.config["layers"][layer]
        assert (bits["act-bits"], bits["gate-bits"], bits["cell-bits"]) == (15, 15, 15)
        assert bits["weight-bits"] in (4, 6, 8)
    assert found.config["layers"]["head"]["act-bits"] == 15
    program = hcgs.compile(
        files / "two.onnx", target="generic", calibrate=files / "x.npz",
        config=found.config,
    )  # fmt: skip
    bits = {v["name"]: v["bits"] for v in program.metadata["network"]["values"]}
    assert program.outputs[0].bits == (15,), bits
    again = hcgs.verify(program, files / "two.onnx", two_layer_data(24))
    assert again.sqnr_db == pytest.approx(found.best.found.sqnr_db)


def test_accuracy_and_agreement(files):
    arguments = dict(target="generic", vary=["weights"])
    by_label = hcgs.search_widths(
        files / "two.onnx", files / "labelled.npz", accuracy=0.9, **arguments
    )
    assert by_label.best.found.accuracy >= 0.9
    # The labels are the float model's choices.
    assert by_label.best.found.accuracy == by_label.best.found.agreement
    by_choice = search(files, agreement=0.9)
    assert by_choice.best.found.agreement >= 0.9
    assert by_choice.best.found.accuracy is None


def test_a_search_goes_on_from_its_state(files, tmp_path):
    seen = []

    def stop(trial, done, planned):
        seen.append(trial)
        if len(seen) == 9:
            raise KeyboardInterrupt

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        search(files, sqnr=22, state=state, progress=stop)
    assert len(state.read_text().splitlines()) == 1 + 9
    before = state.read_bytes()
    whole = search(files, sqnr=22, state=state)
    assert state.read_bytes().startswith(before)
    assert len(state.read_text().splitlines()) == 1 + len(whole.trials)
    fresh = search(files, sqnr=22)
    assert fresh.json() == whole.json()
    # Another budget profits, too; another option is another search.
    lines = len(state.read_text().splitlines())
    other = search(files, sqnr=25, state=state)
    assert len(state.read_text().splitlines()) < lines + len(other.trials)
    with pytest.raises(hcgs.InputError, match="another search"):
        search(files, sqnr=22, state=state, weight_encoding="twos")


@pytest.mark.parametrize("kind", ["file", "folder", "pattern", "array"])
def test_the_state_belongs_to_its_calibration_data(tmp_path, kind):
    """Calibration data of the same name with other contents, which need not
    change the formats of the program that the search starts with."""
    onnx.save(make_model(), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", data(9))
    batches = tmp_path / "batches"
    batches.mkdir()

    def run(last: float) -> None:
        array = data(9)
        array[-1, -1, -1] = last
        np.save(batches / "a.npy", array)
        calibrate = {
            "file": batches / "a.npy",
            "folder": batches,
            "pattern": str(batches / "*.npy"),
            "array": array,
        }[kind]
        hcgs.search_widths(
            tmp_path / "m.onnx", tmp_path / "x.npy", sqnr=-20, target="generic",
            calibrate=calibrate, state=tmp_path / "state", weight_bits=[5, 6],
            vary=["weights"], max_trials=2,
        )  # fmt: skip

    run(0.25)
    run(0.25)
    with pytest.raises(hcgs.InputError, match="another search"):
        run(0.26)


# ---- bad input --------------------------------------------------------------


def test_budget_that_nothing_meets(files, tmp_path):
    with pytest.raises(hcgs.Error, match="no widths give 90.00 dB; the best"):
        search(files, sqnr=90)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "0 budgets given"),
        ({"sqnr": 20, "accuracy": 0.5}, "2 budgets given"),
        ({"accuracy": 0}, "over 0 and up to 1"),
        ({"agreement": 1.5}, "over 0 and up to 1"),
        ({"sqnr": math.nan}, "a number of dB"),
        ({"accuracy": 0.9}, "classes of the rows"),
        ({"sqnr": 20, "vary": ["colour"]}, "cannot vary colour"),
        ({"sqnr": 20, "vary": []}, "cannot vary nothing"),
        ({"sqnr": 20, "per": "gate"}, "per 'gate'"),
        ({"sqnr": 20, "cost": "time"}, "cost 'time'"),
        ({"sqnr": 20, "activation_weight": -1}, "weight of activations"),
        ({"sqnr": 20, "max_trials": 0}, "too few"),
        ({"sqnr": 20, "weight_bits": [6]}, "nothing to choose"),
        ({"sqnr": 20, "target": "hcgs-65nm"}, "nothing to choose.*weights of 6 bits"),
        ({"sqnr": 20, "target": "hcgs-65nm", "weight_bits": [4, 5]}, "takes 6"),
        ({"sqnr": 20, "vary": ["act"], "cost": "weights"}, "needs weights to vary"),
        (
            {"sqnr": 20, "vary": ["input"], "input_bits": 12},
            "option 'input-bits' fixes the width of 'inputs', which is varied",
        ),
        (
            {
                "sqnr": 20,
                "vary": ["input"],
                "config": {"layers": {"lstm0": {"input-bits": 12}}},
            },
            "layers.lstm0.input-bits fixes the width of 'inputs'",
        ),
        (
            {"sqnr": 20, "vary": ["input"], "config": {"values": {"x": {"bits": 12}}}},
            "values.x.bits fixes the width of 'inputs'",
        ),
        (
            {
                "sqnr": 20,
                "vary": ["act"],
                "config": {"values": {"lstm1": {"bits": 12}}},
            },
            "values.lstm1.bits fixes the width of 'lstm1 act'",
        ),
        (
            {
                "sqnr": 20,
                "vary": ["act"],
                "config": {"layers": {"lstm0": {"y": {"bits": 12}}}},
            },
            "layers.lstm0.y.bits fixes the width of 'lstm0 act'",
        ),
        (
            {
                "sqnr": 20,
                "vary": ["cell"],
                "config": {"values": {"lstm0.c": {"bits": 12}}},
            },
            "values.lstm0.c.bits fixes the width of 'lstm0 cell'",
        ),
    ],
)
def test_arguments_that_make_no_sense(files, arguments, message):
    with pytest.raises(hcgs.InputError, match=message):
        search(files, **arguments)


def test_an_agreement_needs_several_features(tmp_path):
    model = make_model()
    for tensor in model.graph.initializer:
        if tensor.name in ("F", "b"):
            array = numpy_helper.to_array(tensor)[..., :1]
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 1
    onnx.save(model, tmp_path / "one.onnx")
    np.save(tmp_path / "x.npy", data(9))
    seen = []
    with pytest.raises(hcgs.InputError, match="output 'y' has only one; ask for"):
        hcgs.search_widths(
            tmp_path / "one.onnx", tmp_path / "x.npy", agreement=0.9,
            target="generic", progress=lambda *trial: seen.append(trial),
        )  # fmt: skip
    assert seen == []


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((5, 2, 6), np.float32), "constant"),
        (np.full((5, 2, 6), 3.5, np.float32), "'x' is 3.5 everywhere"),
        (np.zeros((0, 2, 6), np.float32), "empty"),
    ],
)
def test_data_that_tell_nothing(files, array, message):
    with pytest.raises(hcgs.Error, match=message):
        hcgs.search_widths(
            files / "two.onnx", Dataset({"x": array}), sqnr=20, target="generic",
            calibrate=files / "x.npz",
        )  # fmt: skip


# ---- command line -----------------------------------------------------------


def test_command(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "search", str(files / "two.onnx"), "--data", str(files / "labelled.npz"),
        "--target", "generic", "--vary", "weights", "--weight-bits", "5..8",
        "-O", "weight-encoding=twos", "-o", "widths.json", "--table", "all.json",
    ]  # fmt: skip
    assert main([*arguments, "--budget-sqnr", "24"]) == 0
    said = capsys.readouterr()
    assert "sensitivity 1/" in said.err and "lstm1 weights" in said.out
    table = json.loads((tmp_path / "all.json").read_text())
    assert table["format"] == "hcgs-search" and table["budget"] == {
        "kind": "sqnr",
        "value": 24,
    }
    best = table["tried"][table["best"] - 1]
    assert best["meets"] and best["sqnr_db"] >= 24
    assert best["cost"] == min(t["cost"] for t in table["tried"] if t["meets"])
    for trial in table["tried"]:
        assert (
            f"\n{trial['number']:>{len(str(len(table['tried'])))}}  {trial['phase']}"
            in said.out
        )
    config = json.loads((tmp_path / "widths.json").read_text())
    assert config["options"] == {"weight-encoding": "twos"}
    assert list(config["layers"]) == ["lstm0", "lstm1", "head"]
    # The tool takes the file.
    done = subprocess.run(
        ["hcgs-compile", files / "two.onnx", "--target=generic", "--config=widths.json",
         f"--calibrate={files / 'labelled.npz'}", "-o", "p.hcgs"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # A budget of another kind has no accuracies in the state: that is another search.
    assert main([*arguments, "--budget-accuracy", "0.9"]) == 1
    assert "another search" in capsys.readouterr().err
    assert (
        main([*arguments, "--budget-accuracy", "0.9", "--state", "second", "-q"]) == 0
    )
    assert "accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--budget-sqnr", "90"], "no widths give 90.00 dB"),
        (["--budget-accuracy", "0.9"], "classes of the rows"),
        (["--budget-sqnr", "20", "-o", "no/c.json"], "its folder does not exist"),
        (["--budget-sqnr", "20", "--config", "absent.json"], "absent.json"),
        (["--budget-sqnr", "20", "-O", "weight-bits=5"], "with --weight-bits"),
    ],
)
def test_command_refuses(files, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    fixed = [
        "search", str(files / "two.onnx"), "--data", str(files / "x.npz"), "--target",
        "generic", "--vary", "weights", "--weight-bits", "7,8",
    ]  # fmt: skip
    assert main([*fixed, *arguments]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("hcgs search: error: ") and message in last
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage():
    for arguments in (["--budget-sqnr", "20", "--weight-bits", "1..8"], []):
        done = subprocess.run(
            [sys.executable, "-m", "hcgs", "search", "m.onnx", "--data", "d.npz", *arguments],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 2 and "usage:" in done.stderr


def test_the_package_does_not_need_its_extras(tmp_path):
    """Search and verify work where neither Matplotlib nor Jinja is installed,
    and a report says what is missing."""
    for name in ("matplotlib", "jinja2"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('absent')")
    program = hcgs.compile(make_model(), target="generic", calibrate=data())
    program.save(tmp_path / "p.hcgs")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import hcgs, hcgs.search\n"
        "try:\n    hcgs.report_html('p.hcgs')\n"
        "except hcgs.Error as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "pip install" in done.stdout
