# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The published network's weight image: 3 layers of 512, 440 inputs, 6 bits,
32x32 and 4x4 blocks at 25 % each.

Column-balanced masks keep exactly one weight in 16: 288,000 bytes, which is the
memory of the published chip (288 kB). Row-balanced masks keep 4 of 14 block
columns of the first layer: 294,912 bytes, 6,912 too many for that chip.

    benchmarks/image/run.py [--json FILE]
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()
    rows, numbers = [], {}
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        for balance, target in (("column", "hcgs-65nm"), ("row", "hcgs-65nm"), ("row", "generic")):
            model = bench.make_model(
                temp / f"{balance}.onnx", "--layers", 3, "--hidden", 512, "--inputs", 440,
                "--tiers", "32x32:25%,4x4:25%", "--balance", balance, "--seed", 1,
            )
            program, report = temp / "out.hcgs", temp / "report.json"
            program.unlink(missing_ok=True)
            done = bench.run("hcgs-compile", model, f"--target={target}",
                             "--weight-bits=6", f"--report={report}", "-o", program)
            name = f"{balance}-balanced on {target}"
            if done.status:
                text = done.stderr.strip().split("\n")[0]
                rows.append((name, f"refused: {text}"))
                numbers[name] = {"refused": text, "file_written": program.exists()}
                continue
            totals = json.loads(report.read_text())["totals"]
            np.save(temp / "x.npy", np.random.default_rng(0).uniform(-1, 1, (20, 1, 440)).astype(np.float32))
            ran = bench.run("hcgs-sim", program, "--input", temp / "x.npy", "--output", temp / "y.npy")
            index = totals["index_bytes"] / totals["weight_bytes"]
            rows.append((name, f"{totals['weight_bytes']:,} B of weights, index "
                         f"{totals['index_bytes']:,} B ({100 * index:.2f} %), "
                         + ("runs" if ran.status == 0 else "fails: " + ran.stderr)))
            numbers[name] = dict(totals, runs=ran.status == 0)
    bench.table("3x512, 440 inputs, 6 bit, 32/4 blocks at 25 %/25 %", rows)
    bench.write_json(args.json, numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
