# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The energies of the published chip: what the target's file says is what the
fit gives, the two fitted points come out of the simulator, and the breakdowns
of a real program add up (docs/Spec/Energy.md, docs/Rationale/Energy.md)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHORT, LONG = 4, 12


def load_script():
    path = ROOT / "benchmarks" / "energy" / "run.py"
    spec = importlib.util.spec_from_file_location("energy_fit", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fit = load_script()


def simulate(program: Path, folder: Path, steps: int, *options: str) -> dict:
    x = np.random.default_rng(0).uniform(-1, 1, (steps, 1, fit.INPUTS)).astype(np.float32)
    np.save(folder / "x.npy", x)
    done = subprocess.run(
        ["hcgs-sim", program, "--input", folder / "x.npy", "--stats", "-", *options],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The published networks of two and three layers, compiled and counted."""
    return tmp_path_factory.mktemp("energy")


@pytest.fixture(scope="module")
def frames(folder):
    return {layers: fit.count(layers, folder) for layers in (2, 3)}


def test_the_target_has_what_the_fit_gives(frames):
    """Else: benchmarks/energy/run.py --write, and renew docs/Rationale/Energy.md."""
    made = fit.fit(frames[2], fit.Assumptions())
    target = json.loads(fit.FILE.read_text())
    for event, energy in target["energies"].items():
        assert energy["value"] == pytest.approx(made.joules[event], rel=0.01), event
        assert energy["origin"] == "fitted"
    assert target["leakage"]["watts"]["value"] == pytest.approx(made.leakage_watts, rel=0.01)
    fast, efficient = target["operating_points"]
    assert (fast["name"], efficient["name"]) == ("fast", "efficient")
    assert efficient["volts"]["value"] / fast["volts"]["value"] == pytest.approx(made.ratio, rel=0.01)


def test_the_page_states_the_prediction(frames):
    made = fit.fit(frames[2], fit.Assumptions())
    page = (ROOT / "docs" / "Rationale" / "Energy.md").read_text()
    assert f"| three layers, predicted | {made.tops_per_watt(frames[3], True):.2f} |" in page
    assert f"scale {made.scale:.3f}" in page
    causes = fit.explain(frames[2], frames[3], made)
    assert f"({100 * causes['model_rise']:+.1f} %)" in page


def test_assumptions_are_varied():
    """Each has a range around its value, and each changes the fit."""
    standard = fit.Assumptions()
    assert set(fit.RANGES) == set(vars(standard))
    for name, (low, high) in fit.RANGES.items():
        assert low < getattr(standard, name) < high, name


@pytest.mark.parametrize(("layers", "point", "wanted"), [
    (2, "fast", fit.FAST_TOPS_PER_WATT), (2, "efficient", fit.EFFICIENT_TOPS_PER_WATT),
    (3, "efficient", None)])
def test_the_simulator_agrees(frames, folder, layers, point, wanted):
    """The difference of two lengths, priced by the simulator."""
    program = folder / f"{layers}.hcgs"
    short, long = (simulate(program, folder, steps, "--operating-point", point)["energy"]
                   for steps in (SHORT, LONG))
    joules = (long["joules"] - short["joules"]) / (LONG - SHORT)
    found = 2e-12 * frames[layers].dense / joules
    if wanted is None:
        wanted = fit.fit(frames[2], fit.Assumptions()).tops_per_watt(frames[3], True)
    assert found == pytest.approx(wanted, rel=0.01)


def test_a_real_program_adds_up(frames, folder):
    stats = simulate(folder / "3.hcgs", folder, SHORT)
    energy = stats["energy"]
    for part in ("units", "memories"):
        assert sum(energy[part].values()) == pytest.approx(energy["joules"], rel=1e-9)
    layers = {one["layer"]: one["joules"] for one in energy["layers"]}
    assert sum(layers.values()) == pytest.approx(energy["joules"], rel=1e-9)
    assert {"0", "1", "2"} <= set(layers)
    assert energy["joules_per_frame"] == pytest.approx(energy["joules"] / SHORT)
    assert energy["joules_per_inference"] == pytest.approx(energy["joules"])
    assert energy["products"] == stats["macs"]
    assert stats["events"]["accumulate"] == stats["macs"]
    # 16x, but for nothing: all matrices are compressed.
    assert energy["dense_products"] == 16 * energy["products"]
    # 6-bit weights times 13-bit inputs and states.
    assert stats["events"]["multiply_bit2"] == 6 * 13 * stats["macs"]
    origins = {number["pointer"]: number["origin"] for number in energy["numbers"]}
    assert origins["/operating_points/0/hz"] == "published"
    assert origins["/leakage/watts"] == "assumed"


def test_unknown_operating_points_are_refused(frames, folder):
    np.save(folder / "x.npy", np.zeros((2, 1, fit.INPUTS), np.float32))
    out = folder / "y.npy"
    done = subprocess.run(
        ["hcgs-sim", folder / "2.hcgs", "--input", folder / "x.npy", "--output", out,
         "--operating-point", "efficent"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "hcgs-sim: error: --operating-point: target 'hcgs-65nm' has no operating point "
        "'efficent', allowed fast, efficient; did you mean 'efficient'?\n")
    assert not out.exists()
