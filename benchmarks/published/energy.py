# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R3: energy of the published chip. The target's constants are fitted to the
two-layer points only; the three-layer network is a prediction."""

from __future__ import annotations

import json
import subprocess

import bench
from machine import Bench
from section import Line, Section, Table, number

TARGET = "hcgs-65nm"
HIDDEN, INPUTS = 512, 440
#: Dense-equivalent TOPS/W by layers: fastest and most efficient point.
PUBLISHED = {("fast", 2): 2.45, ("efficient", 2): 8.93, ("efficient", 3): 7.22}
PUBLISHED_MILLIWATTS = {("fast", 2): 65.0}
SHORT, LONG = 20, 120


def operating_points() -> dict[str, str]:
    """Names of the target's points: its quickest is "fast", its slowest
    "efficient"."""
    done = subprocess.run(["hcgs-compile", f"--print-target={TARGET}"], capture_output=True, text=True)
    if done.returncode:
        return {}
    points = json.loads(done.stdout).get("operating_points") or []
    if not points:
        return {}
    hertz = {point["name"]: point["hz"]["value"] for point in points}
    fast, slow = max(hertz, key=hertz.get), min(hertz, key=hertz.get)
    return {"fast": fast} if fast == slow else {"fast": fast, "efficient": slow}


def steady(work: Bench, program, point: str) -> dict:
    """Joules, seconds and products of a frame in the steady state."""
    stats = [work.simulate(program, steps, INPUTS, "--operating-point", point)
             for steps in ((4, 12) if work.quick else (SHORT, LONG))]
    short, long = (one.get("energy") or {} for one in stats)
    if not long.get("joules"):
        return {}
    frames = stats[1]["frames"] - stats[0]["frames"]
    found = {key: (long[key] - short[key]) / frames
             for key in ("joules", "leakage_joules", "seconds", "products", "dense_products")}
    for parts in ("units", "memories"):
        found[parts] = {name: (value - short[parts][name]) / frames
                        for name, value in long[parts].items()}
    found["tops_per_watt"] = 2e-12 * found["dense_products"] / found["joules"]
    found["milliwatts"] = 1e3 * found["joules"] / found["seconds"]
    found["point"] = long["operating_point"]
    return found


def run(work: Bench) -> Section:
    section = Section("R3", "energy of 2x512 and 3x512 cells at 16x, 6 bits")
    names = operating_points()
    found = {}
    for layers in (2, 3):
        model = bench.make_model(
            work.new_path(".onnx"), "--layers", layers, "--hidden", HIDDEN, "--inputs", INPUTS,
            "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1)
        compiled = work.compile(model, TARGET, "--weight-bits=6")
        for what, point in names.items():
            if not compiled.refused:
                found[what, layers] = steady(work, compiled.path, point)
    rows = []
    for (what, layers), one in found.items():
        published = PUBLISHED.get((what, layers))
        if not one:
            continue
        kind = "prediction" if layers == 3 else "fitted"
        if published:
            section.lines.append(Line(
                f"{layers} layers, {what} point, {kind}", f"{published} TOPS/W",
                f"{number(one['tops_per_watt'])} TOPS/W", one["tops_per_watt"] / published))
        if (what, layers) in PUBLISHED_MILLIWATTS:
            power = PUBLISHED_MILLIWATTS[what, layers]
            section.lines.append(Line(f"{layers} layers, {what} point, power", f"{power:g} mW",
                                      f"{number(one['milliwatts'], 1)} mW",
                                      one["milliwatts"] / power))
        at = one["point"]
        rows.append([f"{layers} layers, {what} ({at['hz'] / 1e6:g} MHz, {at['volts']:g} V)",
                     number(one["tops_per_watt"]), number(one["milliwatts"], 2),
                     number(1e6 * one["joules"], 3), number(1e6 * one["leakage_joules"], 3),
                     number(1e12 * one["joules"] / one["dense_products"], 4)])
        section.numbers[f"{layers} layers, {what}"] = one
    if not rows:
        section.notes.append(f"{TARGET} states no energies: nothing to compare")
        section.lines.append(Line("3 layers, efficient point", "7.22 TOPS/W", "–"))
        return section
    section.tables = [Table(
        "A frame in the steady state",
        ["case", "TOPS/W dense-equivalent", "mW", "uJ", "of it leakage", "pJ a dense product"], rows)]
    example = next(iter(found.values()))
    section.tables.append(Table(
        "By unit, uJ a frame", ["case", *example["units"]],
        [[f"{layers} layers, {what}", *(number(1e6 * v, 4) for v in one["units"].values())]
         for (what, layers), one in found.items() if one]))
    if {("efficient", 2), ("efficient", 3)} <= found.keys():
        ours = [found["efficient", n]["joules"] / found["efficient", n]["dense_products"]
                for n in (2, 3)]
        section.notes.append(
            "Published energy an operation rises by 23.7 % from two to three layers (8.93 to 7.22 "
            f"TOPS/W); the model gives {100 * (ours[1] / ours[0] - 1):+.1f} %. Events and leakage "
            "grow with the work and the time, so they cannot give more: what is left must be what "
            "this model does not have (other data, another operating point, utilisation).")
    section.notes += [
        "The two-layer figures are fits, not results: the constants of the target were chosen to "
        "meet them (docs/Spec/Energy.md says how, with how many free constants). Only the "
        "three-layer figure is a prediction; it has no pass mark.",
        "Operations are dense-equivalent, two a product, as the publication counts them.",
    ]
    return section
