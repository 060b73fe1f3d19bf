# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile time and memory of a large model: 3 layers of 1024, 440 inputs, 23
million random weights.

Prints wall time and the peak of anonymous memory above that of starting the
tool, the latter also as a multiple of the model's bytes.

    benchmarks/compile/run.py [--repeat N] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

CASES = {
    "dense weights": (["--sparsity", "none"], []),
    "HCGS 16x in the model, detected": (["--tiers", "32x32:25%,4x4:25%", "--balance", "row"], []),
    "dense weights, 16x imposed": (
        ["--sparsity", "none"],
        ["--sparsity=impose", "--tiers=32x32:25%,4x4:25%", "--balance=row"],
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each case; the best counts")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()
    rows, numbers = [], {}
    start_up = min(bench.run("hcgs-compile", "--version").anonymous_bytes for _ in range(3))
    rows.append(("start-up", f"{start_up / 1e6:.1f} MB anonymous"))
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        for name, (model_options, options) in CASES.items():
            model = bench.make_model(temp / "model.onnx", "--layers", 3, "--hidden", 1024,
                                     "--inputs", 440, "--seed", 1, *model_options)
            size = model.stat().st_size
            runs = [
                bench.run("hcgs-compile", model, "--target=generic", *options, "-o", temp / "out.hcgs")
                for _ in range(args.repeat)
            ]
            for done in runs:
                if done.status:
                    print(done.stderr, file=sys.stderr)
                    return 1
            seconds = min(done.seconds for done in runs)
            memory = max(done.anonymous_bytes for done in runs) - start_up
            rows.append((name, f"{seconds:.2f} s, {memory / 1e6:.0f} MB above start-up = "
                         f"{memory / size:.2f} x the model ({size / 1e6:.0f} MB)"))
            numbers[name] = {"seconds": seconds, "anonymous_bytes": memory, "model_bytes": size}
    bench.table("compiling 3x1024, 440 inputs, for generic", rows)
    bench.write_json(args.json, numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
