# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""JapaneseVowels: nine speakers saying /ae/, as 12 LPC cepstra a frame.

The data set comes inside the wheel of the `aeon` package, as two text files in
the `.ts` format. They are read from there; aeon itself is never imported, so
that none of its dependencies is needed:

    pip install --no-deps 'aeon==1.6.*'

As a command, this writes one `.npz` file of a split, for the tools that take
whole batches (`hcgs-compile --calibrate`, `hcgs-sim --input`):

    python examples/japanese_vowels/data.py --split test -o test.npz

    x        float32 [N, Tmax, 12]   utterances, padded with zeros at the end
    lengths  int64   [N]             frames of each utterance

and, if asked for, the speakers in a file of their own (`--labels FILE.npy`):
int64 [N], 0 to 8, in the same order.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

CHANNELS = 12
CLASSES = 9
SPLITS = ("train", "test")

_FOLDER = "aeon/datasets/data/JapaneseVowels"
_INSTALL = (
    "install it with: pip install --no-deps 'aeon==1.6.*' "
    "(or name a wheel or folder that holds it with --data)"
)


class DataError(Exception):
    """The data set is absent or is not what it should be; the text says what
    was found and what to do."""


def load(
    split: str, source: str | Path | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Reads one split in the order of its file.

    split:  "train" (270 utterances) or "test" (370).
    source: where to look: a folder with the `.ts` files or an aeon wheel;
            None means the installed aeon.

    Returns the utterances, each float32 [T, 12] with T from 7 to 29, and their
    speakers, int64 [N] from 0 to 8. Raises DataError.
    """
    if split not in SPLITS:
        raise DataError(f"unknown split '{split}'; allowed are train and test")
    name = f"JapaneseVowels_{split.upper()}.ts"
    return parse_ts(_read_text(name, source), name)


def parse_ts(text: str, name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Parses the `.ts` form: `#` comments, `@` header lines, then a case a
    line, its channels and finally its label separated by `:`, the values of a
    channel by `,`. `name` is for the error messages only."""
    utterances: list[np.ndarray] = []
    labels: list[int] = []
    in_data = False
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not in_data:
            in_data = line.lower() == "@data"
            continue
        if not line:
            continue
        where = f"{name}, line {number}"
        *channels, label = line.split(":")
        if len(channels) != CHANNELS:
            raise DataError(
                f"{where}: {len(channels)} channels found, {CHANNELS} expected"
            )
        lengths = {channel.count(",") + 1 for channel in channels}
        if len(lengths) != 1:
            raise DataError(f"{where}: channels of different lengths {sorted(lengths)}")
        try:
            values = [[float(v) for v in channel.split(",")] for channel in channels]
            speaker = int(label)
        except ValueError as error:
            raise DataError(f"{where}: {error}") from None
        if not 1 <= speaker <= CLASSES:
            raise DataError(f"{where}: speaker {speaker} is not in 1 to {CLASSES}")
        utterance = np.array(values, dtype=np.float32).T
        if not np.isfinite(utterance).all():
            raise DataError(f"{where}: a value is not finite")
        utterances.append(np.ascontiguousarray(utterance))
        labels.append(speaker - 1)
    if not utterances:
        raise DataError(f"{name}: no cases after '@data'")
    return utterances, np.array(labels, dtype=np.int64)


def pad(utterances: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Stacks utterances [T, C] into float32 [N, Tmax, C], zeros after each
    one's end, and returns it with their lengths, int64 [N]."""
    lengths = np.array([len(u) for u in utterances], dtype=np.int64)
    x = np.zeros((len(utterances), lengths.max(), utterances[0].shape[1]), np.float32)
    for row, utterance in zip(x, utterances):
        row[: len(utterance)] = utterance
    return x, lengths


def _read_text(name: str, source: str | Path | None) -> str:
    if source is None:
        try:
            installed = importlib.metadata.distribution("aeon")
        except importlib.metadata.PackageNotFoundError:
            raise DataError(
                f"the data set is in the package 'aeon', which is not installed; {_INSTALL}"
            ) from None
        path = Path(str(installed.locate_file(_FOLDER))) / name
        found_in = f"aeon {installed.version}"
    else:
        path = Path(source)
        found_in = str(path)
        if path.suffix == ".whl":
            return _read_from_wheel(name, path)
        path = path / _FOLDER / name if (path / _FOLDER).is_dir() else path / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read {name} of {found_in}: {error}; {_INSTALL}"
        ) from None


def _read_from_wheel(name: str, wheel: Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{_FOLDER}/{name}").decode("utf-8")
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {name} of {wheel}: {error}; {_INSTALL}") from None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Write a split of JapaneseVowels as one .npz file: "
        "x [N, Tmax, 12] and lengths [N]."
    )
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--data", metavar="PATH", help="aeon wheel or folder to read")
    parser.add_argument(
        "--count", type=int, metavar="N", help="only N utterances, evenly spread"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE.npz")
    parser.add_argument(
        "--labels", metavar="FILE.npy", help="write the speakers, int64 [N], too"
    )
    options = parser.parse_args(arguments)
    try:
        utterances, labels = load(options.split, options.data)
        if options.count is not None:
            if not 1 <= options.count <= len(utterances):
                raise DataError(
                    f"--count {options.count} is not in 1 to {len(utterances)}"
                )
            utterances, labels = spread(utterances, labels, options.count)
        x, lengths = pad(utterances)
        save(options.output, x=x, lengths=lengths)
        if options.labels:
            write(options.labels, lambda file: np.save(file, labels))
    except DataError as error:
        print(f"data.py: error: {error}", file=sys.stderr)
        return 1
    return 0


def save(output: str | Path, **arrays: np.ndarray) -> None:
    """Writes an `.npz` file, whole or not at all. Raises DataError."""
    write(output, lambda file: np.savez_compressed(file, **arrays))


def write(output: str | Path, fill: Callable[[BinaryIO], None]) -> None:
    """Makes a file of what `fill` writes, whole or not at all. Raises
    DataError."""
    temporary = Path(f"{output}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            fill(file)
        os.replace(temporary, output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"cannot write {output}: {error.strerror}") from None


def spread(
    utterances: list[np.ndarray], labels: np.ndarray, count: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """`count` utterances at even distances: the files are sorted by speaker,
    so every speaker is among them."""
    chosen = np.arange(count) * len(utterances) // count
    return [utterances[i] for i in chosen], labels[chosen]


if __name__ == "__main__":
    sys.exit(main())
