# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Clocks and voltages of a target, wherever times and energies are stated."""

import json
import re
import subprocess

import numpy as np
import onnx
import pytest
from test_package import data, make_model

import hcgs

POINT = "efficient"  # of hcgs-65nm; `fast` is its first
HZ = {None: 80_000_000, "fast": 80_000_000, POINT: 9_765_625}
BAD = {
    "": "the name is empty; target 'hcgs-65nm' has fast, efficient",
    "slow": "target 'hcgs-65nm' has no operating point 'slow', allowed fast, efficient",
}


@pytest.fixture(scope="module")
def program():
    return hcgs.compile(make_model(), target="hcgs-65nm", calibrate=data(20))


@pytest.mark.parametrize("point", HZ)
def test_statistics_and_traces(program, point, tmp_path):
    ran = program.clone()
    ran.run(data(9, 1), operating_point=point, trace=tmp_path / "run.json")
    ran.trace(tmp_path / "trace.json", 9, operating_point=point)
    timed = program.timing(9, operating_point=point)
    for stats in (ran.stats, timed):
        assert stats["clock_hz"] == HZ[point]
        assert stats["operating_point"] == (point or "fast")
        micros = 1e6 * stats["cycles"] / HZ[point]
        assert stats["microseconds"] == pytest.approx(micros)
    assert timed["energy_joules"] == ran.stats["energy_joules"]
    for name in ("run.json", "trace.json"):
        about = json.loads((tmp_path / name).read_text())["otherData"]
        assert about["clock_hz"] == HZ[point]
    ran.step(data(2, 1), operating_point=point)
    assert ran.stats["clock_hz"] == HZ[point]


def test_the_point_changes_the_energy(program):
    fast, slow = (program.timing(9, operating_point=name) for name in ("fast", POINT))
    assert slow["energy_joules"] < fast["energy_joules"]
    assert slow["cycles"] == fast["cycles"]


def test_the_page(program, tmp_path):
    page = hcgs.report_html(program, operating_point=POINT)
    assert f"(<code>{POINT}</code>)" in page and "9.766 MHz" in page
    plain = hcgs.report_html(program)
    assert f"<code>{POINT}</code>" not in plain and "80 MHz" in plain
    program.save(tmp_path / "p.hcgs")
    out = tmp_path / "r.html"
    command = ["python", "-m", "hcgs", "report", tmp_path / "p.hcgs"]
    given = [f"--operating-point={POINT}"]
    subprocess.run([*command, "-o", out, *given], check=True, capture_output=True)
    assert out.read_text().count(f"(<code>{POINT}</code>)") == 1
    done = subprocess.run(
        [*command, "--block-maps", tmp_path / "m", *given],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and not (tmp_path / "m").exists()
    assert "--operating-point is only for -o FILE.html" in done.stderr


@pytest.mark.parametrize("point", BAD)
def test_unknown_points_leave_nothing(program, point, tmp_path):
    message, ran = re.escape(BAD[point]), program.clone()
    for call in (
        lambda: ran.run(data(9, 1), operating_point=point),
        lambda: ran.run(data(9, 1), trace=tmp_path / "t.json", operating_point=point),
        lambda: ran.step(data(9, 1), operating_point=point),
        lambda: ran.timing(9, operating_point=point),
        lambda: ran.trace(tmp_path / "t.json", 9, operating_point=point),
        lambda: hcgs.report_html(ran, tmp_path / "r.html", operating_point=point),
    ):
        with pytest.raises(hcgs.InputError, match=message):
            call()
    with pytest.raises(hcgs.CompileError, match=message):
        hcgs.compile(make_model(), target="hcgs-65nm", operating_point=point)
    assert list(tmp_path.iterdir()) == []
    assert ran.stats == {}


def test_the_compilers_report(program, tmp_path):
    estimates = {}
    for point in ("fast", POINT):
        made = hcgs.compile(
            make_model(),
            target="hcgs-65nm",
            calibrate=data(20),
            operating_point=point,
        )
        assert bytes(made) == bytes(program)
        assert made.report["target"]["clock_hz"] == HZ[point]
        assert made.report["target"]["operating_point"] == point
        estimates[point] = made.report["estimate"]["microseconds_per_step"]
    cycles = program.report["estimate"]["cycles_per_step"]
    for point, found in estimates.items():
        assert found == pytest.approx(1e6 * cycles / HZ[point])


def compiler(tmp_path, *options):
    onnx.save(make_model(), tmp_path / "m.onnx")
    done = subprocess.run(
        ["hcgs-compile", *options], capture_output=True, text=True, cwd=tmp_path
    )
    left = {path.name for path in tmp_path.iterdir()}
    assert (done.returncode == 0) == (left != {"m.onnx"}), left
    return done.stderr


@pytest.mark.parametrize(
    "options, message",
    [
        (["--report=r", "--operating-point="], BAD[""]),
        (["--report=r", "--operating-point", ""], BAD[""]),
        (["--operating-point=fast"], "has no effect without --report"),
        (
            ["--report=r", "--operating-point=fast", "--emit=hcgs"],
            "has no effect without a program",
        ),
        (["--tile="], "there is no tile policy ''; there is 'adaptive', and tiles of"),
        (["--tile", ""], "there is 'adaptive', and tiles of 'hcgs-65nm' have"),
        (["--schedule="], "there is no schedule ''; there is auto, seq"),
        (["--target="], "--target: the value is empty, allowed is NAME|FILE"),
        (["--calibrate="], "--calibrate: the value is empty, allowed is FILES"),
    ],
)
def test_values_of_the_compiler(options, message, tmp_path):
    """Before and after the model: an empty value is no leave to take the next
    argument."""
    for given in ([*options, "m.onnx"], ["m.onnx", *options]):
        assert message in compiler(tmp_path, "-o", "out", *given)


@pytest.mark.parametrize("given", [["--operating-point="], ["--operating-point", ""]])
def test_values_of_the_simulator(program, given, tmp_path):
    program.save(tmp_path / "p")
    np.save(tmp_path / "x.npy", data(3, 1))
    for ahead in (given, []):
        done = subprocess.run(
            ["hcgs-sim", *ahead, "p", "--input=x.npy", "--stats=s", *(given if not ahead else [])],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 1
        assert f"--operating-point: {BAD['']}" in done.stderr
        assert not (tmp_path / "s").exists()
