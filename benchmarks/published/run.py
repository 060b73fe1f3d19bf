# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every published figure that the project holds itself against: *published /
ours / ratio*.

    benchmarks/published/run.py [--only R1,R4b] [--quick] [--json FILE] [--docs]

R1 weight image of the chip, R2 its operations a second, R3 its energy, R4 the
schedules of LSTM-Sharp and fixed tiles, R4b BrainWave's latencies, R5 the
circulant LSTM, R6 layers, directions and batch rows interleaved. All cycles are
counted by the compiler on the program it wrote, and by the simulator where it
takes no time; both must agree. `--quick` runs a few cases of each to see that
everything works. `--docs` renews docs/Published.md, its pictures and its JSON.

Exit status 1 if a figure misses its target.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

import circulant  # noqa: E402
import energy  # noqa: E402
import interleaving  # noqa: E402
import latency  # noqa: E402
import memory  # noqa: E402
import page  # noqa: E402
import schedules  # noqa: E402
import throughput  # noqa: E402
from machine import Bench  # noqa: E402
from section import to_text  # noqa: E402

FIGURES = {
    "R1": memory.run,
    "R2": throughput.run,
    "R3": energy.run,
    "R4": schedules.run,
    "R4b": latency.run,
    "R5": circulant.run,
    "R6": interleaving.run,
}


def why_not_writable(path: Path) -> str | None:
    """Why a file cannot be written there; None if it can. Changes nothing."""
    existed = path.exists()
    try:
        with path.open("a"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        return f"cannot write '{path}': {error.strerror}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default=",".join(FIGURES), metavar="R1,...",
                        help="figures to make, with commas between them")
    parser.add_argument("--quick", action="store_true", help="a few cases of each figure only")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--docs", action="store_true", help="renew docs/Published.md")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                        help="programs compiled side by side")
    args = parser.parse_args()
    wanted = args.only.split(",")
    for key in wanted:
        if key not in FIGURES:
            parser.error(f"argument --only: '{key}' found, there are {', '.join(FIGURES)}")
    if args.docs and (args.quick or set(wanted) != set(FIGURES)):
        parser.error("argument --docs: the page shows all figures; leave --quick and --only out")
    if args.jobs < 1:
        parser.error(f"argument --jobs: {args.jobs} found, at least 1 is allowed")
    # The run takes minutes: what could not be written afterwards is said now.
    if args.json and (problem := why_not_writable(args.json)):
        parser.error(f"argument --json: {problem}")
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        work = Bench(Path(folder), args.quick, args.jobs)
        for key in wanted:
            start = time.perf_counter()
            sections.append(FIGURES[key](work))
            print(to_text(sections[-1]), flush=True)
            print(f"{key}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(page.numbers(sections), indent=1) + "\n")
    if args.docs:
        page.write(sections)
    missed = [line for section in sections for line in section.lines if line.reached is False]
    for line in missed:
        print(f"missed: {line.what}: {line.ours}; {line.target}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
