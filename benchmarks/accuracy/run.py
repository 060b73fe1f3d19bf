# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Accuracy and SQNR of the JapaneseVowels recogniser against the width of its
weights, 2 to 8 bits, and its compression, 1x to 32x.

For every compression and seed the network of examples/japanese_vowels is trained
from scratch inside its masks, by that folder's own recipe, compiled at every
width, and run on all 370 test utterances on the simulator. SQNR is that of the
frame scores against ONNX Runtime with the same trained weights, so it tells what
quantisation costs; accuracy tells what quantisation and compression cost
together. Trained models are kept in the cache folder.

    benchmarks/accuracy/run.py [--docs]

`--docs` renews docs/Accuracy.md, its plots and its JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

import numpy as np

import hcgs
from hcgs.verify import Comparison

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT / "examples" / "japanese_vowels")]
import bench  # noqa: E402
import data  # noqa: E402

#: What LSTM matrices keep; the first one, of 12 columns, stays whole.
TIERS = {
    1: None,
    2: "32x32:100%,4x4:50%",
    4: "32x32:50%,4x4:50%",
    8: "32x32:50%,4x4:25%",
    16: "32x32:25%,4x4:25%",
    32: "32x32:25%,4x4:12.5%",
}
WIDTHS = tuple(range(2, 9))
#: A machine that takes any width, with room for the whole network.
TARGET = "generic"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def trained(ratio: int, seed: int, cache: Path) -> Path:
    """The ONNX file of a network, from the cache or trained now."""
    path = cache / f"japanese_vowels_{ratio}x_seed{seed}.onnx"
    if path.exists():
        return path
    import torch
    import train

    from hcgs.train import masks

    torch.set_num_threads(1)  # the order of additions depends on the threads
    kind = f"{ratio}x"
    train.KINDS[kind] = masks.parse_tiers(TIERS[ratio]) if TIERS[ratio] else ()
    start = time.perf_counter()
    model = train.train(kind, seed)
    train.check_kept_weights(model)
    train.write(path, train.export(model))
    say(f"{ratio}x, seed {seed}: trained in {time.perf_counter() - start:.0f} s")
    return path


def measure(ratio: int, seed: int, cache: Path) -> list[dict]:
    """Figures of one trained network at every width."""
    model = trained(ratio, seed, cache)
    utterances, labels = data.load("test")
    x, lengths = data.pad(utterances)
    calibration = dict(np.load(ROOT / "examples" / "japanese_vowels" / "calibration.npz"))
    del calibration["labels"]
    comparison = None
    rows = []
    for bits in WIDTHS:
        program = hcgs.compile(model, target=TARGET, calibrate=calibration, weight_bits=bits)
        if comparison is None:
            comparison = Comparison(program, model, x, lengths, labels)
        found = comparison.of(program)
        totals = program.report["totals"]
        rows.append(
            {
                "compression": ratio,
                "seed": seed,
                "weight_bits": bits,
                "accuracy": found.accuracy,
                "accuracy_fp32": found.model_accuracy,
                "agreement": found.agreement,
                "sqnr_db": found.sqnr_db,
                "weight_bytes": totals["weight_bytes"],
                "index_bytes": totals["index_bytes"],
                "fp32_bytes": totals["fp32_bytes"],
            }
        )
        say(
            f"{ratio}x, seed {seed}, {bits} bits: {found.sqnr_db:.1f} dB, accuracy "
            f"{100 * found.accuracy:.2f} % (fp32 {100 * found.model_accuracy:.2f} %)"
        )
    return rows


def summary(rows: list[dict], seeds: list[int]) -> dict:
    """Means over the seeds, by compression and width."""
    import train

    cells = []
    for ratio in TIERS:
        for bits in WIDTHS:
            found = [r for r in rows if (r["compression"], r["weight_bits"]) == (ratio, bits)]
            accuracies = [r["accuracy"] for r in found]
            cells.append(
                {
                    "compression": ratio,
                    "weight_bits": bits,
                    "accuracy_mean": float(np.mean(accuracies)),
                    "accuracy_min": min(accuracies),
                    "accuracy_max": max(accuracies),
                    "accuracy_fp32_mean": float(np.mean([r["accuracy_fp32"] for r in found])),
                    "sqnr_db_mean": float(np.mean([r["sqnr_db"] for r in found])),
                    "weight_bytes": found[0]["weight_bytes"],
                    "index_bytes": found[0]["index_bytes"],
                    "fp32_bytes": found[0]["fp32_bytes"],
                }
            )
    return {
        "benchmark": "accuracy",
        "data": "JapaneseVowels, 370 test utterances",
        "target": TARGET,
        "seeds": seeds,
        "epochs": train.EPOCHS,
        "tiers": {f"{ratio}x": tiers for ratio, tiers in TIERS.items()},
        "cells": cells,
        "runs": rows,
    }


def markdown(numbers: dict) -> str:
    """The tables of docs/Accuracy.md."""
    cells = {(c["compression"], c["weight_bits"]): c for c in numbers["cells"]}

    def table(title: str, last: str, text) -> list[str]:
        head = " | ".join(f"{bits} bits" for bits in WIDTHS)
        lines = [f"| {title} | {head} | {last} |", "| --- |" + " ---: |" * (len(WIDTHS) + 1)]
        for ratio in TIERS:
            row = " | ".join(text(cells[ratio, bits]) for bits in WIDTHS)
            end = cells[ratio, WIDTHS[-1]]
            more = (
                f"{100 * end['accuracy_fp32_mean']:.1f}"
                if last == "fp32"
                else f"{end['fp32_bytes']:,}"
            )
            lines.append(f"| {ratio}x | {row} | {more} |")
        return lines

    return "\n".join(
        [
            "Accuracy in %, mean over the seeds:",
            "",
            *table("compression", "fp32", lambda c: f"{100 * c['accuracy_mean']:.1f}"),
            "",
            "SQNR of the frame scores in dB, mean over the seeds:",
            "",
            *[
                re.sub(r" \|[^|]*\|$", " |", line)
                for line in table("compression", "fp32", lambda c: f"{c['sqnr_db_mean']:.1f}")
            ],
            "",
            "Bytes of the weight image, of the whole model; the index is "
            + ", ".join(
                f"{cells[ratio, 8]['index_bytes']} at {ratio}x" for ratio in TIERS if ratio > 1
            )
            + ":",
            "",
            *table("compression", "dense fp32", lambda c: f"{c['weight_bytes']:,}"),
        ]
    )


def renew_docs(numbers: dict) -> None:
    """Put tables, plots and JSON into docs/."""
    from hcgs.report.plots import Plotter, standalone

    folder = ROOT / "docs" / "Accuracy"
    folder.mkdir(exist_ok=True)
    (folder / "accuracy.json").write_text(json.dumps(numbers, indent=1) + "\n")
    plotter = Plotter()
    for name, key, factor, label in (
        ("accuracy", "accuracy_mean", 100, "test accuracy in %"),
        ("sqnr", "sqnr_db_mean", 1, "SQNR in dB"),
    ):
        series = {}
        for ratio in TIERS:
            cells = [c for c in numbers["cells"] if c["compression"] == ratio]
            series[f"{ratio}x"] = (
                [c["weight_bits"] for c in cells],
                [factor * c[key] for c in cells],
            )
        svg = plotter.curves(f"{label} by weight bits", series, "weight bits", label)
        (folder / f"{name}.svg").write_text(standalone(svg))
    page = ROOT / "docs" / "Accuracy.md"
    begin, end = "<!-- benchmarks/accuracy/run.py --docs -->\n", "<!-- end -->\n"
    head, rest = page.read_text().split(begin)
    page.write_text(head + begin + markdown(numbers) + "\n" + end + rest.split(end)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="0 to N-1 [%(default)s]")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "accuracy", metavar="FOLDER",
        help="trained models [build/accuracy]",
    )
    parser.add_argument("--train-only", action="store_true", help="only fill the cache")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--docs", action="store_true", help="renew docs/Accuracy.md")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    seeds = list(range(args.seeds))
    try:
        if args.train_only:
            for ratio in TIERS:
                for seed in seeds:
                    trained(ratio, seed, args.cache)
            return 0
        rows = [row for ratio in TIERS for seed in seeds for row in measure(ratio, seed, args.cache)]
    except (data.DataError, hcgs.Error) as error:
        say(f"accuracy: error: {error}")
        return 1
    numbers = summary(rows, seeds)
    print(markdown(numbers))
    bench.write_json(args.json, numbers)
    if args.docs:
        renew_docs(numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
