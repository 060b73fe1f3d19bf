# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From an ONNX model to a Program, in this process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

import numpy as np

from . import _hcgs
from .errors import CompileError
from .program import Program

if TYPE_CHECKING:
    import onnx

#: A path, the bytes of a file, or a model in memory.
Model = Union[str, os.PathLike, bytes, "onnx.ModelProto"]


def compile(
    model: Model,
    *,
    target: str | os.PathLike | None = None,
    calibrate: Any = None,
    config: str | os.PathLike | Mapping | None = None,
    sparsity: Literal["detect", "off", "impose", "masks"] | None = None,
    tiers: str | None = None,
    balance: Literal["row", "column", "both", "none"] | None = None,
    select: Literal["magnitude", "guided", "random"] | None = None,
    seed: int | None = None,
    weight_bits: int | None = None,
    weight_encoding: Literal["twos", "signmag"] | None = None,
    rounding: Literal["nearest", "ceil"] | None = None,
    input_bits: int | None = None,
    act_bits: int | None = None,
    gate_bits: int | None = None,
    cell_bits: int | None = None,
    **others: Any,
) -> Program:
    """Compile an ONNX LSTM model for a target.

    What is left out has the default of hcgs-compile, which is in brackets.

    model      path, bytes or onnx.ModelProto
    target     name of a shipped target, or a target file [hcgs-65nm]
    calibrate  floats that fix the formats of values: a `.npy` or `.npz` file,
               an array in the layout of the model's input, or a dict by input
               name. Padded batches need `lengths` in the dict or `.npz`, the
               time steps of each row. Without data every format comes from
               worst-case ranges. A path may also name a folder of batches,
               or be a pattern such as "calib/*.npz".
    config     a configuration file, or a dict that holds what one would:
               options, and what differs from them for single layers, matrices
               and values (docs/Guides/Config.md); arguments given here win
    sparsity   `detect` reads the block pattern out of the zeros of the
               weights, `impose` selects blocks, `masks` takes them from
               mask_file, `off` takes all as dense [detect]
    tiers      block sizes and kept fractions, such as "32x32:25%,4x4:25%"
    balance    which balance the pattern has; by default whichever fits
    select, seed  with `impose`: keep the largest blocks [magnitude], or random
               ones
    weight_bits  2 to 8 [6]; input_bits (graph inputs), act_bits (h and heads),
               gate_bits [13 each] and cell_bits [16] 8 to 16
    weight_encoding, rounding  the codes of weights (docs/Spec/Arithmetic.md)
               [signmag, nearest]
    others     further options of hcgs-compile, with `_` for `-`:
               compress_linear, range_method, percentile, pwl_segments, ...

    Returns a Program with the compiler's report in `report`. Raises
    CompileError, whose text names the node or option at fault; warnings are
    never given instead of an error.
    """
    options = {
        "target": None if target is None else os.fspath(target),
        "sparsity": sparsity,
        "tiers": tiers,
        "balance": balance,
        "select": select,
        "seed": seed,
        "weight_bits": weight_bits,
        "weight_encoding": weight_encoding,
        "rounding": rounding,
        "input_bits": input_bits,
        "act_bits": act_bits,
        "gate_bits": gate_bits,
        "cell_bits": cell_bits,
        **others,
    }
    if "emit" in others:
        raise CompileError("hcgs.compile makes programs; use hcgs-compile for --emit")
    with tempfile.TemporaryDirectory(prefix="hcgs-") as folder:
        return compile_in(Path(folder), model, options, calibrate, config)[0]


def compile_in(
    folder: Path, model: Model, options: Mapping, calibrate: Any, config: Any
) -> tuple[Program, str, str]:
    """What `compile` and `analyze` share: runs the compiler, which maps files,
    and writes down in `folder` what is in memory.

    options    name: value; None stands for the default

    Returns the program with its report and, if `analyze` is among the options,
    the analysis as JSON and as tables. Neither the report nor the text of a
    CompileError names a file of `folder`: those have no name for the user.
    """
    path, name = _model_file(model, folder)
    options = dict(options)
    if calibrate is not None:
        options["calibrate"] = _calibration_file(calibrate, folder)
    if config is not None:
        options["config"] = _config_file(config, folder)
    given = [(k, _text(v)) for k, v in options.items() if v is not None]
    try:
        code, report, analysis, tables = _hcgs.compile(path, name, given)
    except CompileError as error:
        if str(folder) not in str(error):
            raise
        raise CompileError(_without_paths(str(error), str(folder))) from None
    program = Program(code, name)
    program.report = json.loads(report)
    written = {"calibrate": "(array)", "analyze": "(array)", "config": "(dict)"}
    for option, shown in written.items():
        used = program.report["options"].get(option)
        if used and used.startswith(str(folder)):
            program.report["options"][option] = shown
    return program, analysis, tables


def _without_paths(message: str, folder: str) -> str:
    """`message` with files of `folder` called by what they stand for."""
    for name in ("calibration.npz", "calibration.npy"):
        path = os.path.join(folder, name)
        message = message.replace(f"calibration data '{path}'", "calibration data")
        message = message.replace(f"calibration data: '{path}'", "calibration data")
        message = message.replace(path, "calibration data")
    for name in ("analysis.npz", "analysis.npy"):
        message = message.replace(os.path.join(folder, name), "data")
    config = os.path.join(folder, "config.json")
    message = message.replace(f"configuration '{config}'", "configuration")
    return message.replace(os.path.join(folder, "model.onnx"), "model")


def _text(value: Any) -> str:
    """An option's value as the command line spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _model_file(model: Model, folder: Path) -> tuple[str, str]:
    """A file that holds the model, and what messages call it."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model), os.fspath(model)
    name = "model"
    if hasattr(model, "SerializeToString"):
        name = model.graph.name or name
        model = model.SerializeToString()
    if not isinstance(model, (bytes, bytearray, memoryview)):
        raise CompileError(
            f"a model is a path, bytes or an onnx.ModelProto, not {type(model).__name__}"
        )
    path = folder / "model.onnx"
    path.write_bytes(bytes(model))
    return str(path), name


def _calibration_file(data: Any, folder: Path) -> str:
    """A file that holds the calibration data."""
    return data_file(data, folder / "calibration", "calibration data", CompileError)


def data_file(data: Any, stem: Path, what: str, kind: type[Exception]) -> str:
    """A file that holds `data`: its own if it is a path, else `stem` with .npz
    for a dict of arrays or .npy for one array. Raises `kind`, calling the data
    `what`, for what holds no numbers."""
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    arrays = {}
    for name, value in (data if isinstance(data, Mapping) else {"": data}).items():
        where = what + (f", array '{name}'" if name else "")
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise kind(f"{where}: no array: {error}") from None
        if array.dtype.kind not in "fiu":
            raise kind(f"{where}: holds {array.dtype}; give numbers")
        # The compiler reads no unsigned numbers wider than a byte.
        arrays[name] = array.astype(np.int64) if array.dtype.kind == "u" else array
    if isinstance(data, Mapping):
        path = stem.with_suffix(".npz")
        np.savez(path, **arrays)
    else:
        path = stem.with_suffix(".npy")
        np.save(path, arrays[""])
    return str(path)


def _config_file(config: Any, folder: Path) -> str:
    """A file that holds the configuration."""
    if isinstance(config, (str, os.PathLike)):
        return os.fspath(config)
    if not isinstance(config, Mapping):
        raise CompileError(f"config is a path or a dict, not {type(config).__name__}")
    path = folder / "config.json"
    try:
        # NumPy's numbers are what a search over widths comes up with.
        path.write_text(json.dumps(config, default=_plain, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise CompileError(f"config: no JSON: {error}") from None
    return str(path)


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as Python's."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no value for a configuration")
