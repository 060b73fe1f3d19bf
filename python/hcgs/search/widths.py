# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Searching the widths of a model with the compiler and the simulator."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler import compile
from ..datasets import Dataset, load_dataset
from ..errors import CompileError, FileError, InputError
from ..files import write_file
from ..oracle.program import read
from ..program import Program
from ..verify import Comparison
from .algorithm import Budget, Measurement, Outcome, Search, Trial, Variable
from .journal import Journal
from .space import (
    VALUE_WIDTHS,
    WEIGHT_WIDTHS,
    check_free,
    configuration,
    variables,
)

COSTS = ("memory", "weights")
#: Options that say where things are rather than how the model is compiled.
PLACES = ("target", "calibrate", "config")


@dataclass(frozen=True)
class WidthSearch:
    """What a search found.

    variables  what could be chosen
    best       the cheapest trial within the budget; base, the widest one
    trials     all that was measured, in this order
    config     the configuration of `best`, for `hcgs-compile --config`
    """

    variables: tuple[Variable, ...]
    budget: Budget
    cost: str
    best: Trial
    base: Trial
    trials: list[Trial]
    config: dict

    def save_config(self, path: str | os.PathLike) -> None:
        """Write the configuration: whole, or (FileError) not at all."""
        write_file(path, json.dumps(self.config, indent=2) + "\n")

    def json(self) -> dict:
        """Everything as JSON (docs/Guides/Search.md)."""
        return {
            "format": "hcgs-search",
            "version": 1,
            "budget": {"kind": self.budget.kind, "value": self.budget.value},
            "cost": self.cost,
            "variables": [
                {
                    "name": v.name,
                    "layer": v.key[0] or None,
                    "matrix": v.key[1] or None,
                    "option": v.key[2],
                    "widths": list(v.widths),
                    "bytes_per_bit": v.cost,
                }
                for v in self.variables
            ],
            "best": self.best.number,
            "tried": [trial_json(trial) for trial in self.trials],
            "config": self.config,
        }


def trial_json(trial: Trial) -> dict:
    found = trial.found
    sqnr = found.sqnr_db
    return {
        "number": trial.number,
        "phase": trial.phase,
        "widths": list(found.widths),
        "cost": trial.cost,
        "sqnr_db": sqnr if sqnr is not None and math.isfinite(sqnr) else None,
        "accuracy": found.accuracy,
        "agreement": found.agreement,
        "meets": trial.met,
        "error": found.error,
    }


def search_widths(
    model: str | os.PathLike,
    data: str | os.PathLike | Dataset,
    *,
    sqnr: float | None = None,
    accuracy: float | None = None,
    agreement: float | None = None,
    vary: Sequence[str] = ("weights", "act", "gate", "cell"),
    per: str = "layer",
    weight_bits: Sequence[int] = WEIGHT_WIDTHS,
    value_bits: Sequence[int] = VALUE_WIDTHS,
    cost: str = "memory",
    activation_weight: float = 1.0,
    state: str | os.PathLike | None = None,
    max_trials: int | None = None,
    progress: Callable[[Trial, int, int | None], None] | None = None,
    **options: Any,
) -> WidthSearch:
    """Find the cheapest widths of `model` that keep within a budget on `data`.

    model    path of an ONNX file
    data     floats to measure on (hcgs.datasets), also used for calibration
             unless `calibrate` is among the options
    sqnr, accuracy, agreement  the budget, one of: dB at the worst output;
             fraction of the rows whose label the program finds; fraction of the
             rows where it chooses as the float model does
    vary     of "weights", "act", "gate", "cell", "input"
    per      "layer" or "matrix": whether W and R of a layer may differ
    weight_bits, value_bits  widths to choose from
    cost     "memory": bytes of weights and, times `activation_weight`, of the
             values of one step; "weights": bytes of weights alone, while the
             values of `vary` keep the widest of `value_bits`
    state    file to which measurements go, and from which they are taken
    max_trials  measurements after which the search makes do with what it has
    progress called with each trial and its place in its phase
    options  of hcgs.compile, the same for all

    Raises BudgetError if no widths meet the budget, InputError for data or
    arguments that make no sense, CompileError if the model is refused.
    """
    budget = _budget(sqnr, accuracy, agreement)
    if cost not in COSTS:
        raise InputError(f"cost {cost!r} is unknown; there are {', '.join(COSTS)}")
    if per not in ("layer", "matrix"):
        raise InputError(f"per {per!r} is unknown; there are layer, matrix")
    if activation_weight < 0 or not math.isfinite(activation_weight):
        raise InputError(
            f"the weight of activations is {activation_weight}, not 0 or more"
        )
    if max_trials is not None and max_trials < 1:
        raise InputError(f"{max_trials} trials are too few; 1 or more are needed")
    options = {k: v for k, v in options.items() if v is not None}
    base_config = _base_config(options.pop("config", None))
    if isinstance(data, (str, os.PathLike)):
        options.setdefault("calibrate", os.fspath(data))
    elif "calibrate" not in options:
        options["calibrate"] = _calibration(data)

    def compiled(config: Mapping) -> Program:
        return compile(model, config=config or None, **options)

    first = _first_program(compiled, base_config)
    if not isinstance(data, Dataset):
        data = load_dataset(data, [spec.name for spec in first.inputs])
    _check_varied(data)
    labels = data.labels if budget.kind == "accuracy" else None
    if budget.kind == "accuracy" and labels is None:
        raise InputError(
            "an accuracy needs the classes of the rows: put them into the data as "
            "`labels`, or ask for an SQNR or an agreement with the float model"
        )
    comparison = Comparison(first, model, data.arrays, data.lengths, labels)
    output = first.outputs[0].name
    if budget.kind == "agreement" and comparison.frames[output][0].shape[-1] < 2:
        raise InputError(
            "an agreement is about which feature is the largest, and output "
            f"'{output}' has only one; ask for an SQNR"
        )
    found = variables(
        read(bytes(first)),
        vary=vary,
        per=per,
        weight_bits=weight_bits,
        value_bits=value_bits,
        activation_weight=0.0 if cost == "weights" else activation_weight,
    )
    given = {k.replace("_", "-") for k in options}
    check_free(found, given, base_config, [spec.name for spec in first.inputs])
    if cost == "weights":
        # Values that cost nothing stay at their widest, which is not the
        # compiler's default.
        kept = [v for v in found if not v.is_weight]
        found = [v for v in found if v.is_weight]
        if not found:
            raise InputError("cost 'weights' needs weights to vary")
        widest = tuple(v.widths[-1] for v in kept)
        base_config = configuration(kept, widest, {}, base_config)
    plain = {k.replace("_", "-"): v for k, v in options.items() if k not in PLACES}

    def measure(widths: tuple[int, ...]) -> Measurement:
        try:
            program = compiled(configuration(found, widths, {}, base_config))
        except CompileError as error:
            return Measurement(widths, None, error=str(error))
        verified = comparison.of(program)
        worst = min(one.sqnr_db for one in verified.outputs.values())
        noise = 0.0 if worst == math.inf else 10 ** (-worst / 10)
        return Measurement(widths, noise, verified.accuracy, verified.agreement)

    journal = None
    if state is not None:
        key = _digest(model, data, labels, options, base_config, first)
        journal = Journal(state, key, [v.name for v in found])

    def remembered(widths: tuple[int, ...]) -> Measurement:
        if journal is None:
            return measure(widths)
        if widths not in journal.known:
            journal.add(measure(widths))
        return journal.known[widths]

    try:
        search = Search(
            found, remembered, budget, max_trials=max_trials, progress=progress
        )
        outcome: Outcome = search.run()
    finally:
        if journal is not None:
            journal.close()
    best = outcome.best
    config = configuration(found, best.found.widths, plain, base_config)
    return WidthSearch(
        tuple(found), budget, cost, best, outcome.base, outcome.trials, config
    )


def _budget(sqnr, accuracy, agreement) -> Budget:
    given = [
        Budget(kind, float(value))
        for kind, value in (
            ("sqnr", sqnr),
            ("accuracy", accuracy),
            ("agreement", agreement),
        )
        if value is not None
    ]
    if len(given) != 1:
        raise InputError(
            f"{len(given)} budgets given; give one of an SQNR, an accuracy, an agreement"
        )
    (budget,) = given
    fits = (
        0 < budget.value <= 1 if budget.kind != "sqnr" else math.isfinite(budget.value)
    )
    if not fits:
        allowed = "a number of dB" if budget.kind == "sqnr" else "over 0 and up to 1"
        raise InputError(
            f"a budget of {budget.kind} {budget.value:g}; allowed is {allowed}"
        )
    return budget


def _base_config(config: Any) -> dict:
    """The user's own configuration, into which the widths are put."""
    if config is None or isinstance(config, Mapping):
        return dict(config or {})
    try:
        found = json.loads(Path(config).read_text("utf-8"))
    except OSError as error:
        raise FileError("read configuration", config, error) from None
    except ValueError as error:
        raise InputError(f"{config}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{config}: not a JSON object")
    return found


def _first_program(compiled, base_config: dict) -> Program:
    """Any program of the model, for its layers and inputs. The default widths
    need not suit the target or fit into it, so others are tried, too."""
    try:
        return compiled(base_config)
    except CompileError as error:
        refusal = error
    for width in reversed(WEIGHT_WIDTHS):
        options = {**base_config.get("options", {}), "weight-bits": width}
        try:
            return compiled({**base_config, "options": options})
        except CompileError:
            continue
    raise refusal


def _calibration(data: Dataset) -> dict:
    lengths = {} if data.lengths is None else {"lengths": data.lengths}
    return {**data.arrays, **lengths}


def _check_varied(data: Dataset) -> None:
    """Data that never change tell nothing about errors."""
    for name, array in data.arrays.items():
        if array.size == 0:
            raise InputError(
                f"the data are empty: input '{name}' has shape {list(array.shape)}"
            )
    if all(float(np.ptp(array)) == 0 for array in data.arrays.values()):
        values = ", ".join(f"'{n}' is {a.flat[0]:g}" for n, a in data.arrays.items())
        raise InputError(
            f"the data are constant ({values} everywhere), so they tell nothing "
            "about errors; give real inputs"
        )


def _digest(model, data: Dataset, labels, options, base_config, first: Program) -> str:
    """What measurements depend on."""
    from .. import __version__

    digest = hashlib.sha256()

    def add(text: Any) -> None:
        raw = text if isinstance(text, bytes) else str(text).encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)

    def add_array(array: np.ndarray | None) -> None:
        add("none" if array is None else f"{array.dtype} {array.shape}")
        add(b"" if array is None else np.ascontiguousarray(array).tobytes())

    add(__version__)
    # The program holds the model's digest and the target.
    add(bytes(first))
    add(first.metadata["model"].get("sha256", ""))
    for name in sorted(data.arrays):
        add(name)
        add_array(data.arrays[name])
    add_array(data.lengths)
    add_array(labels)
    calibrate = options["calibrate"]
    if isinstance(calibrate, (str, os.PathLike)):
        for path in _calibration_files(os.fspath(calibrate)):
            add(_file_digest(path))
    else:
        arrays = calibrate if isinstance(calibrate, Mapping) else {"": calibrate}
        for name in sorted(arrays):
            add(name)
            add_array(np.asarray(arrays[name]))
    add(
        json.dumps(
            {k: str(v) for k, v in options.items() if k not in PLACES}, sort_keys=True
        )
    )
    add(json.dumps(base_config, sort_keys=True))
    return digest.hexdigest()


def _calibration_files(path: str) -> list[str]:
    """The files that calibration data of this name are in: one, those of a
    folder, or those that a pattern finds."""
    if os.path.isdir(path):
        return sorted(str(p) for p in Path(path).iterdir() if p.is_file())
    return [path] if os.path.exists(path) else sorted(glob.glob(path))


def _file_digest(path: str) -> bytes:
    """SHA-256 of a file that may be larger than memory."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise FileError("read calibration data", path, error) from None
    return digest.digest()
