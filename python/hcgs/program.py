# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs on the simulated machine."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np

from . import _hcgs
from .errors import FileError, InputError, SimulationError
from .files import check_writable, write_file

#: One array (of a program with one input), a list of sequences of different
#: lengths, or either of them by input name.
Data = Union[np.ndarray, Sequence[np.ndarray], Mapping[str, Any]]


@dataclass(frozen=True)
class TensorSpec:
    """An input or output as the host sees it, in the ONNX graph's layout.

    name   name in the ONNX graph
    axes   what each axis is: "time", "batch", "feature", "layer",
           "direction" or "one"
    shape  its sizes; None where it is free
    bits, frac  format of the codes: value = code * 2^-frac. One entry a layer
           or direction if the tensor stacks several values, else one entry.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int | None, ...]
    bits: tuple[int, ...]
    frac: tuple[int, ...]

    def axis(self, name: str) -> int | None:
        """The position of axis `name`, or None if there is none."""
        return self.axes.index(name) if name in self.axes else None

    def layout(self) -> str:
        """The shape in words: "[time, batch, 12]"."""
        sizes = (
            axis if size is None else str(size)
            for axis, size in zip(self.axes, self.shape)
        )
        return f"[{', '.join(sizes)}]"


def _as_array(
    spec: TensorSpec, data: Any, codes: bool, any_time: bool = False
) -> np.ndarray:
    """`data` as an array the simulator takes; InputError if it does not fit.
    With `any_time` a fixed number of time steps is not asked for."""
    array = _numbers(spec.name, data)
    if codes and array.dtype.kind == "u":
        array = array.astype(np.int64)
    if array.dtype.kind != ("i" if codes else "f"):
        wanted = "signed integer codes" if codes else "floats"
        hint = "" if codes else "; say codes=True to give integer codes"
        raise InputError(f"input '{spec.name}' holds {array.dtype}, not {wanted}{hint}")
    fits = array.ndim == len(spec.shape) and all(
        size in (None, found) or (any_time and axis == "time")
        for axis, size, found in zip(spec.axes, spec.shape, array.shape)
    )
    if not fits or 0 in array.shape:
        raise InputError(
            f"input '{spec.name}' has shape {list(array.shape)}, needed is "
            f"{spec.layout()} with no axis empty"
        )
    if not codes and not np.isfinite(array).all():
        raise InputError(
            f"input '{spec.name}' holds NaN or infinity, which have no code"
        )
    if codes:
        half = 1 << (max(spec.bits) - 1)
        low, high = int(array.min()), int(array.max())
        if low < -half or high >= half:
            found = low if low < -half else high
            raise InputError(
                f"input '{spec.name}' holds the code {found}, allowed are "
                f"{-half}..{half - 1}"
            )
    return np.ascontiguousarray(array)


def _numbers(name: str, data: Any) -> np.ndarray:
    """`data` as an array; InputError for nested lists of unequal lengths."""
    try:
        return np.asarray(data)
    except ValueError as error:
        raise InputError(f"input '{name}' is no array: {error}") from None


def _as_lengths(lengths: Any, rows: int, steps: int) -> list[int]:
    """`lengths` as whole numbers that fit the batch, or InputError."""
    array = np.asarray(lengths)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InputError(
            "lengths must be a list of whole numbers, the time steps of each row; "
            f"found {lengths!r}"
        )
    if len(array) != rows:
        raise InputError(f"{len(array)} lengths found, the batch has {rows} rows")
    for row, length in enumerate(array.tolist()):
        if not 1 <= length <= steps:
            raise InputError(
                f"length {length} of row {row} found, allowed are 1..{steps}"
            )
    return array.tolist()


def _as_steps(steps: Any) -> int:
    """`steps` as a whole number from 1, or InputError."""
    whole = isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)
    if not whole or steps < 1:
        raise InputError(f"steps must be a number from 1, not {steps!r}")
    if steps >= 2**63:
        raise InputError(f"steps must be a number below 2**63, not {steps}")
    return int(steps)


def _batch_extent(
    specs: Sequence[TensorSpec], arrays: Mapping[str, np.ndarray]
) -> tuple[int, int]:
    """Batch rows and time steps of the inputs given; InputError if two of them
    disagree."""

    def size(axis: str) -> int:
        found: dict[str, int] = {}
        for spec in specs:
            if spec.name in arrays and spec.axis(axis) is not None:
                found[spec.name] = arrays[spec.name].shape[spec.axis(axis)]
        if len(set(found.values())) > 1:
            each = ", ".join(f"'{name}' has {n}" for name, n in found.items())
            raise InputError(f"inputs disagree about the {axis} axis: {each}")
        return next(iter(found.values()), 1)

    return size("batch"), size("time")


class Program:
    """A compiled program and the state of the machine that runs it.

    Made by `hcgs.compile` and `hcgs.load`. One Program holds one state and
    must be used by one thread at a time; `clone()` gives another user of the
    same loaded program at almost no cost.
    """

    def __init__(self, data: bytes, name: str = "program"):
        """data: the bytes of a program file. Raises ProgramError."""
        if isinstance(data, (str, os.PathLike)):
            raise TypeError(
                "Program takes the bytes of a file; use hcgs.load for a path"
            )
        #: The compiler's report; None for a program that was loaded.
        self.report: dict | None = None
        self._bytes = bytes(data)
        self._loaded = _hcgs.LoadedProgram.from_bytes(self._bytes, name)
        self._start()

    def _start(self) -> None:
        self._runner = _hcgs.Runner(self._loaded)
        self._statistics: _hcgs.Statistics | None = None
        self.metadata: dict = json.loads(self._loaded.metadata)
        self.inputs = tuple(TensorSpec(**fields) for fields in self._loaded.inputs)
        self.outputs = tuple(TensorSpec(**fields) for fields in self._loaded.outputs)

    def clone(self) -> Program:
        """Another Program of the same file, with a state of its own."""
        other = Program.__new__(Program)
        other._bytes, other._loaded = self._bytes, self._loaded
        other.report = self.report
        other._start()
        return other

    def run(
        self,
        x: Data,
        lengths: Sequence[int] | None = None,
        *,
        checked: bool = False,
        codes: bool = False,
        threads: int = 1,
        trace: str | os.PathLike | None = None,
        trace_steps: str | int | None = None,
        operating_point: str | None = None,
    ) -> Any:
        """Run whole sequences from the initial state.

        x        an array in the layout of the program's input (`inputs`); or a
                 list of sequences of different lengths, each in that layout
                 without its batch axis; or a dict of these by input name.
                 Floats in real units; with `codes`, integer codes.
        lengths  time steps of each batch row, where rows are padded at the end;
                 by default all of them.
        checked  trap reads of uninitialised memory, addresses out of range and
                 accumulators that leave 32 bits.
        threads  batch rows are shared out among so many threads.
        trace    also write a trace of the first row there (`trace`).
        operating_point  clock and voltage of the target that `stats` and the
                 trace state times and energies at; by default its first.

        Returns one array if the program has one output, else a dict by name:
        float32 in real units, or int16 codes. Sequence outputs are zero beyond
        a row's length. For a list of sequences each output is a list of
        arrays, each without batch axis and at its own length.
        Raises InputError for data that do not fit, SimulationError for traps.
        """
        arrays, listed = self._arrays(x, codes)
        if listed is not None:
            if lengths is not None:
                raise InputError(
                    "lengths follow from a list of sequences; leave it out"
                )
            lengths = listed
        rows, steps = _batch_extent(self.inputs, dict(arrays))
        given = [] if lengths is None else _as_lengths(lengths, rows, steps)
        if trace is None and trace_steps is not None:
            raise InputError("trace_steps needs trace: the file to write")
        point = self._loaded.operating_point(operating_point)
        made = None
        if trace is not None:  # needs no data, so what is wrong is said at once
            made = self._traced(
                trace, given[0] if given else steps, trace_steps, operating_point
            )
            check_writable(trace)
        outputs = self._call(self._runner.run, arrays, codes, checked, threads, given)
        self._statistics.set_operating_point(point)
        if made is not None:
            _write_trace(trace, made)
        if listed is not None:
            outputs = self._unbatch(outputs, listed)
        return self._result(outputs)

    def step(
        self,
        x: Data,
        *,
        checked: bool = False,
        codes: bool = False,
        threads: int = 1,
        operating_point: str | None = None,
    ) -> Any:
        """Continue from the current state by as many frames as `x` holds.

        The first call starts from the initial state; `reset` does so again. The
        batch must stay the same from call to call. Arguments and results are
        those of `run`, but inputs that are initial states are needed by the
        first call only, and final states are no results of `step`.
        Raises SimulationError if the program has no `step` (`no_step_reason`).
        """
        if not self._loaded.has_entry("step"):
            raise SimulationError(
                f"this program has no step: {self._loaded.no_step_reason}; use run"
            )
        arrays, listed = self._arrays(x, codes, step=True)
        if listed is not None:
            raise InputError(
                "step takes arrays; sequences of different lengths need run"
            )
        _batch_extent(self.inputs, dict(arrays))
        point = self._loaded.operating_point(operating_point)
        outputs = self._call(self._runner.step, arrays, codes, checked, threads, [])
        self._statistics.set_operating_point(point)
        return self._result(outputs)

    def timing(self, steps: int, *, operating_point: str | None = None) -> dict:
        """What one call of `run` on a sequence of `steps` time steps takes:
        cycles, stalls, traffic, energy, as `stats` has them
        (docs/Guides/Statistics.md). They do not depend on data, so none is
        needed and nothing is computed; saturations are None. Of a program that
        computes several batch rows together it is a call on so many rows.

        operating_point  clock and voltage of the target that times and energies
                         are stated at; by default its first

        Raises InputError for a number of steps that `run` cannot take, or an
        operating point that does not exist. Leaves the state, and `stats`, as
        they are.
        """
        point = self._loaded.operating_point(operating_point)
        counted = self._loaded.timing(_as_steps(steps))
        counted.set_operating_point(point)
        return json.loads(counted.json())

    def trace(
        self,
        path: str | os.PathLike,
        steps: int,
        trace_steps: str | int | None = None,
        *,
        operating_point: str | None = None,
    ) -> range:
        """Write when each instruction of a `run` on `steps` time steps is
        dispatched, taken and finished, and what it waits for
        (docs/Guides/Trace.md). Cycles do not depend on data, so none is needed.

        path         where to: `.json` or `.json.gz` for Chrome trace events,
                     which the Perfetto UI opens, `.txt` for a table
        trace_steps  "A:B": only the trips A to B-1 through the loop over time;
                     "A:", ":B" and A alone mean what they seem to
        operating_point  the clock that the trace states; by default that of the
                     target's first point

        Returns the trips that the trace holds; a warning says so if they had to
        be fewer than were asked for. Raises InputError and FileError; then
        nothing is written.
        """
        made = self._traced(path, _as_steps(steps), trace_steps, operating_point)
        _write_trace(path, made)
        _, first, end, _ = made
        return range(first, end)

    def _traced(
        self, path, steps: int, trace_steps, operating_point: str | None = None
    ) -> tuple[bytes, int, int, str]:
        """A trace, the steps it holds (first, end), and what was left out."""
        which = "" if trace_steps is None else str(trace_steps) or ":"
        return self._loaded.trace(steps, os.fspath(path), which, operating_point)

    def reset(
        self,
        initial: Mapping[str, np.ndarray] | None = None,
        *,
        checked: bool = False,
        codes: bool = False,
    ) -> None:
        """Put the initial states in place before `step`.

        initial  the inputs that are initial states, by name, where the model
                 has such; arrays as in `run`.
        """
        arrays = [
            (spec.name, _as_array(spec, initial[spec.name], codes))
            for spec in self.inputs
            if initial and spec.name in initial
        ]
        self._statistics = self._runner.reset(arrays, codes, checked)

    @property
    def stats(self) -> dict:
        """What the last run, step or reset counted: `cycles`, `macs`, busy and
        stall cycles of each unit, memory traffic, saturations with their
        nodes (docs/Guides/Statistics.md). Empty before the first call."""
        return {} if self._statistics is None else json.loads(self._statistics.json())

    @property
    def state(self) -> bytes:
        """The machine's state, to be given back to `set_state`."""
        return self._runner.save_state()

    def set_state(self, state: bytes) -> None:
        """Continue from a state saved from a program with the same digest."""
        self._runner.restore_state(bytes(state))

    @property
    def has_step(self) -> bool:
        """Whether `step` and `reset` exist."""
        return self._loaded.has_entry("step")

    @property
    def no_step_reason(self) -> str:
        """Why there is no `step`, or an empty text."""
        return self._loaded.no_step_reason

    def disassemble(self, everything: bool = False) -> str:
        """The program as assembly, with what the debug map knows as comments;
        with `everything` also the images, so that hcgs-as gives the same file.
        """
        return _hcgs.disassemble(self._bytes, everything)

    def __bytes__(self) -> bytes:
        """The program file."""
        return self._bytes

    def save(self, path: str | os.PathLike) -> None:
        """Write the program file: whole, or (FileError) not at all."""
        write_file(path, self._bytes)

    def __repr__(self) -> str:
        model = self.metadata.get("model", {}).get("name", "")
        target = self.metadata.get("target", {}).get("name", "")
        inputs = ", ".join(spec.name + spec.layout() for spec in self.inputs)
        outputs = ", ".join(spec.name + spec.layout() for spec in self.outputs)
        return f"<hcgs.Program {model} for {target}: {inputs} -> {outputs}>"

    # Conversions between what users hand in and batches of arrays.

    def _arrays(
        self, x: Data, codes: bool, step: bool = False
    ) -> tuple[list[tuple[str, np.ndarray]], list[int] | None]:
        """Named arrays, and the lengths if lists of sequences were given."""
        specs = {spec.name: spec for spec in self.inputs}
        needed = [
            name
            for name, spec in specs.items()
            if not (step and spec.axis("time") is None)
        ]
        if not isinstance(x, Mapping):
            if len(needed) != 1:
                raise InputError(
                    f"the program has {len(needed)} inputs; give a dict with "
                    + ", ".join(needed)
                )
            x = {needed[0]: x}
        unknown = [name for name in x if name not in specs]
        missing = [name for name in needed if name not in x]
        if unknown or missing:
            raise InputError(
                f"inputs given are {', '.join(x)}; needed are {', '.join(specs)}"
            )
        arrays, lengths = [], None
        for name, spec in specs.items():
            if name not in x:
                continue
            data = x[name]
            if isinstance(data, (list, tuple)) and spec.axis("time") is not None:
                data, found = _pad(spec, data)
                if lengths is not None and found != lengths:
                    raise InputError("sequences of different inputs differ in length")
                lengths = found
            arrays.append((name, _as_array(spec, data, codes, any_time=step)))
        return arrays, lengths

    def _call(self, function, arrays, codes, checked, threads, lengths) -> dict:
        if not isinstance(threads, (int, np.integer)) or threads < 1:
            raise InputError(f"threads must be a number from 1, not {threads!r}")
        outputs, self._statistics = function(
            arrays, codes, checked, True, int(threads), lengths
        )
        return dict(outputs)

    def _unbatch(self, outputs: dict, lengths: list[int]) -> dict:
        """Each output as a list of its rows, sequences cut to their length."""
        rows = {}
        for spec in self.outputs:
            if spec.name not in outputs:
                continue
            batch, time = spec.axis("batch"), spec.axis("time")
            rows[spec.name] = []
            for row, length in enumerate(lengths):
                array = outputs[spec.name]
                if time is not None:
                    array = array.take(range(length), axis=time)
                rows[spec.name].append(array.take(row, axis=batch))
        return rows

    def _result(self, outputs: dict) -> Any:
        if len(self.outputs) == 1 and len(outputs) == 1:
            return next(iter(outputs.values()))
        return outputs


def _write_trace(path: str | os.PathLike, made: tuple[bytes, int, int, str]) -> None:
    content, _, _, left_out = made
    write_file(path, content)
    if left_out:
        warnings.warn(f"{os.fspath(path)} {left_out}", stacklevel=3)


def _pad(spec: TensorSpec, rows: Sequence) -> tuple[np.ndarray, list[int]]:
    """Sequences of different lengths as one batch, zero beyond their ends."""
    batch, time = spec.axis("batch"), spec.axis("time")
    if batch is None:
        raise InputError(
            f"input '{spec.name}' has no batch axis: run one sequence a call"
        )
    if not rows:
        raise InputError(f"input '{spec.name}': the list of sequences is empty")
    arrays = [_numbers(spec.name, row) for row in rows]
    wanted = list(spec.shape)
    del wanted[batch]
    time -= batch < time
    lengths = []
    for number, array in enumerate(arrays):
        fits = array.ndim == len(wanted) and all(
            axis == time or size in (None, found)
            for axis, (size, found) in enumerate(zip(wanted, array.shape))
        )
        if not fits:
            raise InputError(
                f"input '{spec.name}', sequence {number} has shape {array.shape}; "
                "each must be as the input without its batch axis: "
                f"{['time' if size is None else size for size in wanted]}"
            )
        lengths.append(array.shape[time])
    shape = list(arrays[0].shape)
    shape[time] = max(lengths)
    padded = np.zeros((len(arrays), *shape), dtype=np.result_type(*arrays))
    for row, array in enumerate(arrays):
        place = [slice(None)] * array.ndim
        place[time] = slice(lengths[row])
        padded[(row, *place)] = array
    return np.moveaxis(padded, 0, batch), lengths


def load(source: str | os.PathLike | bytes) -> Program:
    """Load a program file, given by its path or as its bytes.

    Raises ProgramError if it is malformed, damaged or of another version,
    FileError (an OSError) if it cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Program(bytes(source))
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise FileError("read program file", source, error) from None
    return Program(data, os.fspath(source))
