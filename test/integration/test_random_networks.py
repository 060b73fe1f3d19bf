# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random networks: the simulator equals the NumPy model in every bit.

The first seeds of the generator; benchmarks/equality runs many more, and the
speech data. What each seed checks is in equality.py.
"""

import re

import equality
import pytest
import random_networks

SEEDS = range(40)
#: The one reason for which a sound network is refused on `generic`.
REASONS = re.compile(r"node '.*the accumulator can reach \d+.*it would fit with")
RESULTS: dict[int, tuple[str | None, equality.Coverage]] = {}


@pytest.mark.parametrize("seed", SEEDS)
def test_simulator_equals_the_numpy_model(seed):
    case = random_networks.make(seed)
    refusal, coverage = equality.check(case)
    RESULTS[seed] = refusal, coverage
    if refusal is not None:
        assert REASONS.search(refusal), f"{case}\nrefused for no good reason: {refusal}"
        assert "current operation" not in refusal, "the message shows IR"


def test_the_seeds_cover_enough():
    """Guards against a generator or compiler that quietly shrinks the test."""
    if len(RESULTS) < len(SEEDS):
        pytest.skip("only some seeds were run")
    total = equality.Coverage()
    compiled = [coverage for refusal, coverage in RESULTS.values() if refusal is None]
    for coverage in compiled:
        total.add(coverage)
    assert len(compiled) >= 0.75 * len(SEEDS)
    assert total.saturated == {"low", "high"}
    assert {1, 2, 3} <= total.lengths and max(total.lengths) >= 12
    assert {"forward", "reverse", "bidirectional"} <= total.features
    # The rarer numbers of tiers are left to the long run of benchmarks/equality.
    rare = {f"{n} tiers" for n in range(3, 9)} | {"all kinds in one model"}
    missing = equality.MATRIX_FEATURES - rare - total.features
    assert not missing, missing
    assert rare & total.features
