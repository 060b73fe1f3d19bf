# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The simulator against the NumPy model, without the compiler: random integer
networks (tools/random_integers.py) through a naive code generator."""

import pytest
import random_integers

SEEDS = range(60)
OUTCOMES: dict[int, random_integers.Outcome] = {}


@pytest.mark.parametrize("seed", SEEDS)
def test_simulator_equals_the_numpy_model(seed):
    OUTCOMES[seed] = random_integers.check(seed)


def test_the_seeds_cover_enough():
    """Most networks must say something: not all may trap or saturate flat."""
    if len(OUTCOMES) < len(SEEDS):
        pytest.skip("only some seeds were run")
    structures = set().union(*(outcome.structures for outcome in OUTCOMES.values()))
    kinds = ("dense", "hcgs", "circulant")
    assert structures >= {
        *kinds,
        "hcgs separate",
        "circulant ragged",
        *(f"balance {balance}" for balance in ("row", "column", "both", "none")),
        *(f"{tiers} tiers" for tiers in range(1, 9)),
        *(f"W {w}, R {r}" for w in kinds for r in kinds),
    }
    trapped = sum(outcome.trapped for outcome in OUTCOMES.values())
    assert 5 <= trapped <= len(SEEDS) // 2
    executed = {
        name
        for outcome in OUTCOMES.values()
        for name, times in outcome.statistics["instructions"].items()
        if times
    }
    known = set(OUTCOMES[0].statistics["instructions"])
    assert known - executed == {"aset"}  # rings: the real compiler's matter
