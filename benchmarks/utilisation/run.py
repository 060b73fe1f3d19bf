# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How well the multipliers of the published chip are used: 2 layers of 512, 440
inputs, 16x (32x32 and 4x4 blocks at 25 %/25 %, column-balanced), 6 bits, on
hcgs-65nm (64 multipliers, 80 MHz).

Published: 0.16 TOPS counted as dense operations, which is 97.66 % of the bound
of 64 multipliers. Stated here: the steady state of `run` (the difference of two
lengths), a whole sequence, and a single frame (a sequence of one step, and one
call of `step`), each with the causes of the matrix unit's idle cycles
(docs/Spec/Timing.md, T-C).

    benchmarks/utilisation/run.py [--json FILE] [--layers 2] [--target hcgs-65nm]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

HIDDEN, INPUTS = 512, 440
LONG, SHORT = 400, 100


def count(program: Path, temp: Path, steps: int, *options: str) -> dict:
    """The simulator's statistics of a sequence of `steps` random frames."""
    data, stats = temp / "x.npy", temp / "stats.json"
    x = np.random.default_rng(0).uniform(-1, 1, (steps, 1, INPUTS))
    np.save(data, x.astype(np.float32))
    done = bench.run("hcgs-sim", program, "--input", data, "--output", temp / "y.npy",
                     "--stats", stats, *options)
    if done.status:
        sys.exit(done.stderr)
    return json.loads(stats.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--target", default="hcgs-65nm")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        model = bench.make_model(
            temp / "model.onnx", "--layers", args.layers, "--hidden", HIDDEN, "--inputs", INPUTS,
            "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1,
        )
        program, report_file = temp / "out.hcgs", temp / "report.json"
        done = bench.run("hcgs-compile", model, f"--target={args.target}", "--weight-bits=6",
                         f"--report={report_file}", "-o", program)
        if done.status:
            sys.exit(done.stderr)
        report = json.loads(report_file.read_text())
        counts = {
            "one frame, run": (count(program, temp, 1), 1),
            f"{LONG} frames": (count(program, temp, LONG), LONG),
        }
        short = count(program, temp, SHORT)
        # hcgs-sim resets before it steps: the difference of two calls and one.
        calls = [count(program, temp, n, "--entry", "step", "--chunk", 1)["cycles"]
                 for n in (1, 2)]

    lanes = report["estimate"]["macs_per_step"] / (
        report["estimate"]["cycles_per_step"] * report["estimate"]["mac_utilization"])
    long = counts[f"{LONG} frames"][0]
    steady = {
        "cycles": (long["cycles"] - short["cycles"]) / (LONG - SHORT),
        "macs": (long["macs"] - short["macs"]) / (LONG - SHORT),
    }
    steady["utilisation"] = steady["macs"] / (lanes * steady["cycles"])
    dense = 4 * HIDDEN * (INPUTS + HIDDEN + (args.layers - 1) * 2 * HIDDEN)
    clock = 1e6 / report["estimate"]["microseconds_per_step"] * report["estimate"]["cycles_per_step"]
    steady["tops_dense_equivalent"] = 2 * dense * clock / steady["cycles"] / 1e12
    step = calls[1] - calls[0]
    step_use = steady["macs"] / (lanes * step)
    numbers = {"steady_state": steady, "estimate": report["estimate"],
               "step": {"cycles": step, "utilisation": step_use}}
    rows = [
        ("steady state", f"{steady['cycles']:.2f} cycles a frame, "
         f"{100 * steady['utilisation']:.2f} % of the multipliers' cycles, "
         f"{steady['tops_dense_equivalent']:.4f} TOPS dense-equivalent"),
        ("published", "97.66 %, 0.16 TOPS"),
        ("compiler's estimate", f"{report['estimate']['cycles_per_step']:.2f} cycles a frame, "
         f"{report['estimate']['cycles_of_one_step']} for a single one"),
    ]
    rows.append(("one frame, step", f"{step} cycles, {100 * step_use:.2f} %"))
    for name, (stats, frames) in counts.items():
        matrix = stats["units"]["matrix"]
        used = stats["macs"] / (lanes * stats["cycles"])
        idle = ", ".join(f"{cause} {cycles}" for cause, cycles in matrix.items()
                         if cause != "busy" and cycles)
        rows.append((name, f"{stats['cycles']} cycles, {100 * used:.2f} %; idle: {idle}"))
        numbers[name] = {"cycles": stats["cycles"], "frames": frames, "utilisation": used,
                         "matrix": matrix}
    bench.table(f"{args.layers}x{HIDDEN} at 16x on {args.target}: use of the multipliers", rows)
    bench.write_json(args.json, numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
