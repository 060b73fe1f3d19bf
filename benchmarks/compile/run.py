# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile time and memory of large models: three layers, 10, 25 and 100 million
random weights.

Prints wall time from model file to program file, the same a million weights,
and the peak of anonymous memory above that of starting the tool, the latter
also as a multiple of the model's bytes. Time that is linear in the weights
shows as a constant third column.

Exit status 1, with the figures that missed, if 25 million weights take longer
than MAX_SECONDS or more memory than MAX_MEMORY times the model's bytes; without
25 among the sizes nothing is held against these bounds.

    benchmarks/compile/run.py [--sizes 10,25,100] [--repeat N] [--json FILE]
                              [--no-check]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402

LAYERS = 3
CHECKED_MILLIONS = 25  # the size that the bounds are stated for
MAX_SECONDS = 1.5  # from model file to program file
MAX_MEMORY = 1.5  # anonymous bytes above start-up over bytes of the model
TIERS = "32x32:25%,4x4:25%"
CASES = {
    "dense weights": (["--sparsity", "none"], []),
    "16x in the model, detected": (["--tiers", TIERS, "--balance", "row"], []),
    "dense weights, 16x imposed": (
        ["--sparsity", "none"],
        ["--sparsity=impose", f"--tiers={TIERS}", "--balance=row"],
    ),
}


def hidden_for(millions: float) -> int:
    """The multiple of 32 for which LAYERS layers with as many inputs as cells
    (8 H^2 weights each) come closest to so many weights."""
    return max(32, 32 * round((millions * 1e6 / (8 * LAYERS)) ** 0.5 / 32))


def misses(number: dict) -> list[str]:
    """Which of the bounds one measurement misses, in words."""
    seconds, memory = number["seconds"], number["anonymous_bytes"] / number["model_bytes"]
    what = f"{number['case']}, {number['weights'] / 1e6:.1f} M weights"
    found = []
    if seconds > MAX_SECONDS:
        found.append(f"{what}: {seconds:.2f} s, at most {MAX_SECONDS} s are stated")
    if memory > MAX_MEMORY:
        found.append(f"{what}: {memory:.2f} times the model's bytes of anonymous memory, "
                     f"at most {MAX_MEMORY} are stated")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", default="10,25,100", help="millions of weights, comma-separated")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each case; the best counts")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--no-check", action="store_true",
                        help="do not hold the figures against the stated bounds")
    args = parser.parse_args()
    try:
        sizes = [float(size) for size in args.sizes.split(",")]
    except ValueError:
        parser.error(f"argument --sizes: '{args.sizes}' found, numbers such as 10,25 are allowed")
    numbers = []
    missed = []
    start_up = min(bench.run("hcgs-compile", "--version").anonymous_bytes for _ in range(3))
    print(f"start-up: {start_up / 1e6:.1f} MB of anonymous memory")
    for name, (model_options, options) in CASES.items():
        rows = []
        for size in sizes:
            hidden = hidden_for(size)
            weights = LAYERS * 8 * hidden**2
            print(f"making the model of {weights / 1e6:.1f} M weights", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                temp = Path(folder)
                model = bench.make_model(temp / "model.onnx", "--layers", LAYERS, "--hidden",
                                         hidden, "--inputs", hidden, "--seed", 1, *model_options)
                model_bytes = model.stat().st_size
                runs = []
                for _ in range(args.repeat):
                    runs.append(bench.run("hcgs-compile", model, "--target=generic", *options,
                                          "-o", temp / "out.hcgs"))
                    if runs[-1].status:
                        print(runs[-1].stderr, file=sys.stderr)
                        return 1
            seconds = min(done.seconds for done in runs)
            memory = max(done.anonymous_bytes for done in runs) - start_up
            rows.append((f"{weights / 1e6:6.1f} M, 3x{hidden}",
                         f"{seconds:6.2f} s  {1e9 * seconds / weights:5.1f} ms/M  "
                         f"{memory / 1e6:5.0f} MB = {memory / model_bytes:.2f} x model"))
            numbers.append({"case": name, "weights": weights, "hidden": hidden,
                            "seconds": seconds, "anonymous_bytes": memory,
                            "model_bytes": model_bytes})
            if size == CHECKED_MILLIONS and not args.no_check:
                missed += misses(numbers[-1])
        bench.table(name, rows)
    bench.write_json(args.json, numbers)
    for text in missed:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
