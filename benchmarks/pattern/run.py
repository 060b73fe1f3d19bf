# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What block patterns keep, in the accounting and on the machine.

    benchmarks/pattern/run.py [--json FILE]

The input matrix of an LSTM of 512 cells on 440 inputs, blocks of 32 and 4 at
25 % each: balanced by rows it keeps 4 of 14 block-columns, 13.75x; balanced by
columns 4 of 16 block-rows, exactly 16x. The ratio comes from the compiler's
accounting and, apart from it, from the multiplications that the simulator
counts. And the index of the published pattern 32/4 at 75 %/75 %, 6 bits: at most
1 % of the weights. Exits 1 if a figure is another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

import hcgs  # noqa: E402

TIERS = "32x32:25%,4x4:25%"
HIDDEN, INPUTS = 512, 440


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()
    rows, numbers, failed = [], {}, []
    steps = 5
    x = np.random.default_rng(0).normal(0, 0.6, (steps, 1, INPUTS)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = bench.make_model(
            Path(folder) / "m.onnx", "--layers", 1, "--hidden", HIDDEN, "--inputs", INPUTS
        )
        node = next(n.name for n in onnx.load(path).graph.node if n.op_type == "LSTM")
        for balance, wanted in (("row", 13.75), ("column", 16.0)):
            W = {"sparsity": "impose", "tiers": TIERS, "balance": balance}
            config = {"layers": {node: {"W": W, "R": {"sparsity": "off"}}}}
            program = hcgs.compile(path, target="generic", calibrate=x, config=config)
            W = next(m for m in program.report["matrices"] if m["matrix"] == "W")
            program.run(x)
            macs = program.stats["macs"] / steps - 4 * HIDDEN * HIDDEN  # without R
            machine = 4 * HIDDEN * INPUTS / macs
            rows.append(
                (
                    f"{HIDDEN} x {INPUTS}, {balance}",
                    f"{W['ratio_to_dense']:.2f}x in the accounting, {machine:.2f}x on the machine",
                )
            )
            numbers[balance] = {"accounting": W["ratio_to_dense"], "machine": machine}
            if W["ratio_to_dense"] != wanted or machine != wanted:
                failed.append(f"{balance}: {W['ratio_to_dense']} and {machine}, not {wanted}")
        for inputs in (440, 512):
            path = bench.make_model(
                Path(folder) / "i.onnx", "--layers", 1, "--hidden", HIDDEN, "--inputs", inputs
            )
            program = hcgs.compile(
                path, target="generic", sparsity="impose", tiers=TIERS, weight_bits=6
            )
            totals = program.report["totals"]
            share = 100 * totals["index_bytes"] / totals["weight_bytes"]
            rows.append(
                (
                    f"index, {HIDDEN} cells, {inputs} inputs",
                    f"{totals['index_bytes']} of {totals['weight_bytes']} B: {share:.2f} %",
                )
            )
            numbers[f"index_{inputs}"] = share
            if share > 1:
                failed.append(f"index of {inputs} inputs: {share:.2f} %")
    bench.table("blocks of 32 and 4, 25 % kept of each, 6 bit", rows)
    for line in failed:
        print(f"FAILED {line}")
    bench.write_json(args.json, numbers)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
