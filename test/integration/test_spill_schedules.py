# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Spilled weights with schedules that cut products finer than row blocks, and
what the report says of loads and tiles.
"""

import re

import pytest
from test_spill import compile, make_model, make_target


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
