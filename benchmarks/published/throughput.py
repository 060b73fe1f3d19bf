# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R2: operations a second of the published chip at its fastest point."""

from __future__ import annotations

import bench
from machine import Bench
from section import Line, Section, Table

HIDDEN, INPUTS, LAYERS = 512, 440, 2
LANES = 64
PUBLISHED_TOPS = 0.16
DENSE = 4 * HIDDEN * (INPUTS + HIDDEN + 2 * HIDDEN)  # products of a frame
BOUND = DENSE / 16 / LANES  # cycles


def run(work: Bench) -> Section:
    model = bench.make_model(
        work.new_path(".onnx"), "--layers", LAYERS, "--hidden", HIDDEN, "--inputs", INPUTS,
        "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1)
    compiled = work.compile(model, "hcgs-65nm", "--weight-bits=6")
    section = Section("R2", "2x512 cells at 16x, 64 multipliers, 80 MHz")
    if compiled.refused:
        section.lines.append(Line("steady state of run", f"{PUBLISHED_TOPS} TOPS",
                                  compiled.refused, None, "at least 0.16 TOPS", False))
        return section
    short, long = (16, 48) if work.quick else (100, 400)
    counts = [work.simulate(compiled.path, steps, INPUTS) for steps in (short, long)]
    cycles = (counts[1]["cycles"] - counts[0]["cycles"]) / (long - short)
    macs = (counts[1]["macs"] - counts[0]["macs"]) / (long - short)
    # hcgs-sim resets before it steps: the difference of two calls and one.
    one, two = (work.simulate(compiled.path, n, INPUTS, "--entry", "step", "--chunk", "1")["cycles"]
                for n in (1, 2))
    step = two - one

    def tops(count: float) -> float:
        return 2 * DENSE * compiled.report["target"]["clock_hz"] / count / 1e12

    share = BOUND / cycles
    section.lines = [
        Line("dense-equivalent, steady state of run", f"{PUBLISHED_TOPS} TOPS", f"{tops(cycles):.4f} TOPS",
             tops(cycles) / PUBLISHED_TOPS, "at least 0.16 TOPS", tops(cycles) >= PUBLISHED_TOPS),
        Line("share of the bound of 64 multipliers", "97.66 % (inferred)", f"{100 * share:.2f} %", share / 0.9766,
             "at least 99.5 %", share >= 0.995),
        Line("one frame at a time (step)", "–", f"{tops(step):.4f} TOPS, {step:,} cycles", None),
    ]
    matrix = counts[1]["units"]["matrix"]
    idle = {cause: n for cause, n in matrix.items() if cause != "busy" and n}
    section.tables = [Table(
        f"Cycles of the matrix unit in {long} frames, of {counts[1]['cycles']:,}",
        ["cause", "cycles", "share"],
        [[cause, f"{n:,}", f"{100 * n / counts[1]['cycles']:.2f} %"]
         for cause, n in [("busy", matrix["busy"]), *idle.items()]])]
    section.notes = [
        f"Every instruction is counted: {cycles:,.2f} cycles a frame (the difference of {long} and "
        f"{short} frames) for {macs:,.0f} products, of which {LANES} a cycle are {BOUND:,.0f} cycles.",
        "0.16 TOPS at 80 MHz is second-hand, from third-party tables about Kadetotad et al. (SSC-L "
        "2019, JSSC 2020), who state 16x compression. 64 multipliers are inferred from it (64 * 2 * "
        "16 * 80 MHz = 0.1638 TOPS), and so is 97.66 %; nobody published a share of a bound.",
        "Unit latencies, vector lanes and ports of hcgs-65nm are assumed; the target file says why.",
    ]
    section.numbers = {"cycles_per_frame": cycles, "macs_per_frame": macs, "bound_cycles": BOUND,
                       "tops": tops(cycles), "share_of_bound": share, "step_cycles": step,
                       "step_tops": tops(step), "published_tops": PUBLISHED_TOPS, "matrix": matrix}
    return section
