# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Data for a program out of `.npy` and `.npz` files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .errors import FileError, InputError


@dataclass(frozen=True)
class Dataset:
    """arrays by input name (floats), and of each batch row its time steps
    (`lengths`) and class (`labels`), None where the file has none."""

    arrays: dict[str, np.ndarray]
    lengths: np.ndarray | None = None
    labels: np.ndarray | None = None


def load_dataset(
    path: str | os.PathLike,
    inputs: Iterable[str],
    labels: str | os.PathLike | None = None,
) -> Dataset:
    """Read the arrays of `inputs` from a `.npz` file, or that of the only one
    from a `.npy` file.

    A `.npz` may also hold `lengths` and `labels`; `labels` can come from a file
    of their own, too. Raises FileError, and InputError for what does not fit.
    """
    inputs = list(inputs)
    found = _read(path)
    if isinstance(found, np.ndarray):
        if len(inputs) != 1:
            raise InputError(
                f"{path}: one array for {len(inputs)} inputs ({', '.join(inputs)}); "
                "give a .npz file with an array for each"
            )
        found = {inputs[0]: found}
    missing = [name for name in inputs if name not in found]
    if missing:
        raise InputError(
            f"{path}: no array for input '{missing[0]}'; found "
            f"{', '.join(found) or 'none'}"
        )
    arrays = {}
    for name in inputs:
        array = found[name]
        if array.dtype.kind not in "fiu":
            raise InputError(f"{path}: '{name}' holds {array.dtype}, not numbers")
        if array.size == 0:
            raise InputError(f"{path}: '{name}' is empty (shape {list(array.shape)})")
        arrays[name] = array.astype(np.float32, copy=False)
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: '{name}' holds NaN or infinity")
    extra = {
        key: found[key] if key in found and key not in inputs else None
        for key in ("lengths", "labels")
    }
    if labels is not None:
        given = _read(labels)
        if not isinstance(given, np.ndarray):
            if "labels" not in given:
                raise InputError(
                    f"{labels}: no array 'labels'; found {', '.join(given)}"
                )
            given = given["labels"]
        extra["labels"] = given
    return Dataset(arrays, extra["lengths"], extra["labels"])


def _read(path: str | os.PathLike) -> np.ndarray | dict[str, np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise FileError("read data file", path, error) from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a .npy or .npz file of numbers: {error}"
        ) from None
