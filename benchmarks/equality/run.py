# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Integer equality: simulator against NumPy model, on random networks, on
random programs that no compiler would make, and on real speech.

    python benchmarks/equality/run.py --count 200

compiles seeded random networks (test/integration/random_networks.py) until
`--count` of them compiled, and the JapaneseVowels model, runs both sides and
compares every output code, in checked and unchecked mode, in floats and in
codes, whole and (where the model streams) in chunks. Refusals by the compiler
are counted apart, by reason. Then come integer networks whose numbers make no
sense, through a naive code generator (test/python/tools). Exits 1 if anything differs or the runs did not
exercise what they should.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "test" / "integration"),
    str(ROOT / "test" / "python" / "tools"),
    str(ROOT / "examples" / "japanese_vowels"),
    str(ROOT / "benchmarks"),
]

import bench  # noqa: E402
import equality  # noqa: E402
import random_integers  # noqa: E402
import random_networks  # noqa: E402

import hcgs  # noqa: E402


def random_part(args, total: equality.Coverage, differences: list[str]) -> dict:
    """Cases until enough compiled; gives the refusals by reason."""
    refused: collections.Counter = collections.Counter()
    seed, compiled = args.seed, 0
    while compiled < args.count and seed < args.seed + 3 * args.count:
        case = random_networks.make(seed)
        seed += 1
        try:
            refusal, coverage = equality.check(case)
        except Exception as error:
            if args.verbose:
                traceback.print_exc()
            differences.append(f"{case}\n    {type(error).__name__}: {error}")
            compiled += 1
            continue
        if refusal is not None:
            refused[re.sub(r"'[^']*'|-?\d[\d.,]*", "...", refusal)] += 1
            continue
        compiled += 1
        total.add(coverage)
        if sys.stderr.isatty():
            print(f"\r{compiled} of {args.count}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return refused


def integer_part(args, total: equality.Coverage, differences: list[str]) -> int:
    """Networks that make no sense; gives how many were equal."""
    equal = 0
    for seed in range(args.seed, args.seed + args.integers):
        try:
            outcome = random_integers.check(seed)
        except Exception as error:
            differences.append(f"integer network {seed}: {type(error).__name__}: {error}")
            continue
        equal += 1
        total.codes += outcome.codes
        executed = outcome.statistics["instructions"]
        total.known_opcodes.update(executed)
        total.opcodes.update(name for name, times in executed.items() if times)
    return equal


def speech_part(total: equality.Coverage, differences: list[str]) -> None:
    """All 370 test utterances through the committed model."""
    import data

    folder = ROOT / "examples" / "japanese_vowels"
    utterances, _ = data.load("test")
    program = hcgs.compile(
        folder / "japanese_vowels_16x.onnx", calibrate=folder / "calibration.npz"
    )
    outputs = program.run(utterances)
    file = hcgs.oracle.read(bytes(program))
    name = program.inputs[0].name
    batch, lengths = hcgs.program._pad(program.inputs[0], utterances)
    model = hcgs.oracle.run_tensors(file, {name: batch}, lengths)
    wanted = model.outputs[program.outputs[0].name]
    for row, length in enumerate(lengths):
        if not (outputs[row] == wanted[row, :length]).all():
            differences.append(f"JapaneseVowels: utterance {row} differs")
    total.lengths.update(lengths)
    total.rows += len(lengths)
    total.frames += sum(lengths)
    total.codes += sum(array.size for array in outputs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=200, help="networks that compile")
    parser.add_argument("--integers", type=int, default=100, help="integer networks")
    parser.add_argument("--seed", type=int, default=1000, help="of the first network")
    parser.add_argument("--no-speech", action="store_true", help="random networks only")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()

    start = time.perf_counter()
    total, differences = equality.Coverage(), []
    refused = random_part(args, total, differences)
    networks = total.cases
    integers = integer_part(args, total, differences)
    if not args.no_speech:
        speech_part(total, differences)
    missing = sorted(total.known_opcodes - total.opcodes)
    unseen = sorted(equality.MATRIX_FEATURES - total.features)
    bench.table(
        "integer equality, simulator against NumPy model",
        [
            ("random networks equal", f"{networks} of {args.count}"),
            ("integer networks equal", f"{integers} of {args.integers}"),
            ("refused by the compiler", str(sum(refused.values()))),
            ("JapaneseVowels", "left out" if args.no_speech else "370 utterances"),
            ("sequences, frames", f"{total.rows}, {total.frames}"),
            ("output codes compared", f"{total.codes:,}"),
            ("differences", str(len(differences))),
            ("opcodes executed", f"{len(total.opcodes)} of {len(total.known_opcodes)}"
             + (f", missing: {', '.join(missing)}" if missing else "")),
            ("kinds of matrices", f"{len(equality.MATRIX_FEATURES) - len(unseen)} "
             f"of {len(equality.MATRIX_FEATURES)}"
             + (f", missing: {', '.join(unseen)}" if unseen else "")),
            ("signs of requantising shifts", f"{sorted(total.shift_signs)}"),
            ("saturations seen", ", ".join(sorted(total.saturated))),
            ("lengths", f"{min(total.lengths, default=0)} to {max(total.lengths, default=0)}"),
            ("seconds", f"{time.perf_counter() - start:.0f}"),
        ],
    )  # fmt: skip
    for reason, count in refused.most_common():
        print(f"refused {count} x: {reason}")
    for line in differences:
        print(f"DIFFERS {line}")
    bench.write_json(
        args.json,
        {
            "networks": networks,
            "integer_networks": integers,
            "refused": sum(refused.values()),
            "differences": len(differences),
            "opcodes": sorted(total.opcodes),
            "codes": total.codes,
        },
    )
    complete = (
        networks >= args.count
        and total.opcodes
        and not missing
        and (not unseen or args.count < 200)
        and total.shift_signs == {-1, 0, 1}
        and total.saturated == {"low", "high"}
        and min(total.lengths) == 1
        and max(total.lengths) >= 20
    )
    return 0 if complete and not differences else 1


if __name__ == "__main__":
    sys.exit(main())
