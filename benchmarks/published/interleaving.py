# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""R6: work that has nothing to do with each other fills the multipliers: two
layers, two directions, four batch rows."""

from __future__ import annotations

from machine import Bench, Compiled
from schedules import TARGETS
from section import Line, Section, Table, number, refusal

HIDDEN = (128, 256, 512, 1024)
CASES = {
    "one layer": ({}, ()),
    "two layers": ({"layers": 2}, ()),
    "two directions": ({"layers": 1, "bidirectional": True}, ()),
    "four streams": ({}, ("--streams=4",)),
}
EXCEEDS, REACHES = 1.1, 0.99


def others(bound: dict) -> float:
    """The largest bound but that of the products."""
    return max(bound[name] for name in ("vector", "load", "store", "dispatch", "recurrence"))


def run(work: Bench) -> Section:
    section = Section("R6", "layers, directions and batch rows interleaved")
    targets, sizes = (("sharp-1k", "sharp-64k"), (128,)) if work.quick else (TARGETS, HIDDEN)
    items = [(case, target, hidden) for hidden in sizes for case in CASES for target in targets]
    for hidden in sizes:
        for shape, _ in CASES.values():
            work.quantized(hidden, hidden, **shape)

    def measure(item) -> Compiled:
        case, target, hidden = item
        shape, options = CASES[case]
        compiled = work.compile(work.quantized(hidden, hidden, **shape), target, *options)
        if not compiled.refused:
            work.steady(compiled, hidden, rows=compiled.report["estimate"].get("rows", 1))
        compiled.path.unlink(missing_ok=True)
        return compiled

    found = dict(zip(items, work.parallel(measure, items)))
    bound_by_products, reached = [], []
    for target in targets:
        rows = []
        for case in CASES:
            for hidden in sizes:
                one = found[case, target, hidden]
                name = f"{case}, {hidden} cells"
                if one.refused:
                    rows.append([name, one.refused, *["–"] * 6])
                    section.numbers[f"{target}, {name}"] = {"refused": one.refused}
                    section.lines.append(refusal(f"{target}, {name}", one.refused))
                    continue
                bound = one.bound or {}
                if not bound:
                    section.lines.append(Line(f"{target}, {name}", "–", "no bound in the report",
                                              None, "has a bound", False))
                macs, rest = bound.get("macs"), others(bound) if bound else None
                use = macs / one.cycles if bound else None
                must = bool(bound) and macs >= EXCEEDS * rest
                if must:
                    bound_by_products.append((target, name))
                    if use >= REACHES:
                        reached.append((target, name))
                    else:
                        section.notes.append(
                            f"{target}, {name}: {100 * use:.2f} % of the products' bound "
                            f"{number(macs, 0)}, the largest other bound is {number(rest, 0)}")
                lanes_used = one.report["estimate"]["mac_utilization"]
                rows.append([name, number(one.cycles), number(macs, 0), number(rest, 0),
                             bound.get("binding", "–"),
                             f"{100 * bound['cycles'] / one.cycles:.2f} %" if bound else "–",
                             "–" if use is None else f"{100 * use:.2f} %" + (" *" if must else ""),
                             f"{100 * lanes_used:.2f} %"])
                section.numbers[f"{target}, {name}"] = {
                    "cycles_per_step": one.cycles, "bound": bound, "lanes_used": lanes_used,
                    "products_bound_reached": use, "products_exceed_by_10_percent": must,
                    "rows": one.report["estimate"].get("rows", 1)}
        section.tables.append(Table(
            f"A step on {target}", ["case", "cycles", "products", "largest other bound", "binding",
                                    "of the bound", "of the products' bound", "of the lanes"], rows))
    section.lines.insert(0, Line(
        "cases in which the products' bound exceeds every other by 10 %, and is reached to 99 %",
        "–", f"{len(reached)} of {len(bound_by_products)}", None, "all",
        len(reached) == len(bound_by_products) if bound_by_products else None))
    section.notes += [
        "Nothing of this is published; it is what a scheduler that sees the whole network can do. "
        "Cases marked * are those in which the products' bound exceeds every other by 10 %.",
        "A step of four streams is a step of four batch rows, of two layers one of both.",
        "One layer alone is shown for comparison: its recurrence cannot hide.",
    ]
    return section
