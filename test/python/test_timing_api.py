# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Program.timing: what a run takes, without data, is what a run on data takes."""

import numpy as np
import pytest
from test_package import data, make_model

import hcgs

OF_DATA = {"saturations", "z_saturations", "saturated_instructions"}


@pytest.fixture(scope="module")
def program():
    return hcgs.compile(make_model(), target="hcgs-65nm", calibrate=data(20))


def counted(stats):
    return {key: value for key, value in stats.items() if key not in OF_DATA}


@pytest.mark.parametrize("steps", [1, 2, 30, np.int64(300)])
def test_timing_is_that_of_a_run(program, steps):
    ran = program.clone()
    ran.run(data(int(steps), 1))
    found = program.timing(steps)
    assert counted(found) == counted(ran.stats)
    assert found["saturations"] is None and found["z_saturations"] is None
    assert found["energy"]["joules"] > 0
    assert program.stats == {}  # as it was


def test_rows_that_are_computed_together():
    program = hcgs.compile(make_model(), target="generic", calibrate=data(9), streams=3)
    program.run(data(9, 3))
    assert counted(program.timing(9)) == counted(program.stats)
    assert program.timing(9)["frames"] == 27


def test_steps_that_no_run_takes(program):
    for steps in (0, -1, 1.5, "3", None, True):
        with pytest.raises(hcgs.InputError, match="steps must be a number from 1"):
            program.timing(steps)
    with pytest.raises(hcgs.InputError, match=r"must be a number below 2\*\*63"):
        program.timing(2**63)
    with pytest.raises(hcgs.InputError, match="do not fit the 2 GiB"):
        program.timing(10**9)


def test_a_fixed_number_of_steps(tmp_path):
    model = make_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 7
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 7
    program = hcgs.compile(model, target="generic")
    program.run(data(7, 1))
    assert counted(program.timing(7)) == counted(program.stats)
    for steps in (6, 8):
        message = f"{steps} time steps found, the model demands 7"
        with pytest.raises(hcgs.InputError, match=message):
            program.timing(steps)
        with pytest.raises(hcgs.InputError, match=message):
            program.trace(tmp_path / "t.json", steps)
    assert list(tmp_path.iterdir()) == []
