# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Published HCGS weights: detected without hints, imported without changing a
code, bit-exact. benchmarks/detection runs 200 such cases."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(
    0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "detection")
)
import published  # noqa: E402

#: Every pattern in both balances, the linear layer's too.
SEEDS = range(2 * len(published.PATTERNS))
SMALL = [(440, 512)]


@pytest.mark.parametrize("seed", SEEDS)
def test_published_weights_come_through_unchanged(seed):
    case = published.make(seed, SMALL)
    outcome = published.check(case, steps=2)
    assert outcome.confidence > 2 and outcome.codes > 80_000
    assert outcome.outputs == 2 * published.OUTPUTS


def test_the_seeds_have_every_pattern():
    """Of twice as many seeds also every pair of patterns."""
    cases = [published.make(seed, [(24, 16)]) for seed in range(2 * len(SEEDS))]
    few = cases[: len(SEEDS)]
    assert len({(case.pattern, case.balance) for case in few}) == 10
    assert len({(case.linear, case.balance) for case in few}) == 4
    assert len({(case.pattern, case.linear, case.balance) for case in cases}) == 20


def test_the_published_quantiser():
    weights = np.array([-3.0, -0.51, -0.5, -1e-9, 0.0, 1e-9, 0.25, 0.26, 1.0])
    assert published.published_codes(weights, 3).tolist() == [
        -4,
        -3,
        -2,
        -1,
        0,
        1,
        1,
        2,
        4,
    ]


def test_a_changed_weight_is_noticed():
    """The check is one: a single code or mask position off fails it."""
    case = published.make(0, SMALL)
    row, column = np.argwhere(case.kept["R"])[7]
    case.weights["R"][2, row, column] *= -1
    with pytest.raises(AssertionError, match="R: 1 codes differ"):
        published.check(case)
    case = published.make(0, SMALL)
    row, column = np.argwhere(case.kept["V"])[7]
    case.weights["V"][0, row, column] *= -1
    with pytest.raises(AssertionError, match="V: 1 codes differ"):
        published.check(case)
    case = published.make(0, SMALL)
    row, column = np.argwhere(~case.kept["W"])[7]
    case.kept["W"][row, column] = True
    with pytest.raises(AssertionError, match="W: another mask"):
        published.check(case)
