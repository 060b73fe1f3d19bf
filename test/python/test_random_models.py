# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmarks' random models: patterns, sizes, determinism, errors."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from hcgs.train import masks

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "models" / "make_random_models.py"


def _run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def _make(path, *arguments):
    done = _run(*arguments, "-o", path)
    assert done.returncode == 0, done.stderr
    model = onnx.load(path)
    onnx.checker.check_model(model)
    return model


def _weights(model):
    found = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    return {name: w for name, w in found.items() if name.endswith((".W", ".R"))}


@pytest.mark.parametrize("balance, kept", [("row", 393_216), ("column", 384_000)])
def test_published_network_has_the_published_number_of_weights(tmp_path, balance, kept):
    """At 6 bits 294,912 and 288,000 bytes."""
    model = _make(
        *(tmp_path / "m.onnx", "--layers", 3, "--hidden", 512, "--inputs", 440),
        *("--tiers", "32x32:25%,4x4:25%", "--balance", balance),
    )
    matrices = _weights(model)
    assert len(matrices) == 6
    assert sum(np.count_nonzero(w) for w in matrices.values()) == kept
    patterns = set()
    for weights in matrices.values():
        nonzero = weights.reshape(4, 512, -1) != 0
        assert (nonzero == nonzero[0]).all()
        masks.check(nonzero[0], masks.HCGS_16X, balance)
        patterns.add(nonzero[0].tobytes())
    assert len(patterns) == 6


def test_named_matrices_stay_dense(tmp_path):
    sizes = ("--layers", 2, "--hidden", 64, "--inputs", 50)
    model = _make(
        tmp_path / "m.onnx", *sizes, "--sparsity", "hcgs", "--dense", "W1", "--dense=R2"
    )
    dense = {name for name, w in _weights(model).items() if w.all()}
    assert dense == {"lstm_1.W", "lstm_2.R"}


def test_weights_look_like_those_of_a_trained_layer(tmp_path):
    sizes = ("--layers", 1, "--hidden", 100, "--inputs", 30)
    for weights in _weights(_make(tmp_path / "m.onnx", *sizes)).values():
        assert weights.all()
        assert 0.09 < np.abs(weights).max() <= 0.1
        assert abs(weights.mean()) < 0.01


def test_equal_arguments_give_equal_bytes_and_seeds_differ(tmp_path):
    sizes = ("--layers", 1, "--hidden", 40, "--inputs", 9, "--head", 3)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        _make(tmp_path / name, *sizes, "--seed", seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_head_gives_outputs_of_its_width(tmp_path):
    sizes = ("--layers", 2, "--hidden", 8, "--inputs", 5, "--head", 3)
    _make(tmp_path / "m.onnx", *sizes)
    session = onnxruntime.InferenceSession(
        tmp_path / "m.onnx", providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": np.ones((4, 2, 5), np.float32)})
    assert y.shape == (4, 2, 3) and np.isfinite(y).all() and y.any()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--hidden", 0), "less than 1"),
        (("--dense", "W9"), "no matrix 'W9'"),
        (("--tiers", "4x4"), "not of the form"),
        (("--sparsity", "none", "--tiers", "4x4:25%"), "no meaning"),
        (("--head", -1), "negative"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, arguments, message):
    done = _run(*arguments, "-o", tmp_path / "m.onnx")
    assert done.returncode == 2 and message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    target = tmp_path / "absent" / "m.onnx"
    done = _run("--hidden", 4, "--inputs", 4, "-o", target)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and f"cannot write {target}" in done.stderr
