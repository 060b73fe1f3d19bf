# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers are told apart wherever they are named: the two of a bidirectional
ONNX node by their direction, two nodes of one name by their index."""

import json
import re
import subprocess

import numpy as np
import onnx
import pytest
from test_analysis import make_model

import hcgs

DIRECTIONS = ("forward", "reverse")
WANTED = {f"{name} {way}" for name in ("first", "second") for way in DIRECTIONS}


@pytest.fixture(scope="module")
def program():
    x = np.random.default_rng(0).normal(0, 1, (6, 2, 5)).astype(np.float32)
    return hcgs.compile(make_model("bidirectional"), calibrate=x, target="hcgs-65nm")


@pytest.fixture(scope="module")
def stats(program):
    program.run(np.full((12, 1, 5), 100, np.float32))
    return program.stats


def test_statistics_name_layers(stats):
    for layers in (stats["layers"], stats["energy"]["layers"]):
        named = {layer["name"] for layer in layers if layer["layer"]}
        assert named == WANTED | {"head"}
        assert all(layer["name"] == "" for layer in layers if not layer["layer"])
    saturated = stats["saturated_instructions"]
    assert {entry["layer_name"] for entry in saturated} & WANTED


def test_tables_of_the_simulator_name_layers(program, tmp_path):
    program.save(tmp_path / "p.hcgs")
    np.save(tmp_path / "x.npy", np.zeros((12, 1, 5), np.float32))
    text = subprocess.run(
        ["hcgs-sim", tmp_path / "p.hcgs", "--input", tmp_path / "x.npy", "--summary"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    by_layer = text[text.index("by layer") : text.index("least cycles of")]
    energy = text[text.index("by unit") :]
    for name in WANTED:
        assert name in by_layer
        assert name in energy


def test_traces_name_layers(program, tmp_path):
    program.trace(tmp_path / "t.json", 12)
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    products = [e for e in events if e["ph"] == "X" and " gates " in e["name"]]
    assert {e["args"]["layer"] for e in products} == WANTED
    for event in products:
        assert event["name"].startswith(f"{event['args']['layer']}: ")


def test_the_page_names_layers(program):
    page = hcgs.report_html(program)
    for name in WANTED:
        # Accounting, findings of the compiler, cycles by layer.
        assert f'<td class="name"><b>R</b> {name}</td>' in page
        assert len(re.findall(f'<td class="name"><b>R</b> {name}</td>', page)) == 2
        assert f'<td class="name">{name}</td>' in page
        assert f"<h3>{name} · W</h3>" in page
        assert f"</i>{name}</li>" in page  # legend of the picture
        assert f'<td class="name">{name}.h</td>' in page
    assert not re.search(r">(first|second)<", page)


def test_the_accounting_names_layers(program, tmp_path):
    assert {m["direction"] for m in program.report["matrices"][:4]} == set(DIRECTIONS)
    onnx.save(make_model("bidirectional"), tmp_path / "m.onnx")
    text = subprocess.run(
        ["hcgs-compile", tmp_path / "m.onnx", "-o", tmp_path / "p.hcgs",
         "--print-accounting"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = [line[:14] for line in text.splitlines()[1:10]]
    assert len(set(names)) == 9
    assert {"..st.W forward", "..st.W reverse"} <= set(names)


def test_the_accounting_says_what_sums_leave(program, tmp_path):
    """The least of all layers, of the 32 bits of an accumulator."""
    onnx.save(make_model("bidirectional"), tmp_path / "m.onnx")
    text = subprocess.run(
        ["hcgs-compile", tmp_path / "m.onnx", "-o", tmp_path / "p.hcgs",
         "--print-accounting", f"--report={tmp_path / 'r.json'}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    matrices = json.loads((tmp_path / "r.json").read_text())["matrices"]
    least = min(matrices, key=lambda m: m["acc_spare_bits"])
    line = (
        f"sums        {least['acc_spare_bits']} of 32 bits to spare ({least['node']})"
    )
    assert line in text.splitlines()


def test_two_nodes_of_one_name():
    model = make_model("forward")
    for node in model.graph.node:
        if node.op_type == "LSTM":
            node.name = "same"
    program = hcgs.compile(model, target="generic")
    program.run(np.zeros((3, 1, 5), np.float32))
    named = [layer["name"] for layer in program.stats["layers"]]
    assert {"same forward #0", "same forward #1"} <= set(named)
    assert "same forward #1" in hcgs.report_html(program)
