# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R5: the circulant LSTM of Wang, Lin and Wang (TVLSI 2017)."""

from __future__ import annotations

from machine import Bench
from models import lstm
from section import Line, Section, Table, number, refusal

TARGET = "wang-90nm"
HIDDEN = INPUTS = 512
PUBLISHED_US = 1.71
BLOCKS = (16, 32, 64, 128)
DENSE = 4 * HIDDEN * (INPUTS + HIDDEN)


def run(work: Bench) -> Section:
    section = Section("R5", f"circulant LSTM, 512 cells, 512 inputs, on {TARGET}")
    model = lstm(work.new_path(".onnx"), HIDDEN, INPUTS)
    rows = []
    for block in BLOCKS[1:2] if work.quick else BLOCKS:
        compiled = work.compile(model, TARGET, f"--circulant={block}")
        if compiled.refused:
            rows.append([f"{block}", compiled.refused, *["–"] * 6])
            section.numbers[block] = {"refused": compiled.refused}
            section.lines.append(refusal(f"blocks of {block}", compiled.refused,
                                         f"{PUBLISHED_US} us"))
            continue
        cycles = work.steady(compiled)
        microseconds = 1e6 * cycles / compiled.report["target"]["clock_hz"]
        totals = compiled.report["totals"]
        bits = compiled.report["options"]["weight-bits"]
        stored = totals["weight_bytes"]
        less_float, less_same = 1 - stored / (4 * DENSE), 1 - stored / (DENSE * bits / 8)
        bound = compiled.bound or {}
        section.numbers[block] = {
            "cycles_per_step": cycles, "microseconds": microseconds, "weight_bytes": stored,
            "weight_bits": bits, "less_than_fp32": less_float, "less_than_same_width": less_same,
            "bound": bound}
        rows.append([f"{block}", number(cycles), number(microseconds, 3),
                     number(bound.get("cycles"), 0), bound.get("binding", "–"), f"{stored:,}",
                     f"{100 * less_float:.2f} %", f"{100 * less_same:.2f} %"])
        section.lines += [
            Line(f"a step in the steady state, blocks of {block}", f"{PUBLISHED_US} us",
                 f"{microseconds:.3f} us", PUBLISHED_US / microseconds, "at most 1.71 us",
                 microseconds <= PUBLISHED_US),
            Line(f"less weight memory than fp32, blocks of {block}", "95 %",
                 f"{100 * less_float:.2f} %", less_float / 0.95, "more than 95 %", less_float > 0.95),
        ]
    section.tables = [Table(
        "By block size", ["block", "cycles a step", "us", "bound", "binding", "weight bytes",
                          "less than fp32", "less than dense of the same width"], rows)]
    section.notes = [
        "Published (Wang, Lin, Wang, TVLSI 2017): 1.71 us for a step of a compressed LSTM of 512 cells and 512 inputs, and 2.46 "
        "TOPS on the uncompressed one. 2048 products a cycle at 600 MHz are fitted: 2,097,152 "
        "products are 1,024 cycles or 1.707 us, which leaves no room for an exposed tail. Queues, "
        "latencies and vector lanes are assumed (target file).",
        "The block size behind the published figures is not known here; several are shown. Cycles "
        "do not depend on it as long as blocks fit row blocks, memory does.",
        "The compiler's and the simulator's counts are equal, else the benchmark stops.",
    ]
    return section
