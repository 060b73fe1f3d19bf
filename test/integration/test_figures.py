# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Promises with numbers: the speech model, and the published network's size."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import hcgs
from hcgs import oracle

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "japanese_vowels"
sys.path.insert(0, str(EXAMPLE))
import data  # noqa: E402

MODELS = ROOT / "benchmarks" / "models" / "make_random_models.py"


@pytest.fixture(scope="module")
def speech():
    """The committed 16x model with 6-bit weights and 13-bit activations, and
    its outputs for all 370 test utterances."""
    model = EXAMPLE / "japanese_vowels_16x.onnx"
    program = hcgs.compile(model, target="hcgs-65nm", calibrate=EXAMPLE / "calibration.npz")
    utterances, labels = data.load("test")
    return model, program, utterances, labels, program.run(utterances, checked=True)


def test_all_utterances_equal_the_numpy_model(speech):
    _, program, utterances, _, outputs = speech
    file = oracle.read(bytes(program))
    lengths = [len(u) for u in utterances]
    batch = np.zeros((len(utterances), max(lengths), 12), np.float32)
    for row, utterance in enumerate(utterances):
        batch[row, : len(utterance)] = utterance
    model = oracle.run_tensors(file, {program.inputs[0].name: batch}, lengths)
    wanted = model.outputs[program.outputs[0].name]
    assert model.risks == 0 and len(outputs) == 370
    for row, length in enumerate(lengths):
        assert (outputs[row] == wanted[row, :length]).all(), f"utterance {row}"


def test_accuracy_and_sqnr(speech):
    model, _, utterances, labels, outputs = speech
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    fp32 = np.stack([session.run(None, {name: u[None]})[0][0].mean(0) for u in utterances])
    ours = np.stack([frames.mean(0) for frames in outputs])
    right = [np.mean(scores.argmax(1) == labels) for scores in (fp32, ours)]
    assert abs(right[0] - right[1]) <= 0.01
    sqnr = 10 * np.log10((fp32**2).sum() / ((fp32 - ours) ** 2).sum())
    assert sqnr >= 27.0


def test_step_equals_run_on_speech(speech):
    _, program, utterances, _, outputs = speech
    user = program.clone()
    for row in range(5):
        x = utterances[row][None]
        for size in range(1, x.shape[1] + 1):
            user.reset()
            parts = [user.step(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
            assert (np.concatenate(parts, axis=1)[0] == outputs[row]).all(), size


def published_network(folder: Path, balance: str) -> Path:
    """3 layers of 512 cells, 440 inputs, 32/4 blocks at 25 % each."""
    path = folder / f"{balance}.onnx"
    subprocess.run(
        [sys.executable, MODELS, "--layers=3", "--hidden=512", "--inputs=440",
         "--tiers=32x32:25%,4x4:25%", f"--balance={balance}", "--seed=1", "-o", path],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def test_column_balanced_published_network_fits_exactly(tmp_path):
    program = hcgs.compile(published_network(tmp_path, "column"), target="hcgs-65nm")
    file = oracle.read(bytes(program))
    stored = sum(d.weight_bytes for d in file.descriptors)
    assert stored == 288_000 and len(file.weights) == 288_000
    assert len(file.index) <= 0.01 * stored
    x = np.random.default_rng(0).uniform(-1, 1, (3, 1, 440)).astype(np.float32)
    model = oracle.run_tensors(file, {program.inputs[0].name: x})
    assert (program.run(x, checked=True) == model.outputs[program.outputs[0].name]).all()


def test_row_balanced_published_network_is_refused(tmp_path):
    path = published_network(tmp_path, "row")
    with pytest.raises(hcgs.CompileError, match=r"6[,_ ]?912"):
        hcgs.compile(path, target="hcgs-65nm")
    program = hcgs.compile(path, target="generic")
    assert len(oracle.read(bytes(program)).weights) == 294_912
