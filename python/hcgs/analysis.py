# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the error of a program comes from (docs/Guides/Analysis.md)."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .compiler import Model, compile_in, data_file
from .errors import CompileError, InputError
from .files import write_file
from .program import Program


@dataclass(frozen=True)
class Stage:
    """What one stage costs at the model's outputs, in dB; None without error.

    sqnr_db      against the float model, all stages so far together
    own_sqnr_db  of what this stage alone adds
    lost_db      what it takes from the SQNR of the stage before
    error_share  its part of the error energy of the program, 0..1 (below 0 if
                 it cancels errors of others)
    """

    name: str
    sqnr_db: float | None
    own_sqnr_db: float | None
    lost_db: float | None
    error_share: float | None
    relative_error: float | None


class Quantity:
    """The error of one gate, state, result or output in several stages.

    name      "i.pre", "f", "c", "h", ... or the name of the output
    gate      "i", "o", "f" or "g"; None for what belongs to no gate
    bits, frac  its format; None for a sum
    stages    by stage: sqnr_db, own_sqnr_db, max_error, mean_error,
              error_share, first_over_threshold, growth
    steps     arrays by time step: "elements" and "signal" (mean squares), and
              by stage "error" (mean squares), "mean" and "max" of |error|
    """

    def __init__(self, fields: dict):
        self.name: str = fields["name"]
        self.gate: str | None = fields.get("gate")
        self.bits: int | None = fields["bits"]
        self.frac: int | None = fields["frac"]
        self.elements: int = fields["elements"]
        self.peak: float = fields["peak"]
        self.signal_energy: float = fields["signal_energy"]
        self.stages: dict[str, dict] = fields["stages"]
        steps = fields["steps"]
        self.steps: dict[str, Any] = {
            "elements": np.asarray(steps["elements"], dtype=np.int64),
            "signal": np.asarray(steps["signal"], dtype=np.float64),
        }
        for figure in ("error", "mean", "max"):
            self.steps[figure] = {
                stage: np.asarray(series, dtype=np.float64)
                for stage, series in steps[figure].items()
            }

    def sqnr(self, stage: str) -> float | None:
        """SQNR in dB of a stage against the float model; None without error."""
        return self.stages[stage]["sqnr_db"]

    def sqnr_by_step(self, stage: str) -> np.ndarray:
        """SQNR in dB by time step; infinite without error, -infinite where
        there is error without signal, NaN where there is neither."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.steps["signal"] / self.steps["error"][stage]
            return 10 * np.log10(ratio)

    def __repr__(self) -> str:
        return f"<Quantity {self.name}: {self.elements} elements>"


class Layer:
    """One layer: `name` of the ONNX node, `op`, `direction`, `quantities`."""

    def __init__(self, fields: dict):
        self.index: int = fields["index"]
        self.name: str = fields["name"]
        self.op: str = fields["op"]
        self.direction: str = fields["direction"]
        self.quantities = {q["name"]: Quantity(q) for q in fields["quantities"]}

    def quantity(self, name: str) -> Quantity:
        """A quantity by name; KeyError says which there are."""
        if name not in self.quantities:
            known = ", ".join(self.quantities) or "none"
            raise KeyError(f"layer '{self.name}' has no '{name}'; it has {known}")
        return self.quantities[name]

    def __repr__(self) -> str:
        return f"<Layer {self.index} {self.op} {self.name}>"


class Analysis:
    """What `analyze` found; printing it gives the tables.

    program     the Program that was analysed
    stages      Stage by name, in the order of `stage_names`
    outputs     Quantity by the output's name
    layers      list of Layer
    parts       dicts {layer, name, part, sqnr_db, share}, largest first
    changes     dicts {text, kind, layer, name, site, from, to, sqnr_db, gain_db,
                cost_bytes, target, config}, largest gain first; those that the
                target does not take (`target` false) come last
    saturations  dict {agree, sites, instructions}
    equal       whether the simulator gave the codes of the stage `tables`
    json        everything, as in the file of --analyze-output
    """

    def __init__(self, fields: dict, text: str, program: Program | None = None):
        self.json = fields
        self.text = text
        self.program = program
        self.stage_names: list[str] = fields["stage_names"]
        self.stages = {stage["name"]: Stage(**stage) for stage in fields["stages"]}
        self.outputs = {q["name"]: Quantity(q) for q in fields["outputs"]}
        self.layers = [Layer(layer) for layer in fields["layers"]]
        self.parts: list[dict] = fields["parts"]["list"]
        self.changes: list[dict] = fields["changes"]["list"]
        self.saturations: dict = fields["saturations"]
        self.worst: dict = fields["worst"]
        self.notes: list[str] = fields["notes"]
        self.equal: bool = fields["program"]["equal"]

    @property
    def sqnr_db(self) -> float | None:
        """SQNR of the program at the model's outputs; None without error."""
        return self.stages[self.stage_names[-1]].sqnr_db

    def layer(self, name: str, direction: str | None = None) -> Layer:
        """The layer of an ONNX node; KeyError says which there are."""
        for layer in self.layers:
            if layer.name == name and direction in (None, layer.direction):
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise KeyError(f"no layer '{name}'; there are {known}")

    def save(self, path: str | os.PathLike) -> None:
        """Write the JSON, as --analyze-output does. Raises FileError."""
        write_file(path, json.dumps(self.json, indent=1) + "\n")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        shown = "exact" if self.sqnr_db is None else f"{self.sqnr_db:.1f} dB"
        return f"<Analysis of {self.json['model']['name']}: {shown}>"


def analyze(
    model: Model,
    data: Any,
    *,
    threshold: float = 0.1,
    rows: int = 32,
    calibrate: Any = None,
    config: Any = None,
    **options: Any,
) -> Analysis:
    """Compile a model and say where its error comes from on `data`.

    model      path, bytes or onnx.ModelProto, as for `hcgs.compile`
    data       floats to run on: a `.npy` or `.npz` file, an array in the layout
               of the model's input, or a dict by input name; padded batches
               need `lengths` in the dict or `.npz`. States that are left out
               are zero
    threshold  relative error above which a time step counts as bad
    rows       rows on which parts and changes are measured; 0: do not
    calibrate, config, options  as for `hcgs.compile`

    Raises CompileError for the model and options, InputError for data that do
    not fit it.
    """
    for name in ("emit", "analyze", "analyze_threshold", "analyze_rows"):
        if name in options:
            instead = {
                "emit": "it makes a program of its own",
                "analyze": "the data are its second argument",
            }.get(name, f"its argument is '{name.removeprefix('analyze_')}'")
            raise CompileError(f"hcgs.analyze takes no {name}, {instead}")
    with tempfile.TemporaryDirectory(prefix="hcgs-") as folder:
        source = data_file(data, Path(folder) / "analysis", "data", InputError)
        own = source.startswith(folder)
        options = {
            **options,
            "analyze": source,
            "analyze_threshold": threshold,
            "analyze_rows": rows,
        }
        try:
            program, found, text = compile_in(
                Path(folder), model, options, calibrate, config
            )
        except CompileError as error:
            if str(error).startswith(("analysis data", "data" if own else source)):
                raise InputError(str(error)) from None
            raise
    fields = json.loads(found)
    if own:
        fields["data"]["file"] = "(array)"
        text = text.replace(f"on {_shown(source)}", "on the data")
    return Analysis(fields, text, program)


def _shown(path: str) -> str:
    """A path as the tables show it: the end, if it is long."""
    return path if len(path) <= 30 else ".." + path[-28:]
