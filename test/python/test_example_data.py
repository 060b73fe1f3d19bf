# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The JapaneseVowels example: its data, its committed models, and whether its
README tells the truth about them."""

import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from hcgs.train import masks

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "japanese_vowels"
KINDS = ("16x", "dense")
HIDDEN = 128


def _load_module():
    spec = importlib.util.spec_from_file_location("vowels_data", EXAMPLE / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


data = _load_module()


def _model(kind):
    return onnx.load(EXAMPLE / f"japanese_vowels_{kind}.onnx")


def _matrices(kind):
    """The LSTM weights of the file, {"W1": [4, 128, columns], "R1": ...}."""
    model = _model(kind)
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    layers = [node for node in model.graph.node if node.op_type == "LSTM"]
    assert len(layers) == 2
    found = {}
    for number, node in enumerate(layers, start=1):
        for kind, name in zip("WR", node.input[1:3]):
            found[f"{kind}{number}"] = stored[name].reshape(4, HIDDEN, -1)
    return found


@pytest.mark.parametrize(
    "split, count, longest, per_speaker",
    [
        ("train", 270, 26, [30] * 9),
        ("test", 370, 29, [31, 35, 88, 44, 29, 24, 40, 50, 29]),
    ],
)
def test_splits_are_those_of_the_data_set(split, count, longest, per_speaker):
    utterances, labels = data.load(split)
    assert len(utterances) == count
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == per_speaker
    lengths = [len(u) for u in utterances]
    assert (min(lengths), max(lengths)) == (7, longest)
    for utterance in utterances:
        assert utterance.dtype == np.float32 and utterance.shape[1] == 12
        assert np.abs(utterance).max() < 2.3


def test_first_training_frame_is_that_of_the_file():
    utterances, labels = data.load("train")
    assert labels[0] == 0 and utterances[0].shape == (20, 12)
    expected = np.array([1.860936, -0.207383, 0.261557], np.float32)
    assert (utterances[0][0, :3] == expected).all()


@pytest.mark.parametrize("split", data.SPLITS)
def test_command_writes_padded_batches(split, tmp_path):
    target, speakers = tmp_path / "batch.npz", tmp_path / "speakers.npy"
    command = [sys.executable, EXAMPLE / "data.py", "--split", split]
    done = subprocess.run(
        [*command, "-o", target, "--labels", speakers],
        check=False,
    )
    assert done.returncode == 0
    utterances, labels = data.load(split)
    assert (np.load(speakers) == labels).all()
    with np.load(target) as written:
        # What hcgs-sim takes, which refuses arrays it does not know.
        assert sorted(written) == ["lengths", "x"]
        x, lengths = written["x"], written["lengths"]
    assert x.dtype == np.float32 and lengths.dtype == np.int64
    assert x.shape == (len(utterances), max(map(len, utterances)), 12)
    for row, length, utterance in zip(x, lengths, utterances):
        assert (row[:length] == utterance).all() and not row[length:].any()


def test_spread_takes_utterances_at_even_distances():
    utterances, labels = data.load("train")
    chosen, speakers = data.spread(utterances, labels, 9)
    assert speakers.tolist() == list(range(9))
    assert [c is u for c, u in zip(chosen, utterances[::30])] == [True] * 9


def test_a_wheel_and_a_folder_serve_as_source(tmp_path):
    installed = importlib.util.find_spec("aeon").submodule_search_locations[0]
    files = Path(installed) / "datasets" / "data" / "JapaneseVowels"
    wheel = tmp_path / "aeon-1.6.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(
            files / "JapaneseVowels_TEST.ts",
            "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts",
        )
    expected = data.load("test")
    for source in (wheel, files):
        utterances, labels = data.load("test", source)
        assert (labels == expected[1]).all()
        assert all((a == b).all() for a, b in zip(utterances, expected[0]))


def test_absent_data_says_what_to_install(tmp_path):
    target = tmp_path / "batch.npz"
    done = subprocess.run(
        [sys.executable, EXAMPLE / "data.py", "--data", tmp_path, "-o", target],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install --no-deps 'aeon==1.6.*'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line, message",
    [
        ("1,2:3,4:1", "line 2: 2 channels found, 12 expected"),
        (":".join(["1,2"] * 11 + ["1"]) + ":1", "different lengths"),
        (":".join(["1,x"] * 12) + ":1", "could not convert"),
        (":".join(["1,nan"] * 12) + ":1", "not finite"),
        (":".join(["1,2"] * 12) + ":10", "speaker 10"),
        ("", "no cases"),
    ],
)
def test_malformed_files_are_refused(line, message):
    with pytest.raises(data.DataError, match=message):
        data.parse_ts(f"@data\n{line}\n", "broken.ts")


@pytest.mark.parametrize("name", ["W1", "R1", "W2", "R2"])
def test_16x_model_obeys_its_pattern(name):
    weights = _matrices("16x")[name]
    kept = weights != 0
    if name == "W1":
        assert kept.all()
        return
    assert (kept == kept[0]).all(), "the gates share one mask"
    masks.check(kept[0], masks.HCGS_16X, "row")
    assert masks.compression(kept[0]) == 16


def test_16x_model_has_its_own_mask_for_each_matrix():
    matrices = _matrices("16x")
    kept = [(matrices[name][0] != 0).tobytes() for name in ("R1", "W2", "R2")]
    assert len(set(kept)) == 3


def test_dense_model_has_no_zeros():
    assert all(weights.all() for weights in _matrices("dense").values())


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_small_float_and_dynamic(kind):
    model = _model(kind)
    onnx.checker.check_model(model)
    assert (EXAMPLE / f"japanese_vowels_{kind}.onnx").stat().st_size < 1_000_000
    (x,), (scores,) = model.graph.input, model.graph.output
    for value, features in ((x, 12), (scores, 9)):
        dims = value.type.tensor_type.shape.dim
        assert [d.dim_param for d in dims] == ["batch", "time", ""]
        assert dims[2].dim_value == features
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("kind", KINDS)
def test_accuracy_is_what_the_readme_states(kind):
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"`japanese_vowels_{kind}\.onnx` \|.*?(\d+) of 370", readme)
    assert row, "README.md states no count of utterances recognised"
    session = onnxruntime.InferenceSession(
        EXAMPLE / f"japanese_vowels_{kind}.onnx", providers=["CPUExecutionProvider"]
    )
    utterances, labels = data.load("test")
    right = sum(
        session.run(None, {"x": u[None]})[0][0].mean(axis=0).argmax() == label
        for u, label in zip(utterances, labels)
    )
    assert right == int(row[1])


def test_calibration_holds_training_utterances_of_every_speaker():
    utterances, labels = data.load("train")
    known = {u.tobytes(): label for u, label in zip(utterances, labels)}
    with np.load(EXAMPLE / "calibration.npz") as calibration:
        x, lengths = calibration["x"], calibration["lengths"]
        speakers = calibration["labels"]
    assert x.shape[0] == len(lengths) == 32 and x.dtype == np.float32
    assert set(speakers) == set(range(9))
    for row, length, speaker in zip(x, lengths, speakers):
        assert known[np.ascontiguousarray(row[:length]).tobytes()] == speaker
