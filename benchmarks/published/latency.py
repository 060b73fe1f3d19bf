# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R4b: BrainWave's latencies of DeepBench's LSTMs, as we recall them, against
`auto` on a machine with as many multipliers and the same clock."""

from __future__ import annotations

import json
from pathlib import Path

from machine import Bench
from section import Line, Section, Table, mean, number, refusal

TARGET = "brainwave-96k"
#: Cells, time steps, milliseconds (DeepBench; as many inputs as cells). Recalled
#: from Fowers et al., ISCA 2018: consistent by arithmetic, not checked against the
#: paper.
RECALLED = [(256, 150, 0.425), (512, 25, 0.077), (1024, 25, 0.074), (1536, 50, 0.145),
            (2048, 25, 0.074)]
AT_LEAST, AIM = 2.86, 4.0
#: Latency of what follows the last product of a step, and how the target makes
#: it up: matrix fill + 5 vector instructions one after the other (gate, sum of
#: the cell, tanh, product with the output gate, h).
CHAIN = 5
TAILS = {28: (8, 4), 60: (10, 10), 100: (10, 18), 200: (10, 38)}


def target_file(work: Bench, tail: int) -> Path:
    fill, latency = TAILS[tail]
    assert fill + CHAIN * latency == tail

    def assumed(value: int) -> dict:
        return {"value": value, "origin": "assumed",
                "source": f"a tail of {tail} cycles: fill + {CHAIN} vector latencies"}

    path = work.folder / f"{TARGET}-tail-{tail}.json"
    path.write_text(json.dumps({
        "base": TARGET, "name": f"{TARGET}-tail-{tail}", "matrix": {"fill": assumed(fill)},
        "vector": {"latency": assumed(latency)}}))
    return path


def run(work: Bench) -> Section:
    section = Section("R4b", "DeepBench LSTMs on 96,000 multipliers at 250 MHz")
    cases = RECALLED[:2] if work.quick else RECALLED
    tails = (28,) if work.quick else tuple(TAILS)
    sources = {hidden: work.quantized(hidden, hidden) for hidden, _, _ in cases}

    def latency(item) -> tuple[float, str | None]:
        tail, (hidden, steps, _) = item
        compiled = work.compile(sources[hidden], target_file(work, tail))
        if compiled.refused:
            return float("nan"), compiled.refused
        stats = work.simulate(compiled.path, steps, hidden)
        compiled.path.unlink()
        return stats["microseconds"] / 1e3, None

    items = [(tail, case) for tail in tails for case in cases]
    results = dict(zip(items, work.parallel(latency, items)))
    rows, means = [], {}
    for case in cases:
        hidden, steps, theirs = case
        ours = [results[tail, case][0] for tail in tails]
        rows.append([f"{hidden} cells, {steps} steps", number(theirs, 3),
                     *(f"{number(ms, 4)} ({number(theirs / ms)}x)" for ms in ours)])
        section.numbers[f"{hidden}x{steps}"] = {
            "recalled_ms": theirs, "ours_ms": dict(zip(map(str, tails), ours))}
    for tail in tails:
        means[tail] = mean([case[2] / results[tail, case][0] for case in cases])
        section.lines.append(Line(
            f"geometric mean over {len(cases)} LSTMs, tail of {tail} cycles", "1x (recalled)",
            f"{number(means[tail])}x", means[tail],
            "at least 2.86x, aim 4x" if tail == 28 else "",
            means[tail] >= AT_LEAST if tail == 28 else None))
    for (tail, case), (_, refused) in results.items():
        if refused:
            section.lines.append(refusal(f"{case[0]} cells, tail of {tail} cycles", refused))
    section.numbers["geometric_mean"] = {str(tail): value for tail, value in means.items()}
    section.tables = [Table("Milliseconds of a whole sequence (and how much faster)",
                            ["case", "BrainWave (recalled)", *(f"tail of {tail}" for tail in tails)], rows)]
    section.notes += [
        "BrainWave's latencies, 96,000 multipliers and 250 MHz are recalled from Fowers et al., "
        "ISCA 2018: consistent by arithmetic, not checked against the paper. Ours is a model: the "
        "adaptive tiles of LSTM-Sharp with so many multipliers (target file), counted by the "
        "simulator from the first load to the last store.",
        "The ratio hangs on how long the tail of a step is, from the last product to the new h: "
        "the matrix unit's fill and five vector instructions one after the other. 28 cycles are "
        "this target's (8 + 5 * 4), as sharp-64k's; the fill of smaller machines is shorter. A "
        "deeply pipelined FPGA at 250 MHz has more, and how many is not known here, hence the "
        "other columns, which change only fill and latency of the vector unit.",
        "BrainWave computes in a block floating-point format and serves GRUs, too; its GRU rows "
        "are left out, since this compiler takes LSTMs.",
    ]
    return section
