# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package as a user meets it: compile, load, run, step, verify."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs

PACKAGE = Path(hcgs.__file__).resolve().parent


def make_model(batch="batch", direction="forward", states=False, seed=0):
    """x [time, batch, 5] -> y [time, batch, 3], one LSTM of 8 cells and a head;
    with `states` also h0, c0 in and h_n, c_n out."""
    rng = np.random.default_rng(seed)

    def weight(name, *shape):
        return numpy_helper.from_array(rng.normal(0, 0.4, shape).astype(np.float32), name)

    state = ["", "h0", "c0"] if states else []
    inputs = [("x", ["time", batch, 5])]
    outputs = [("y", ["time", batch, 3])]
    if states:
        inputs += [("h0", [1, batch, 8]), ("c0", [1, batch, 8])]
        outputs += [("h_n", [1, batch, 8]), ("c_n", [1, batch, 8])]
    graph = helper.make_graph(
        [
            helper.make_node(
                "LSTM", ["x", "W", "R", "B", *state],
                ["Y", "h_n", "c_n"] if states else ["Y"],
                name="lstm", hidden_size=8, direction=direction,
            ),
            helper.make_node("Squeeze", ["Y", "axis"], ["h"], name="squeeze"),
            helper.make_node("MatMul", ["h", "F"], ["m"], name="fc"),
            helper.make_node("Add", ["m", "b"], ["y"], name="add"),
        ],
        "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, d) for n, d in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, d) for n, d in outputs],
        [
            weight("W", 1, 32, 5), weight("R", 1, 32, 8), weight("B", 1, 64),
            weight("F", 8, 3), weight("b", 3),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def data(steps=7, rows=3, seed=1):
    return np.random.default_rng(seed).normal(0, 1, (steps, rows, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def program():
    return hcgs.compile(make_model(), target="generic", calibrate=data(20))


@pytest.fixture(scope="module")
def stateful():
    rng = np.random.default_rng(3)
    calibration = {
        "x": data(20, 2),
        "h0": rng.uniform(-1, 1, (1, 2, 8)).astype(np.float32),
        "c0": rng.uniform(-1, 1, (1, 2, 8)).astype(np.float32),
    }
    return hcgs.compile(make_model(states=True), target="generic", calibrate=calibration)


# ---- compile, load, save --------------------------------------------------


def test_a_model_may_be_a_path_bytes_or_a_proto(tmp_path):
    model = make_model()
    onnx.save(model, tmp_path / "tiny.onnx")
    np.save(tmp_path / "x.npy", data())
    files = [
        hcgs.compile(source, target="generic", calibrate=calibrate)
        for source in (tmp_path / "tiny.onnx", model.SerializeToString(), model)
        for calibrate in (tmp_path / "x.npy", data(), {"x": data()})
    ]
    for other in files[1:]:
        assert other.metadata["network"] == files[0].metadata["network"]
        assert bytes(other) == bytes(files[0])


def test_save_and_load(program, tmp_path):
    program.save(tmp_path / "p.hcgs")
    assert [p.name for p in tmp_path.iterdir()] == ["p.hcgs"]
    assert (tmp_path / "p.hcgs").read_bytes() == bytes(program)
    for source in (tmp_path / "p.hcgs", str(tmp_path / "p.hcgs"), bytes(program)):
        assert (hcgs.load(source).run(data()) == program.run(data())).all()


def test_files_that_cannot_be_read_or_written(program, tmp_path):
    with pytest.raises(hcgs.FileError, match="cannot read program file .*absent.hcgs'") as got:
        hcgs.load(tmp_path / "absent.hcgs")
    with pytest.raises(hcgs.FileError, match="absent.hcgs': No such file"):
        hcgs.oracle.read(tmp_path / "absent.hcgs")
    assert isinstance(got.value, OSError) and isinstance(got.value, hcgs.Error)
    assert got.value.filename == str(tmp_path / "absent.hcgs") and got.value.errno == 2
    for place in (tmp_path, tmp_path / "no" / "p.hcgs"):
        with pytest.raises(hcgs.FileError, match=re.escape(f"cannot write '{place}': ")):
            program.save(place)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_save_leaves_the_old_file(program, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "p.hcgs").write_text("old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(hcgs.FileError, match="p.hcgs': No space left on device"):
        program.save(tmp_path / "p.hcgs")
    assert [p.name for p in tmp_path.iterdir()] == ["p.hcgs"]
    assert (tmp_path / "p.hcgs").read_text() == "old"


@pytest.mark.parametrize(
    "calibrate, message",
    [
        (data()[:, :, :3], r"tiny: .*calibration data: the array for input 'x' has shape"),
        ({"z": data()}, "calibration data: no array for input 'x'; found 'z'"),
        (data() * np.nan, "calibration data: the array for input 'x' holds nan"),
        ({"x": data(), "lengths": ["a"]}, "array 'lengths': holds <U1; give numbers"),
        ([[1.0, 2.0], [3.0]], "calibration data: no array"),
    ],
)
def test_calibration_arrays_are_called_so(calibrate, message):
    """Not by the names of the temporary files that they travel in."""
    with pytest.raises(hcgs.CompileError, match=message) as got:
        hcgs.compile(make_model(), target="generic", calibrate=calibrate)
    assert tempfile.gettempdir() not in str(got.value)


def test_report_names_no_temporary_file():
    report = hcgs.compile(make_model(), target="generic", calibrate=data()).report
    assert report["options"]["calibrate"] == "(array)"


def test_options_reach_the_compiler():
    program = hcgs.compile(
        make_model(), target="generic", calibrate=data(), weight_bits=4,
        weight_encoding="twos", act_bits=11, input_bits=9, gate_bits=10, cell_bits=14,
    )  # fmt: skip
    file = hcgs.oracle.read(bytes(program))
    assert {d.weight_bits for d in file.descriptors} == {4}
    assert {d.encoding for d in file.descriptors} == {"twos"}
    (lstm,) = [v for v in file.meta["network"]["layers"] if v["op"] == "lstm"]
    assert lstm["cell"]["h_bits"] == 11 and lstm["cell"]["c_bits"] == 14
    assert {file.tables[gate["table"]].b for gate in lstm["gates"]} == {10}
    assert program.inputs[0].bits == (9,)


def test_unknown_option():
    with pytest.raises((hcgs.CompileError, TypeError), match="colour"):
        hcgs.compile(make_model(), target="generic", colour="red")


def test_calibration_of_padded_rows():
    """Frames beyond a row's length must not widen any format."""
    x, lengths = data(9, 3), np.array([9, 2, 4])
    padded = x.copy()
    for row, length in enumerate(lengths):
        padded[length:, row] = 1000.0
    given = {"x": padded, "lengths": lengths}
    program = hcgs.compile(make_model(), target="generic", calibrate=given)
    assert program.inputs[0].frac[0] > 5
    loud = hcgs.compile(make_model(), target="generic", calibrate=padded)
    assert loud.inputs[0].frac[0] < 5


def test_report(program):
    assert hcgs.load(bytes(program)).report is None
    assert program.report["totals"]["weight_bytes"] == len(
        hcgs.oracle.read(bytes(program)).weights
    )


def test_disassembly(program):
    short, long = program.disassemble(), program.disassemble(everything=True)
    assert "mvm" in short and "halt" in short and len(long) > len(short)


def test_specs(program, stateful):
    (x,) = program.inputs
    assert (x.name, x.axes, x.shape) == ("x", ("time", "batch", "feature"), (None, None, 5))
    assert x.axis("batch") == 1 and x.axis("layer") is None
    assert [spec.name for spec in stateful.outputs] == ["y", "h_n", "c_n"]
    assert "x[time, batch, 5] -> y[time, batch, 3]" in repr(program)
    assert program.metadata["format"] == "hcgs-program"


# ---- run ------------------------------------------------------------------


def test_run_is_near_the_model(program):
    session = onnxruntime.InferenceSession(
        make_model().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (wanted,) = session.run(None, {"x": data()})
    got = program.run(data())
    assert got.shape == wanted.shape and got.dtype == np.float32
    assert np.abs(got - wanted).max() < 0.2


def test_shapes_of_data(program):
    x = data(9, 3)
    whole = program.run(x)
    assert (program.run({"x": x}) == whole).all()
    assert (program.run(x.astype(np.float64)) == whole).all()
    assert (program.run(np.asfortranarray(x)) == whole).all()
    assert (program.run(x[:, :, ::-1][:, :, ::-1]) == whole).all()
    rows = program.run([x[:, row] for row in range(3)])
    for row in range(3):
        assert (program.run(x[:, row : row + 1])[:, 0] == whole[:, row]).all()
        assert (rows[row] == whole[:, row]).all()


def test_sequences_of_different_lengths(program):
    x, lengths = data(9, 4), [9, 1, 5, 2]
    rows = program.run([x[:n, row] for row, n in enumerate(lengths)])
    padded = program.run(x, lengths)
    for row, n in enumerate(lengths):
        assert rows[row].shape == (n, 3)
        assert (rows[row] == program.run(x[:n, row : row + 1])[:, 0]).all()
        assert (padded[:n, row] == rows[row]).all()
        assert (padded[n:, row] == 0).all()


def test_codes(program):
    (x,), (y,) = program.inputs, program.outputs
    floats = data()
    codes = hcgs.oracle.arithmetic.to_codes(floats, x.bits[0], x.frac[0])
    got = program.run(codes.astype(np.int16), codes=True)
    assert got.dtype == np.int16
    assert (np.ldexp(got.astype(np.float64), -y.frac[0]) == program.run(floats)).all()
    assert (program.run(codes, codes=True) == got).all()


def test_checked_and_threads_change_nothing(program):
    x = data(9, 7)
    assert (program.run(x, checked=True) == program.run(x)).all()
    assert (program.run(x, threads=3) == program.run(x)).all()


def test_stats(program):
    other = program.clone()
    assert other.stats == {}
    other.run(data(1, 1))
    one = other.stats
    other.run(data(11, 1))
    eleven = other.stats
    file = hcgs.oracle.read(bytes(program))
    macs = sum(d.gates * d.rows * d.cols for d in file.descriptors)
    assert one["macs"] == macs and eleven["macs"] == 11 * macs
    assert 0 < one["cycles"] < eleven["cycles"]
    json.dumps(eleven)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((3, 5), np.float32), r"shape \[3, 5\]"),
        (np.zeros((3, 1, 4), np.float32), r"shape \[3, 1, 4\]"),
        (np.zeros((0, 1, 5), np.float32), "empty"),
        (np.full((2, 1, 5), np.nan, np.float32), "NaN"),
        (np.zeros((2, 1, 5), np.int32), "codes=True"),
        (np.zeros((2, 1, 5), bool), "bool"),
        ({"z": np.zeros((2, 1, 5), np.float32)}, "needed are x"),
        ([], "empty"),
        ([np.zeros((2, 1, 5), np.float32)], "without its batch axis"),
    ],
)
def test_data_that_do_not_fit(program, x, message):
    with pytest.raises(hcgs.InputError, match=message):
        program.run(x)


@pytest.mark.parametrize("lengths", [[1], [0, 1, 2], [8, 1, 1], 7, ["a", 1, 2], [1.5, 1, 1]])
def test_lengths_that_do_not_fit(program, lengths):
    with pytest.raises(hcgs.InputError, match="length"):
        program.run(data(7, 3), lengths)
    with pytest.raises(hcgs.InputError, match="length"):
        hcgs.verify(program, make_model(), data(7, 3), lengths)


def test_inputs_that_do_not_fit_each_other(stateful):
    state = np.zeros((1, 2, 8), np.float32)
    with pytest.raises(hcgs.InputError, match="batch axis: 'x' has 3, 'h0' has 2"):
        stateful.run({"x": data(4, 3), "h0": state, "c0": state})


@pytest.mark.parametrize("code", [-4097, 4096, 1 << 40])
def test_codes_that_do_not_fit(program, code):
    with pytest.raises(hcgs.InputError, match=rf"code {code}, allowed are -4096\.\.4095"):
        program.run(np.full((3, 1, 5), code), codes=True)


@pytest.mark.parametrize("threads", [0, -1, "two"])
def test_threads_that_make_no_sense(program, threads):
    with pytest.raises(hcgs.InputError, match="threads"):
        program.run(data(), threads=threads)


# ---- step, reset, state ---------------------------------------------------


def test_steps_equal_run(program):
    other, x = program.clone(), data(9, 2)
    whole = other.run(x)
    other.reset()
    parts = [other.step(x[:4]), other.step(x[4:5]), other.step(x[5:])]
    assert (np.concatenate(parts) == whole).all()


def test_the_first_step_resets_by_itself(program):
    other, x = program.clone(), data(4, 2)
    assert (other.step(x) == other.run(x)).all()


def test_state_is_saved_and_restored(program):
    other, x = program.clone(), data(6, 2)
    whole = other.run(x)
    other.reset()
    other.step(x[:3])
    saved = other.state
    third = program.clone()
    other.step(x[:2])
    for user in (other, third):
        user.set_state(saved)
        assert (user.step(x[3:]) == whole[3:]).all()
    assert third.state != saved


def test_state_of_another_program(program, stateful):
    other = program.clone()
    other.step(data(1, 1))
    with pytest.raises(hcgs.SimulationError):
        stateful.clone().set_state(other.state)
    with pytest.raises(hcgs.SimulationError):
        program.clone().set_state(b"nonsense")


def test_states_as_inputs_and_outputs(stateful):
    rng = np.random.default_rng(9)
    states = {n: rng.uniform(-1, 1, (1, 2, 8)).astype(np.float32) for n in ("h0", "c0")}
    x = data(6, 2)
    whole = stateful.run({"x": x, **states})
    assert list(whole) == ["y", "h_n", "c_n"]
    first = stateful.run({"x": x[:4], **states})
    second = stateful.run({"x": x[4:], "h0": first["h_n"], "c0": first["c_n"]})
    assert (np.concatenate([first["y"], second["y"]]) == whole["y"]).all()
    assert (second["c_n"] == whole["c_n"]).all()
    ragged = stateful.run(
        {"x": [x[:, 0], x[:2, 1]], **states}
    )
    assert (ragged["h_n"][0] == whole["h_n"][:, 0]).all()
    assert ragged["y"][1].shape == (2, 3)


def test_reverse_has_no_step():
    program = hcgs.compile(
        make_model(direction="reverse"), target="generic", calibrate=data()
    )
    assert not program.has_step
    with pytest.raises(hcgs.SimulationError, match="reverse"):
        program.step(data())


def test_clones_on_threads_do_not_meet(program):
    inputs = [data(30, 2, seed) for seed in range(6)]
    wanted = [program.run(x) for x in inputs]
    results: dict[int, list] = {}

    def work(number: int) -> None:
        user = program.clone()
        results[number] = [user.run(inputs[number]) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, outputs in results.items():
        assert all((output == wanted[number]).all() for output in outputs)


# ---- verify ---------------------------------------------------------------


def test_verify(program):
    found = hcgs.verify(program, make_model(), data(9, 4), [9, 3, 1, 9], oracle=True)
    assert found.bit_exact and found.mismatch is None
    assert (found.rows, found.frames) == (4, 22)
    assert found.sqnr_db > 15 and found.outputs["y"].divergence is None
    assert 0.7 < found.outputs["y"].agreement <= 1
    assert "every bit" in str(found) and "SQNR" in str(found)


def test_verify_numbers_by_hand(program):
    x = data(5, 2)
    found = hcgs.verify(program, make_model().SerializeToString(), x).outputs["y"]
    session = onnxruntime.InferenceSession(
        make_model().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    ref = session.run(None, {"x": x})[0].astype(np.float64)
    out = program.run(x).astype(np.float64)
    sqnr = 10 * np.log10((ref**2).sum() / ((ref - out) ** 2).sum())
    assert found.sqnr_db == pytest.approx(sqnr)
    assert found.max_error == pytest.approx(np.abs(ref - out).max())
    assert found.agreement == (ref.argmax(-1) == out.argmax(-1)).mean()
    mean = ref.mean(0).argmax(-1) == out.mean(0).argmax(-1)
    assert found.sequence_agreement == mean.mean()


def test_verify_finds_the_first_diverging_step(program):
    """Against a model with other weights the outputs part at once; against
    the same model, at a step whose input was made extreme."""
    found = hcgs.verify(program, make_model(seed=5), data(6, 2))
    assert found.outputs["y"].divergence.step == 0
    x = data(6, 3)
    x[4, 1] *= 40  # far beyond what calibration saw: the input saturates
    divergence = hcgs.verify(program, make_model(), x, threshold=0.2).outputs["y"].divergence
    assert (divergence.row, divergence.step) == (1, 4)


def test_verify_reports_a_difference_from_the_numpy_model(program, monkeypatch):
    honest = hcgs.oracle.run_tensors

    def tampered(*args, **kwargs):
        run = honest(*args, **kwargs)
        run.outputs["y"][2, 1, 0] += 1
        return run

    monkeypatch.setattr(hcgs.oracle, "run_tensors", tampered)
    found = hcgs.verify(program, make_model(), data(5, 2), oracle=True)
    assert found.bit_exact is False
    assert "'y' at (2, 1, 0)" in found.mismatch and "(1 differ)" in found.mismatch
    assert "differs from the NumPy model" in str(found)


def test_verify_takes_program_files(program, tmp_path):
    program.save(tmp_path / "p.hcgs")
    wanted = hcgs.verify(program, make_model(), data())
    for source in (tmp_path / "p.hcgs", str(tmp_path / "p.hcgs"), bytes(program)):
        assert hcgs.verify(source, make_model(), data()) == wanted
    with pytest.raises(hcgs.FileError, match="absent"):
        hcgs.verify("absent.hcgs", make_model(), data())


def test_verify_takes_lengths_or_a_list_of_sequences(program):
    x, lengths = data(9, 4), [9, 1, 5, 2]
    rows = [x[:n, row] for row, n in enumerate(lengths)]
    wanted = hcgs.verify(program, make_model(), x, lengths)
    assert hcgs.verify(program, make_model(), rows) == wanted
    with pytest.raises(hcgs.InputError, match="lengths follow from a list of sequences"):
        hcgs.verify(program, make_model(), rows, lengths=[1, 1, 1, 1])


def test_verify_refuses_another_model(program):
    with pytest.raises(hcgs.Error):
        hcgs.verify(program, b"no model", data())


def test_verify_refuses_a_model_of_other_inputs(program):
    model = onnx.load_model_from_string(make_model().SerializeToString())
    model.graph.input[0].name = model.graph.node[0].input[0] = "z"
    with pytest.raises(hcgs.Error, match="input 'z'|compiled from"):
        hcgs.verify(program, model, data())


def test_a_program_is_no_path():
    with pytest.raises(TypeError, match="use hcgs.load"):
        hcgs.Program("out.hcgs")


# ---- the package itself ---------------------------------------------------


def test_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
    stub = Path(hcgs.__path__[0]) / "_hcgs.pyi"
    assert "class Runner" in stub.read_text()


def test_oracle_and_train_work_without_the_extension(tmp_path):
    (tmp_path / "hcgs").symlink_to(PACKAGE)
    code = (
        "import hcgs, hcgs.oracle, hcgs.train\n"
        "try:\n    hcgs.load\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not built" in done.stdout
