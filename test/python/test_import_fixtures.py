# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The importer's fixtures themselves: complete, small, free of their maker's
paths, and with expected values that ONNX Runtime still computes."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "Import" / "fixtures"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
IMPORTED = [entry for entry in MANIFEST if entry["expect"] == "import"]
REFUSED = [entry for entry in MANIFEST if entry["expect"] == "refuse"]

# ONNX Runtime computes these through an equivalent model: it has no kernel for
# layout 1 or for these types, wants hidden_size, does not know the opset.
TWINS = re.compile(r"layout1_|.*_direct$|hidden_size_absent$|opset28$")


def ids(entries):
    return [entry["name"] for entry in entries]


def test_manifest_lists_every_file_and_no_other():
    listed = set()
    for entry in MANIFEST:
        listed |= {entry["file"], *entry.get("files", [])}
        if entry["expect"] == "import":
            listed.add(entry["data"])
    present = {
        f.name for f in FOLDER.iterdir() if f.suffix in (".onnx", ".npz", ".bin")
    }
    assert present == listed
    assert len(ids(MANIFEST)) == len(set(ids(MANIFEST)))
    assert len(IMPORTED) > 80 and len(REFUSED) > 40


def test_files_are_small_and_name_no_folder_of_their_maker():
    for file in FOLDER.iterdir():
        if file.suffix in (".onnx", ".npz", ".bin"):
            assert file.stat().st_size < 60_000, file.name
            assert not re.search(rb"/(home|root|work|tmp|usr)/", file.read_bytes())


def test_readme_lists_every_fixture():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [n for n in ids(MANIFEST) if f"| `{n}` |" not in readme] == []


@pytest.mark.parametrize("entry", REFUSED, ids=ids(REFUSED))
def test_patterns_compile_and_ask_for_something(entry):
    pattern = re.compile(entry["error"], re.IGNORECASE)
    assert not pattern.search("")
    assert not pattern.search("error: cannot import the model")


@pytest.mark.parametrize("entry", IMPORTED, ids=ids(IMPORTED))
def test_data_fits_the_graph(entry):
    graph = onnx.load(FOLDER / entry["file"], load_external_data=False).graph
    constants = {t.name for t in graph.initializer}
    inputs = [v for v in graph.input if v.name not in constants]
    with np.load(FOLDER / entry["data"]) as data:
        names = {f"in.{v.name}" for v in inputs} | {
            f"out.{v.name}" for v in graph.output
        }
        assert set(data.files) == names
        for value in inputs:
            dims = value.type.tensor_type.shape.dim
            array = data[f"in.{value.name}"]
            assert array.dtype == np.float32 and array.ndim == len(dims)
            assert all(
                d.dim_param or d.dim_value == n for d, n in zip(dims, array.shape)
            )
        for value in graph.output:
            array = data[f"out.{value.name}"]
            assert array.dtype == np.float32 and np.isfinite(array).all()
            assert array.any()


@pytest.mark.parametrize(
    "entry",
    [entry for entry in IMPORTED if not TWINS.match(entry["name"])],
    ids=lambda entry: entry["name"],
)
def test_expected_outputs_are_those_of_onnx_runtime(entry):
    session = onnxruntime.InferenceSession(
        FOLDER / entry["file"], providers=["CPUExecutionProvider"]
    )
    with np.load(FOLDER / entry["data"]) as data:
        feeds = {v.name: data[f"in.{v.name}"] for v in session.get_inputs()}
        for value, y in zip(session.get_outputs(), session.run(None, feeds)):
            np.testing.assert_allclose(y, data[f"out.{value.name}"], atol=1e-5)
