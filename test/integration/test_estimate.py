# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler's own count of cycles equals the simulator's, exactly.

The compiler replays the program it has written (ProgramEstimate.cpp), the
simulator runs it; they share no code. The report gives the count of one step
and the mean of a step between the lengths 48 and 288.
"""

import numpy as np
import pytest
import random_networks

import hcgs

SEEDS = range(16)
COMPILED: list[int] = []


def cycles(program: hcgs.Program, steps: int) -> tuple[int, int]:
    """Cycles and multiplications of one sequence of zeros."""
    sizes = {"time": steps, "batch": 1}
    inputs = {
        spec.name: np.zeros(
            [sizes[axis] if size is None else size for axis, size in zip(spec.axes, spec.shape)],
            np.float32,
        )
        for spec in program.inputs
    }
    program.run(inputs)
    return program.stats["cycles"], program.stats["macs"]


@pytest.mark.parametrize("seed", SEEDS)
def test_estimate_equals_simulator(seed):
    case = random_networks.make(seed)
    try:
        program = case.compile()
    except hcgs.CompileError:
        return  # test_random_networks looks at refusals
    COMPILED.append(seed)
    estimate = program.report["estimate"]
    assert estimate["cycles_of_one_step"] == cycles(program, 1)[0]
    short, long = cycles(program, 48), cycles(program, 288)
    assert estimate["cycles_per_step"] == (long[0] - short[0]) / 240
    assert estimate["macs_per_step"] == (long[1] - short[1]) / 240


def test_enough_networks_were_compared():
    if not COMPILED:
        pytest.skip("only some seeds were run")
    assert len(COMPILED) >= 0.7 * len(SEEDS)
