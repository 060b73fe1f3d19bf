# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Published HCGS weights, imported without hints.

    benchmarks/detection/run.py [--count 200] [--json FILE]

makes seeded models of an LSTM and a linear layer with the published masks and
quantiser (published.py) and compiles each. A case passes if the pattern is detected as it was planted
(block sizes, kept shares, balance, sharing), every weight code of the image is
the code of the training, and the simulator equals the NumPy integer model in
every bit. Exits 1 if a case fails.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent),
    str(Path(__file__).resolve().parents[1]),
]

import bench  # noqa: E402
import published  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=200, help="cases (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--verbose", action="store_true", help="trace failures")
    args = parser.parse_args()
    if args.count < 1:
        parser.error(f"--count {args.count} is less than 1")

    groups: dict[str, list[published.Found]] = {
        name: [] for name in [*published.PATTERNS, *published.LINEAR_PATTERNS]
    }
    outputs = 0
    failures: list[str] = []
    start = time.perf_counter()
    for seed in range(args.seed, args.seed + args.count):
        case = published.make(seed)
        try:
            outcome = published.check(case)
            outputs += outcome.outputs
            for which, found in outcome.matrices.items():
                groups[case.pattern_of(which)].append(found)
        except Exception as error:
            if args.verbose:
                traceback.print_exc()
            failures.append(f"{case}\n    {type(error).__name__}: {error}")
        if sys.stderr.isatty():
            print(f"\r{seed - args.seed + 1} of {args.count}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    seconds = time.perf_counter() - start

    rows, numbers = [], {}
    for name, matrices in groups.items():
        if not matrices:
            continue
        least = min(matrices, key=lambda found: found.confidence)
        codes = sum(found.codes for found in matrices)
        rows.append((
            name,
            f"{len(matrices):4} matrices, {codes:12,} codes unchanged, least confidence "
            f"{least.confidence:.1f} bits ({100 * least.share:.2f} %)",
        ))  # fmt: skip
        numbers[name] = {
            "matrices": len(matrices),
            "codes": codes,
            "least_confidence_bits": least.confidence,
        }
    passed = args.count - len(failures)
    rows.append((
        "detected and bit-exact",
        f"{passed} of {args.count} cases, {outputs:,} outputs equal, in {seconds:.0f} s",
    ))  # fmt: skip
    bench.table("Published HCGS weights without hints (blocks, % dropped)", rows)
    for failure in failures:
        print(failure)
    bench.write_json(
        args.json,
        {
            "cases": args.count,
            "passed": passed,
            "outputs": outputs,
            "patterns": numbers,
            "failures": failures,
        },
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
