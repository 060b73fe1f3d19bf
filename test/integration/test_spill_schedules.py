# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Spilled weights with schedules that cut products finer than row blocks, and
what the report says of loads and tiles.
"""

import re

import pytest
from test_schedules import FILES, HERE, assert_equals_the_numpy_model, make_inputs
from test_spill import assert_same_results, compile, make_model, make_target

import hcgs
from hcgs import oracle


@pytest.mark.parametrize("share", [0.9, 0.35])
def test_bound_counts_the_loads(tmp_path, share):
    model = make_model(40, 2)
    whole = compile(model, "generic").report
    bytes_ = whole["totals"]["weight_bytes"]
    report = compile(model, make_target(tmp_path, int(share * bytes_))).report
    schedule, spill = report["schedule"], report["spill"]
    bound = schedule["bound"]
    port = 32  # bytes a cycle of generic
    assert bound["load"] >= spill["bytes_per_step"] / port
    assert bound["load"] > whole["schedule"]["bound"]["load"]
    assert bound["cycles"] <= schedule["cycles_per_step"]
    limits = {k: v for k, v in bound.items() if k not in ("cycles", "binding")}
    assert bound["cycles"] == max(limits.values()) == limits[bound["binding"]]
    if share < 0.5:
        assert bound["binding"] == "load"


def test_tile_is_kept(tmp_path):
    """By parts of spilled matrices, and by products outside time loops."""
    model = make_model(40)
    target = make_target(tmp_path, 6000)
    program = compile(model, target, tile="32")
    assert program.report["spill"]["parts"] > 1
    tiles = re.findall(r"\bmvm [^/]*? tile (\d+)( retile)?", program.disassemble())
    assert len(tiles) > 4 and set(tiles) == {("3", "")}


@pytest.mark.parametrize(
    "hidden, share, most",
    [
        # Two buffers of an eighth of wmem each and as few matrices as make room,
        # 256 and 2394 cycles, are not the best for either.
        (40, 0.8, 200),
        (128, 0.8, 1500),
        # Loads of some matrices only leave the port idle during the others.
        (128, 0.6, 2800),
    ],
)
def test_parts_are_chosen_by_cycles(tmp_path, hidden, share, most):
    model = make_model(hidden, 2)
    bytes_ = compile(model, "generic").report["totals"]["weight_bytes"]
    report = compile(model, make_target(tmp_path, int(share * bytes_))).report
    assert report["schedule"]["cycles_per_step"] <= most
    assert report["schedule"]["utilization"] > 0.9


def test_parts_are_used_back_and_forth(tmp_path):
    """Gate by gate, half of the parts are still in the buffers from the gate
    before: without turning back, each gate would load all."""
    options = {"tiers": "32x32:1/2", "balance": "row", "schedule": "sequential"}
    model = make_model(128)
    whole = hcgs.compile(model, target="generic", sparsity="impose", **options)
    bytes_ = whole.report["totals"]["weight_bytes"]
    target = make_target(tmp_path, int(0.8 * bytes_))
    program = hcgs.compile(model, target=target, sparsity="impose", **options)
    spill = program.report["spill"]
    assert spill["bytes_per_step"] == 2 * spill["bytes"]
    assert_same_results(program, whole, 128)


def in_one_row_block(text: str) -> str:
    """The schedule of depth3.mlir with products of all rows at once."""
    text = text.replace("%a slots 2 row_block 8 :", "%a slots 2 :")
    text, found = re.subn(r"(issue %a0?) blocks 0 to 2", r"\1", text)
    assert found == 4
    return text


def circulant(text: str) -> str:
    """depth3.mlir in one row block, with R of circulant blocks of 8."""
    tiers = r"#fx\.sparsity<[^>]*> codes dense<\"0x(\w{256})\w*\"> : tensor<512xi8>"
    text, found = re.subn(
        tiers, r'#fx.circulant<8> codes dense<"0x\1"> : tensor<128xi8>', text
    )
    assert found == 1
    return in_one_row_block(text)


def as_it_is(text: str) -> str:
    return text


BY_HAND = [
    ("depth2", as_it_is, 0.9),
    ("depth2", as_it_is, 0.45),
    ("depth2", as_it_is, 0.2),
    ("depth3", as_it_is, 0.9),
    ("depth3", as_it_is, 0.6),
    ("depth3", in_one_row_block, 0.6),
    ("depth3", circulant, 0.45),
    ("depth3", circulant, 0.3),
]


@pytest.mark.parametrize(
    "name, change, share", BY_HAND, ids=lambda value: getattr(value, "__name__", value)
)
def test_schedules_by_hand(tmp_path, name, change, share):
    """Sets of gates, segments of columns, tiles and depth, in parts: a schedule
    stays as it is if the program names the target that it is compiled for."""
    text = change((HERE / f"{name}.mlir").read_text())
    path = tmp_path / "whole.mlir"
    path.write_text(text)
    whole = hcgs.compile(str(path))
    bytes_ = whole.report["totals"]["weight_bytes"]
    assert text.count('target "generic"') == 1
    path = tmp_path / "spilled.mlir"
    path.write_text(text.replace('target "generic"', 'target "little"'))
    program = hcgs.compile(str(path), target=make_target(tmp_path, int(share * bytes_)))

    assert program.report["spill"]["bytes_per_step"] > 0
    depth = int(name.removeprefix("depth"))
    assert program.report["schedule"]["depth"] == depth
    assert program.report["schedule"]["name"] is None, "it was scheduled anew"
    # Segments of columns of R are those of parts, some with the tiles that the
    # schedule names.
    descriptors = oracle.read(bytes(program)).descriptors
    parts = [
        n
        for n, desc in enumerate(descriptors)
        if desc.columns and desc.cols == 16 and desc.rows == 8
    ]
    assert parts
    uses = re.findall(
        r"\bmvm [^/]*? desc (\d+),[^/]*? tile (\d+)( retile)?", program.disassemble()
    )
    tiles = {tile + retile for desc, tile, retile in uses if int(desc) in parts}
    assert {"0", "1 retile"} <= tiles if name == "depth2" else tiles == {"0"}
    assert_equals_the_numpy_model(program)
    counts = {}
    for steps in (1, 48, 288):
        program.run(make_inputs(program, steps), codes=True)
        counts[steps] = program.stats["cycles"]
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == counts[1]
    assert estimate["cycles_per_step"] == (counts[288] - counts[48]) / 240
