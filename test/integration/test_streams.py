# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Batch rows computed together (`streams`) come out as rows computed one by one,
in every bit: random networks with two directions, several layers, initial
states, heads and ragged batches; whole runs, steps in chunks, saved states."""

import equality
import numpy as np
import pytest
import random_networks

import hcgs
from hcgs import oracle

SEEDS = range(24)
COMPARED: dict[int, set[str]] = {}
#: Sound reasons for which a network has no program with several rows.
REASONS = ("streams", "address registers", "over; choose", "it would fit with")


def widen(case, program: hcgs.Program, rows: int) -> dict[str, np.ndarray]:
    """The inputs of a case for so many rows, all different; fewer rows if the
    model has a batch of fixed size."""
    rng = np.random.default_rng(case.seed)
    wide = {}
    for spec in program.inputs:
        array, axis = case.inputs[spec.name], spec.axis("batch")
        if axis is not None and spec.shape[axis] is None:
            array = np.concatenate([array] * -(-rows // array.shape[axis]), axis)
            array = array.take(range(rows), axis)
            array = array * rng.uniform(0.5, 1.0, array.shape).astype(np.float32)
        wide[spec.name] = array
    return wide


def rows_of(program: hcgs.Program, inputs: dict) -> int:
    return max(
        (inputs[s.name].shape[s.axis("batch")] for s in program.inputs
         if s.axis("batch") is not None), default=1,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_together_equal_rows_alone(seed):
    case = random_networks.make(seed)
    streams = 2 + seed % 3
    try:
        alone = case.compile()
        together = hcgs.compile(
            case.model, calibrate=case.calibration, config=case.config or None,
            streams=streams, **case.options,
        )  # fmt: skip
    except hcgs.CompileError as error:
        assert any(reason in str(error) for reason in REASONS), error
        return
    assert together.report["estimate"]["rows"] == streams
    COMPARED[seed] = case.features
    # Two full groups and one that is not, lengths mixed.
    inputs = widen(case, alone, 2 * streams + 1)
    codes = equality.input_codes(oracle.read(bytes(alone)), inputs)
    rows = rows_of(alone, inputs)
    rng = np.random.default_rng(seed)
    for lengths in (None, [case.steps, *rng.integers(1, case.steps + 1, rows - 1).tolist()]):
        wanted = equality.run_all(alone, codes, lengths=lengths, codes=True)
        for options in ({"checked": True}, {"threads": 2}):
            got = equality.run_all(together, codes, lengths=lengths, codes=True, **options)
            equality.assert_equal(f"seed {seed}, lengths {lengths}", got, wanted)
        # The network is described for one row, so the model needs no grouping.
        model = oracle.run_tensors(oracle.read(bytes(together)), codes, lengths, codes=True)
        equality.assert_equal("NumPy model", got, model.outputs)
        assert together.stats["frames"] == alone.stats["frames"]
    assert together.has_step == alone.has_step
    if together.has_step:
        wanted = equality.run_all(alone, codes, codes=True)
        equality.check_steps(together, codes, wanted, (1, 3, case.steps))


def test_enough_was_compared():
    if len(COMPARED) < 10:
        pytest.skip("only some seeds were run")
    assert len(COMPARED) >= 0.6 * len(SEEDS)
    seen = set().union(*COMPARED.values())
    wanted = {"bidirectional", "reverse", "2 layers", "input states", "head", "final states"}
    assert wanted <= seen, wanted - seen


def network(rows_axis="batch", layers=2):
    """Layers of 24 cells on 10 inputs."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(3)
    nodes, constants, value, width = [], [], "x", 10
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    for layer in range(layers):
        for name, shape in {"W": (1, 96, width), "R": (1, 96, 24), "B": (1, 192)}.items():
            array = rng.normal(0, 0.3, shape).astype(np.float32)
            constants.append(numpy_helper.from_array(array, f"{name}{layer}"))
        nodes.append(helper.make_node(
            "LSTM", [value, f"W{layer}", f"R{layer}", f"B{layer}"], [f"Y{layer}"], f"lstm{layer}",
            hidden_size=24))
        value = "y" if layer == layers - 1 else "h"
        nodes.append(helper.make_node("Squeeze", [f"Y{layer}", "axis"], [value], f"squeeze{layer}"))
        width = 24
    tensors = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["time", rows_axis, w])
               for n, w in (("x", 10), ("y", 24))]
    graph = helper.make_graph(nodes, "two", tensors[:1], tensors[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def frames(steps, rows):
    return np.random.default_rng(5).normal(0, 1, (steps, rows, 10)).astype(np.float32)


def test_a_group_takes_less_time_than_its_rows():
    """On a machine with many multipliers the recurrence of one row leaves room
    for others."""
    x = frames(40, 4)
    cycles = {}
    for streams in (1, 4):
        program = hcgs.compile(network(layers=1), target="sharp-1k", streams=streams)
        program.run(x)
        cycles[streams] = program.stats["cycles"]
    assert cycles[4] < 0.6 * cycles[1]


def test_a_saved_state_of_other_rows_is_refused():
    together = hcgs.compile(network(), target="generic", streams=3)
    together.step(frames(2, 4))
    state = together.state
    with pytest.raises(hcgs.SimulationError, match="a row is missing"):
        together.set_state(state[:24] + b"\7" + state[25:])


def test_too_many_rows_are_refused():
    with pytest.raises(hcgs.CompileError, match="--streams=15 at most"):
        hcgs.compile(network(), target="generic", streams=16)
    with pytest.raises(hcgs.Error, match="allowed is 1..64"):
        hcgs.compile(network(), target="generic", streams=65)


def test_a_batch_of_one_row_is_worth_a_remark():
    program = hcgs.compile(network(1), target="generic", streams=2)
    assert any("brings 1 batch row" in remark for remark in program.report["remarks"])
    x = frames(5, 1)
    assert np.array_equal(program.run(x), hcgs.compile(network(1), target="generic").run(x))
