# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R1: the weight image of the published chip."""

from __future__ import annotations

import bench
from machine import Bench
from section import Line, Section

PUBLISHED = 288_000  # bytes
HIDDEN, INPUTS, LAYERS = 512, 440, 3


def run(work: Bench) -> Section:
    model = bench.make_model(
        work.new_path(".onnx"), "--layers", LAYERS, "--hidden", HIDDEN, "--inputs", INPUTS,
        "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1)
    compiled = work.compile(model, "hcgs-65nm", "--weight-bits=6")
    section = Section("R1", "3x512 cells, 440 inputs, 16x, 6 bits on the chip's memory")
    if compiled.refused:
        section.lines.append(Line("weight image", f"{PUBLISHED:,} B", compiled.refused, None,
                                  "runs", False))
        return section
    totals = compiled.report["totals"]
    weights, index = totals["weight_bytes"], totals["index_bytes"]
    steps = 4 if work.quick else 20
    stats = work.simulate(compiled.path, steps, INPUTS, "--checked")
    section.lines = [
        Line("weight image", f"{PUBLISHED:,} B", f"{weights:,} B", PUBLISHED / weights,
             f"{PUBLISHED:,} B", weights == PUBLISHED),
        Line("index, share of the weights", "–", f"{index:,} B, {100 * index / weights:.2f} %", None,
             "at most 1 %", index <= 0.01 * weights),
        Line("the program runs", "–", f"{stats['frames']} frames, {stats['cycles']:,} cycles", None,
             "runs", stats["frames"] == steps),
    ]
    section.notes = [
        "288 kB of on-chip memory is second-hand, from third-party tables about Kadetotad et al. "
        "(SSC-L 2019, JSSC 2020). That kB = 1000, and that it is exactly the weights of this "
        "network, is inferred from its size: 6,144,000 / 16 weights of 6 bits.",
        "Masks are random, balanced by columns (blocks of 32 and 4, 25 % each), which keeps exactly "
        "one weight in 16; the frames were run in checked mode.",
    ]
    section.numbers = {"published_bytes": PUBLISHED, **totals, "cycles": stats["cycles"],
                       "frames": stats["frames"],
                       "cycles_per_step": compiled.cycles}
    return section
