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
#: Sizes that tiles, row blocks and vector lanes do not divide, or inputs that
#: are much narrower than layers, so that several bounds lie close together:
#: (target, case, inputs, hidden).
AWKWARD = (
    ("sharp-1k", "one layer", 70, 70),
    ("sharp-1k", "two layers", 32, 56),
    ("sharp-1k", "two directions", 55, 56),
    ("sharp-1k", "four streams", 33, 33),
    ("sharp-4k", "two directions", 64, 128),
    ("sharp-4k", "two directions", 40, 128),
    ("sharp-4k", "two layers", 100, 100),
    ("sharp-4k", "four streams", 100, 100),
    ("sharp-16k", "two directions", 40, 256),
    ("sharp-16k", "two layers", 174, 181),
    ("sharp-64k", "two layers", 196, 445),
    ("sharp-64k", "two directions", 406, 448),
)


def others(bound: dict) -> float:
    """The largest bound but that of the products."""
    return max(bound[name] for name in ("vector", "load", "store", "dispatch", "recurrence"))


def measured(work: Bench, target: str, case: str, inputs: int, hidden: int) -> Compiled:
    """One case, compiled and timed; its program is not kept."""
    shape, options = CASES[case]
    compiled = work.compile(work.quantized(hidden, inputs, **shape), target, *options)
    if not compiled.refused:
        work.steady(compiled)
    compiled.path.unlink(missing_ok=True)
    return compiled


def add_awkward(work: Bench, section: Section) -> None:
    """Cases where no unit alone says how fast it can go: shown, not judged."""
    cases = AWKWARD[:2] if work.quick else AWKWARD
    for _, case, inputs, hidden in cases:
        work.quantized(hidden, inputs, **CASES[case][0])
    rows, over, reached = [], 0, 0
    for (target, case, inputs, hidden), one in zip(
            cases, work.parallel(lambda item: measured(work, *item), cases)):
        name = f"{target}, {case}, {inputs} inputs, {hidden} cells"
        if one.refused:
            rows.append([name, one.refused, *["–"] * 5])
            section.numbers[name] = {"refused": one.refused}
            continue
        bound, busy = one.bound, one.report["schedule"]["busy_per_step"]
        must = bound["macs"] >= EXCEEDS * others(bound)
        over += must
        reached += must and bound["macs"] >= REACHES * one.cycles
        rows.append([name + (" *" if must else ""), number(one.cycles),
                     f"{number(bound['cycles'], 0)} {bound['binding']}",
                     f"{100 * bound['cycles'] / one.cycles:.1f} %",
                     *(number(busy[unit], 1) for unit in ("macs", "vector", "dispatch"))])
        section.numbers[name] = {"cycles_per_step": one.cycles, "bound": bound,
                                 "busy_per_step": busy, "products_exceed_by_10_percent": must}
    section.tables.append(Table(
        "Awkward sizes: cycles a step, and of them busy",
        ["case", "cycles", "bound", "of the bound", "matrix", "vector", "dispatch"], rows))
    section.notes.append(
        f"Of the awkward sizes {over} have a products' bound that exceeds every other by 10 % (*), "
        f"and {reached} of these reach 99 % of it. The bound of each unit counts whole operations. "
        "To hide the recurrence they have to be cut, which rounds up to tiles and lanes and fills "
        "dispatch: the table shows what the pieces take. No pass mark is set for them.")


def run(work: Bench) -> Section:
    section = Section("R6", "layers, directions and batch rows interleaved")
    targets, sizes = (("sharp-1k", "sharp-64k"), (128,)) if work.quick else (TARGETS, HIDDEN)
    items = [(case, target, hidden) for hidden in sizes for case in CASES for target in targets]
    for hidden in sizes:
        for shape, _ in CASES.values():
            work.quantized(hidden, hidden, **shape)

    def measure(item) -> Compiled:
        case, target, hidden = item
        return measured(work, target, case, hidden, hidden)

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
    add_awkward(work, section)
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
