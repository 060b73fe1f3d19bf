# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The page itself: collects the parts and fills the template."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Error, FileError, InputError
from ..files import write_file
from ..oracle.program import read
from ..program import Program, load
from ..verify import Verification
from .analysis import Analysis
from .blockmap import block_maps
from .cycles import bounds_with_loads, measure, roofline, spilling
from .facts import GATES, Facts, MatrixFacts
from .plots import Plotter
from .tables import table_facts
from .timeline import timeline

HERE = Path(__file__).resolve().parent

#: What the units of the machine are for, and why they may stand still
#: (docs/Guides/Statistics.md).
UNITS = {
    "matrix": "products",
    "vector": "gates and cells",
    "load": "inputs",
    "store": "outputs",
}
CAUSES = {
    "busy": "works",
    "raw": "waits for a result",
    "war": "waits until a value was read",
    "waw": "waits to overwrite",
    "port": "waits for load or store",
    "queue": "a queue is full",
    "loop": "dispatch has control instructions",
    "dispatch": "dispatch serves other units",
    "barrier": "barrier",
    "fill": "before its first",
    "drain": "has done its last",
    "unused": "unused",
}


def report_html(
    program: Program | str | os.PathLike | bytes,
    path: str | os.PathLike | None = None,
    *,
    verification: Verification | None = None,
    analysis: Any = None,
    compiled: Mapping | str | os.PathLike | None = None,
    title: str | None = None,
    operating_point: str | None = None,
) -> str:
    """The report of a program, as one HTML page that needs nothing else.

    program   an `hcgs.Program`, or a program file by its path or as bytes
    path      where to write the page: whole, or (FileError) not at all
    verification  what `hcgs.verify` found: accuracy and SQNR in the summary
    analysis  what `hcgs.analyze` returned, or its JSON as a dict or a file:
              the sections about the error
    compiled  the compiler's report (docs/Guides/Report.md), by default the one
              that the program carries: options, remarks, detected patterns
    title     instead of the model's name
    operating_point  clock and voltage of the target that times and energies are
              stated at; by default its first

    Returns the page. Equal arguments give equal bytes. Raises ProgramError for
    a damaged program, InputError for JSON that is something else or about
    another model or for an unknown operating point, Error if Jinja or Matplotlib is missing.
    """
    if not isinstance(program, Program):
        program = load(program)
    try:
        import jinja2
    except ImportError as error:
        raise Error("reports need Jinja: pip install jinja2") from error
    facts = Facts(read(bytes(program)))
    plotter = Plotter()
    if compiled is None:
        compiled = program.report
    elif not isinstance(compiled, Mapping):
        compiled = read_json(compiled, "hcgs-report")
    _check_model(facts, compiled, "the compiler's report")
    if analysis is not None:
        analysis = _analysis_json(analysis)
        _check_model(facts, analysis, "the analysis")
        analysis = Analysis(analysis, plotter)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=lambda n: f"{n:,}",
        # Adding 0 makes a 0 of the -0 that rounding leaves.
        percent=lambda x, digits=1: f"{round(100 * x, digits) + 0.0:.{digits}f} %",
        times=lambda x: "–" if x is None else f"{x:.2f}x",
        fixed=lambda x: "–" if x is None else f"{round(x, 2) + 0.0:.2f}",
        number=_number,
        svg=jinja2.utils.markupsafe.Markup,
    )
    cycles = measure(program, operating_point)
    page = environment.get_template("report.html.j2").render(
        style=jinja2.utils.markupsafe.Markup((HERE / "report.css").read_text("utf-8")),
        title=title or facts.model.get("name") or "program",
        facts=facts,
        matrices=[_MatrixView(matrix, plotter) for matrix in facts.matrices],
        tables=[_TableView(table, plotter) for table in table_facts(facts.file)],
        cycles=cycles,
        timeline=timeline(program, cycles.steps),
        roofline=roofline(facts, cycles.stats),
        schedules=bounds_with_loads(facts.meta.get("schedule") or []),
        spill=spilling(facts, cycles),
        layer_name=facts.layer_name,
        energy=cycles.stats.get("energy"),
        energy_parts=_energy_parts(facts, cycles.stats.get("energy")),
        units=UNITS,
        causes=CAUSES,
        compiled=compiled,
        options=_given_options(compiled),
        findings=_findings(facts, compiled),
        gate_names=", ".join(GATES),
        verification=verification,
        analysis=analysis,
    )
    if path is not None:
        write_file(path, page)
    return page


def write_block_maps(
    program: Program | str | os.PathLike | bytes, folder: str | os.PathLike
) -> list[Path]:
    """Write the block map of every matrix as an SVG file of its own, called by
    layer and matrix (`0.R.svg`, or `0.R.i.svg` for gates with separate masks).
    The folder is made if need be. Returns the paths."""
    data = bytes(program) if isinstance(program, Program) else None
    facts = Facts(read(data if data is not None else bytes(load(program))))
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError("make folder", folder, error) from None
    written = []
    for matrix in facts.matrices:
        maps = block_maps(matrix, standalone=True)
        layer = facts.meta["matrices"][matrix.number]["layer"]
        for one, gate in zip(maps, matrix.gates):
            suffix = f".{gate.name}" if len(maps) > 1 else ""
            path = folder / f"{layer}.{matrix.matrix}{suffix}.svg"
            write_file(path, one.svg + "\n")
            written.append(path)
    return written


def read_json(path: str | os.PathLike, kind: str) -> dict:
    """A JSON object of format `kind`. Raises FileError or InputError."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise FileError("read", path, error) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    return _of_kind(found, kind, str(path))


def _of_kind(found: Any, kind: str, where: str) -> dict:
    form = found.get("format") if isinstance(found, dict) else None
    if form != kind:
        raise InputError(f"{where}: 'format' is {form!r}, '{kind}' is needed")
    return found


def _analysis_json(analysis: Any) -> dict:
    if isinstance(analysis, (str, os.PathLike)):
        return read_json(analysis, "hcgs-analysis")
    if not isinstance(analysis, Mapping):
        analysis = getattr(analysis, "json", analysis)
    return _of_kind(analysis, "hcgs-analysis", "analysis")


def _check_model(facts: Facts, about: Mapping | None, what: str) -> None:
    """What a page shows beside the program has to be about the same model. Not
    every program, nor every report, knows the digest of its model."""
    model = (about or {}).get("model")
    found = model.get("sha256") if isinstance(model, Mapping) else None
    wanted = facts.model.get("sha256")
    if found and wanted and found != wanted:
        raise InputError(
            f"{what} is about another model: '{model.get('name')}' with digest "
            f"{found}; the program was compiled from '{facts.model.get('name')}' "
            f"with {wanted}"
        )


def _given_options(compiled: Mapping | None) -> dict[str, str]:
    if not compiled:
        return {}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in sorted(compiled.get("options", {}).items())
        if value is not None
    }


def _findings(facts: Facts, compiled: Mapping | None) -> list[dict]:
    """What the compiler says of each matrix that the program cannot tell:
    what detection found, what compression removed, errors of the weights,
    bounds of the accumulators (docs/Guides/Report.md). Programs that were not
    compiled from a model have none."""
    found = []
    for matrix in (compiled or {}).get("matrices", []):
        if "how" not in matrix:
            continue
        detection = matrix.get("detection") or {}
        sqnr = [gate.get("sqnr_db") for gate in matrix.get("per_gate", [])]
        found.append(
            {
                "node": facts.node_name(matrix),
                "matrix": matrix["matrix"],
                "how": matrix["how"],
                "pattern": detection.get("pattern", "–"),
                "confidence": detection.get("confidence_bits"),
                "runner_up": detection.get("runner_up") or "–",
                "removed": matrix.get("removed_energy_percent"),
                "sqnr": ", ".join("–" if v is None else f"{v:.1f}" for v in sqnr),
                "on_grid": "yes" if matrix.get("on_grid") else "no",
                "spare": matrix.get("acc_spare_bits"),
            }
        )
    return found


def _energy_parts(facts: Facts, energy: Mapping | None) -> list[tuple[str, list]]:
    """(title, [(name, joules)]) of the three ways to split the energy, the
    largest part first."""
    if not energy or not energy["joules"]:
        return []
    layers = [(facts.layer_name(e["layer"]), e["joules"]) for e in energy["layers"]]
    splits = (
        ("By unit", energy["units"].items()),
        ("By memory", energy["memories"].items()),
        ("By layer", layers),
    )
    return [
        (title, sorted((p for p in parts if p[1] > 0), key=lambda p: -p[1]))
        for title, parts in splits
    ]


def _number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent where it
    reads well without; a dash for none."""
    if value is None or not np.isfinite(value):
        return "–"
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e" in text else text


class _MatrixView:
    """A matrix with its pictures, for the template."""

    def __init__(self, matrix: MatrixFacts, plotter: Plotter):
        self.facts = matrix
        self.maps = block_maps(matrix)
        #: None, like the share below, of a matrix that keeps no weight.
        self.histogram = self.at_limit = None
        values, counts = np.unique(matrix.stored_codes(), return_counts=True)
        if not counts.size:
            return
        self.histogram = plotter.code_histogram(matrix.name, values, counts)
        half = 1 << (matrix.desc.weight_bits - 1)
        limit = half if matrix.desc.encoding == "signmag" else half - 1
        #: Share of the codes at either end of the range.
        self.at_limit = float(counts[np.abs(values) == limit].sum() / counts.sum())


class _TableView:
    """A table with the plot of its error."""

    def __init__(self, table, plotter: Plotter):
        self.facts = table
        self.plot = None
        if table.error is not None:
            self.plot = plotter.table_error(table.function, table.z, table.error)
