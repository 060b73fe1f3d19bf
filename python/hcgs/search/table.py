# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A search on the terminal: progress, and the tables of its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

from .algorithm import Trial, Variable
from .widths import WidthSearch


def progress_printer(stream: TextIO) -> Callable[[Trial, int, int | None], None]:
    """A line for each measurement."""

    def show(trial: Trial, done: int, planned: int | None) -> None:
        place = f"{done}/{planned}" if planned else f"{done}"
        result = trial.found.error or _figures(trial)
        print(
            f"{trial.phase} {place}: {result}, {trial.cost:,.0f} bytes",
            file=stream,
            flush=True,
        )

    return show


def print_result(result: WidthSearch, stream: TextIO, all_trials: bool = True) -> None:
    """The table of trials, if asked for, and the widths that were found."""
    if all_trials:
        rows = []
        for trial in result.trials:
            rows.append(
                [
                    str(trial.number),
                    trial.phase,
                    _changes(result.variables, trial, result.base),
                    f"{trial.cost:,.0f}",
                    _db(trial),
                    _percent(trial.found.accuracy),
                    _percent(trial.found.agreement),
                    "best" if trial is result.best else "yes" if trial.met else "no",
                ]
            )
        head = [
            "#",
            "phase",
            "widths",
            "bytes",
            "SQNR dB",
            "accuracy",
            "agreement",
            "meets",
        ]
        _table(head, rows, "r.l" + "rrrrl", stream)
        print(
            "\nw weights, a act, g gate, c cell, i input, W and R of a matrix; layers in",
            file=stream,
        )
        print(
            "the order of the table below. Each line gives what is below the widest.\n",
            file=stream,
        )
    rows = [
        [v.name, str(base), str(width), f"{v.cost * width:,.0f}"]
        for v, base, width in zip(
            result.variables, result.base.found.widths, result.best.found.widths
        )
    ]
    _table(["what", "widest", "found", "bytes"], rows, "lrrr", stream)
    best, base = result.best, result.base
    saved = 100 * (1 - best.cost / base.cost)
    print(
        f"\n{result.budget.text()} asked for, {_figures(best)} found; "
        f"{best.cost:,.0f} bytes,\n{saved:.1f} % less than {base.cost:,.0f} at the widest; "
        f"{len(result.trials)} assignments measured",
        file=stream,
    )


def _changes(variables: Sequence[Variable], trial: Trial, base: Trial) -> str:
    """Where an assignment is below the widest one: "w0:4 c1:12"."""
    layers = list(dict.fromkeys(v.key[0] for v in variables))
    letters = {
        "weight-bits": "w",
        "act-bits": "a",
        "gate-bits": "g",
        "cell-bits": "c",
        "input-bits": "i",
    }
    found = [
        f"{v.key[1] or letters[v.key[2]]}{layers.index(v.key[0])}:{width}"
        for v, width, widest in zip(variables, trial.found.widths, base.found.widths)
        if width != widest
    ]
    return " ".join(found) or "widest"


def _figures(trial: Trial) -> str:
    parts = [f"{_db(trial)} dB"]
    if trial.found.accuracy is not None:
        parts.append(f"accuracy {_percent(trial.found.accuracy)}")
    elif trial.found.agreement is not None:
        parts.append(f"agreement {_percent(trial.found.agreement)}")
    return ", ".join(parts)


def _db(trial: Trial) -> str:
    return "-" if trial.found.sqnr_db is None else f"{trial.found.sqnr_db:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _table(head: list[str], rows: list[list[str]], align: str, stream: TextIO) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for number, row in enumerate([head, *rows]):
        cells = [
            text.rjust(width) if side == "r" else text.ljust(width)
            for text, width, side in zip(row, widths, align)
        ]
        print("  ".join(cells).rstrip(), file=stream)
        if number == 0:
            print("  ".join("-" * width for width in widths), file=stream)
