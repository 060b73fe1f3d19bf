# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How near a program is to its model, and whether the simulator is exact."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import Error, InputError
from .program import Data, Program, TensorSpec, _as_lengths, _batch_extent, load


@dataclass(frozen=True)
class Divergence:
    """The first step at which an output left its reference.

    row    batch row
    step   time step, or None for an output without a time axis
    error  root mean square of the error at that step, over the output's RMS
    """

    row: int
    step: int | None
    error: float


@dataclass(frozen=True)
class OutputAgreement:
    """One output against the float model; rows count to their own length.

    sqnr_db    10 * log10(sum ref^2 / sum (ref - out)^2) over all elements
    max_error  largest |ref - out|, in real units
    agreement  fraction of the vectors along the feature axis (frames) whose
               largest element is at the same place; None for one feature
    sequence_agreement  the same for the mean over the frames of each row
    divergence first step whose error exceeds the threshold, or None
    """

    name: str
    sqnr_db: float
    max_error: float
    agreement: float | None
    sequence_agreement: float | None
    divergence: Divergence | None


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    outputs    one OutputAgreement an output, by name
    rows, frames  sequences compared and time steps in them
    threshold  of OutputAgreement.divergence
    bit_exact  whether every code and final state equals the NumPy model's;
               None if that was not asked for
    mismatch   the first difference from the NumPy model, in words
    accuracy, model_accuracy  fraction of rows whose label is the place of the
               largest element of the first output, averaged over the frames, in
               the program and in the float model; None without labels
    """

    outputs: dict[str, OutputAgreement]
    rows: int
    frames: int
    threshold: float
    bit_exact: bool | None = None
    mismatch: str | None = None
    accuracy: float | None = None
    model_accuracy: float | None = None
    stats: dict = field(default_factory=dict, repr=False)

    @property
    def agreement(self) -> float | None:
        """sequence_agreement of the first output."""
        return next(iter(self.outputs.values())).sequence_agreement

    @property
    def sqnr_db(self) -> float:
        """sqnr_db of the first output."""
        return next(iter(self.outputs.values())).sqnr_db

    def __str__(self) -> str:
        lines = [f"{self.rows} sequences, {self.frames} frames"]
        for one in self.outputs.values():
            line = (
                f"{one.name}: SQNR {one.sqnr_db:.1f} dB, max error {one.max_error:.3g}"
            )
            if one.agreement is not None:
                line += f", agreement {100 * one.agreement:.2f} % of frames"
                line += f", {100 * one.sequence_agreement:.2f} % of sequences"
            if one.divergence is not None:
                where = f"row {one.divergence.row}, step {one.divergence.step}"
                line += f", diverges at {where}"
            lines.append(line)
        if self.accuracy is not None:
            lines.append(
                f"accuracy {100 * self.accuracy:.2f} %, "
                f"the float model {100 * self.model_accuracy:.2f} %"
            )
        if self.bit_exact is not None:
            lines.append(
                "equal to the NumPy model in every bit"
                if self.bit_exact
                else f"differs from the NumPy model: {self.mismatch}"
            )
        return "\n".join(lines)


def verify(
    program: Program | str | os.PathLike | bytes,
    model: Any,
    data: Data,
    lengths: Sequence[int] | None = None,
    *,
    labels: Sequence[int] | None = None,
    threshold: float = 0.5,
    oracle: bool = False,
    checked: bool = False,
) -> Verification:
    """Compare a program with the float model it was compiled from.

    program  an `hcgs.Program`, whose state is not touched; or a program file, by
             its path or as its bytes
    model    the ONNX model: path, bytes or onnx.ModelProto, run by ONNX Runtime
    data     floats, as `Program.run` takes them
    lengths  time steps of each row, as in `Program.run`
    labels   the class of each row, from 0, to count how often it is the largest
             of the first output
    threshold  a step diverges when the RMS of its error (over the features)
             exceeds `threshold` times the RMS of the whole reference output
    oracle   also demand equality with the NumPy model in every bit
    checked  run the simulator in checked mode

    Raises InputError for data that do not fit, Error if ONNX Runtime is not
    installed or refuses the model.
    """
    if not isinstance(program, Program):
        program = load(program)
    comparison = Comparison(program, model, data, lengths, labels)
    return comparison.of(program, threshold=threshold, oracle=oracle, checked=checked)


class Comparison:
    """The float model's outputs for some data, kept to hold any number of
    programs of that model against them: arguments as of `verify`; `program`
    says what the inputs and outputs look like."""

    def __init__(
        self,
        program: Program,
        model: Any,
        data: Data,
        lengths: Sequence[int] | None = None,
        labels: Sequence[int] | None = None,
    ):
        arrays, listed = program._arrays(data, codes=False)
        if listed is not None:
            if lengths is not None:
                raise InputError(
                    "lengths follow from a list of sequences; leave it out"
                )
            lengths = listed
        self._inputs, self._outputs = program.inputs, program.outputs
        self.batch = dict(arrays)
        rows, steps = _batch_extent(self._inputs, self.batch)
        if lengths is None:
            lengths = [steps] * rows
        self.lengths = _as_lengths(lengths, rows, steps)
        self.labels = None if labels is None else self._classes(labels, rows)
        reference = _Reference(model)
        #: Of each output, each row's frames: float64 [time, vectors, features].
        self.frames: dict[str, list[np.ndarray]] = {s.name: [] for s in self._outputs}
        self._shapes: dict[str, list] = {s.name: [] for s in self._outputs}
        for row, length in enumerate(self.lengths):
            inputs = {
                spec.name: _row(spec, self.batch[spec.name], row, length)
                for spec in self._inputs
            }
            wanted = reference.run(inputs)
            for spec in self._outputs:
                if spec.name not in wanted:
                    raise Error(
                        f"the model has no output '{spec.name}': not the same model"
                    )
                self._shapes[spec.name].append(wanted[spec.name].shape)
                self.frames[spec.name].append(_frames(spec, wanted[spec.name]))

    def of(
        self,
        program: Program,
        *,
        threshold: float = 0.5,
        oracle: bool = False,
        checked: bool = False,
    ) -> Verification:
        """How near `program` is; its state is not touched."""
        runner = program.clone()
        outputs = runner.run(self.batch, self.lengths, checked=checked)
        if not isinstance(outputs, dict):
            outputs = {program.outputs[0].name: outputs}
        found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for spec in self._outputs:
            for row, length in enumerate(self.lengths):
                mine = _row(spec, outputs[spec.name], row, length)
                wanted = self._shapes[spec.name][row]
                if wanted != mine.shape:
                    raise Error(
                        f"output '{spec.name}' has shape {list(mine.shape)}, the model "
                        f"gives {list(wanted)}: not the same model"
                    )
                pair = (self.frames[spec.name][row], _frames(spec, mine))
                found.setdefault(spec.name, []).append(pair)
        bit_exact = mismatch = accuracy = model_accuracy = None
        if oracle:
            mismatch = _against_oracle(program, self.batch, self.lengths)
            bit_exact = mismatch is None
        if self.labels is not None:
            pairs = found[self._outputs[0].name]
            model_accuracy = _accuracy([ref for ref, _ in pairs], self.labels)
            accuracy = _accuracy([out for _, out in pairs], self.labels)
        return Verification(
            outputs={
                spec.name: _agreement(spec, found[spec.name], threshold)
                for spec in self._outputs
            },
            rows=len(self.lengths),
            frames=sum(self.lengths),
            threshold=threshold,
            bit_exact=bit_exact,
            mismatch=mismatch,
            accuracy=accuracy,
            model_accuracy=model_accuracy,
            stats=runner.stats,
        )

    def _classes(self, labels: Sequence[int], rows: int) -> np.ndarray:
        spec = self._outputs[0]
        classes = 1
        for axis, size in zip(spec.axes, spec.shape):
            if axis == "feature":
                classes = size
            elif axis not in ("time", "batch") and size != 1:
                raise InputError(
                    f"output '{spec.name}' {spec.layout()} has no one vector a row, "
                    "so labels mean nothing"
                )
        array = np.asarray(labels)
        if array.dtype.kind not in "iu" or array.shape != (rows,):
            raise InputError(
                f"labels must be {rows} whole numbers, one a row; found "
                f"{array.dtype} {list(array.shape)}"
            )
        if classes < 2 or array.min() < 0 or array.max() >= classes:
            raise InputError(
                f"labels {array.min()}..{array.max()} found; output '{spec.name}' "
                f"has {classes} features, so 0..{classes - 1} are allowed"
            )
        return array


def _accuracy(rows: list[np.ndarray], labels: np.ndarray) -> float:
    """Rows whose largest mean over the frames is at their label."""
    return float(np.mean([r.mean((0, 1)).argmax() == k for r, k in zip(rows, labels)]))


class _Reference:
    """ONNX Runtime on one thread."""

    def __init__(self, model: Any):
        try:
            import onnxruntime
        except ImportError as error:
            raise Error("verify needs ONNX Runtime: pip install onnxruntime") from error
        if hasattr(model, "SerializeToString"):
            model = model.SerializeToString()
        elif not isinstance(model, bytes):
            model = os.fspath(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has no public base class
            raise Error(f"ONNX Runtime refuses the model: {error}") from error
        self._types = {
            tensor.name: _NUMPY_TYPES[tensor.type]
            for tensor in self._session.get_inputs()
        }
        self._names = [tensor.name for tensor in self._session.get_outputs()]

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        missing = sorted(set(self._types) - set(inputs))
        if missing:
            raise InputError(
                f"the model has an input '{missing[0]}' and the program has none of "
                "that name; give the model that the program was compiled from"
            )
        typed = {n: inputs[n].astype(kind) for n, kind in self._types.items()}
        try:
            found = self._session.run(None, typed)
        except Exception as error:  # ONNX Runtime has no public base class
            raise InputError(
                "ONNX Runtime cannot run the model on the program's inputs; give the "
                f"model that the program was compiled from: {error}"
            ) from error
        return dict(zip(self._names, found))


_NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
}


def _row(spec: TensorSpec, array: np.ndarray, row: int, length: int) -> np.ndarray:
    """One batch row of a tensor, cut to `length` steps; its batch is 1."""
    place: list = [slice(None)] * array.ndim
    if spec.axis("time") is not None:
        place[spec.axis("time")] = slice(length)
    if spec.axis("batch") is not None:
        place[spec.axis("batch")] = slice(row, row + 1)
    return array[tuple(place)]


def _frames(spec: TensorSpec, array: np.ndarray) -> np.ndarray:
    """[time, vectors, features] of one row (time is 1 without such an axis)."""
    array = np.asarray(array, dtype=np.float64)
    time, feature = spec.axis("time"), spec.axis("feature")
    axes = [axis for axis in range(array.ndim) if axis not in (time, feature)]
    order = ([] if time is None else [time]) + axes
    order += [] if feature is None else [feature]
    array = array.transpose(order)
    if time is None:
        array = array[None]
    if feature is None:
        array = array[..., None]
    return array.reshape(array.shape[0], -1, array.shape[-1])


def _agreement(
    spec: TensorSpec, rows: list[tuple[np.ndarray, np.ndarray]], threshold: float
) -> OutputAgreement:
    signal = sum(float(np.sum(ref**2)) for ref, _ in rows)
    noise = sum(float(np.sum((ref - out) ** 2)) for ref, out in rows)
    count = sum(ref.size for ref, _ in rows)
    rms = np.sqrt(signal / count)
    divergence = None
    for row, (ref, out) in enumerate(rows):
        errors = np.sqrt(np.mean((ref - out) ** 2, axis=(1, 2)))
        over = np.flatnonzero(errors > threshold * rms)
        if over.size:
            step = None if spec.axis("time") is None else int(over[0])
            relative = float(errors[over[0]] / rms) if rms else float("inf")
            divergence = Divergence(row, step, relative)
            break
    agreement = sequence_agreement = None
    if rows[0][0].shape[-1] > 1:
        same = [ref.argmax(-1) == out.argmax(-1) for ref, out in rows]
        agreement = float(np.mean(np.concatenate([s.ravel() for s in same])))
        means = [ref.mean(0).argmax(-1) == out.mean(0).argmax(-1) for ref, out in rows]
        sequence_agreement = float(np.mean(means))
    with np.errstate(divide="ignore", invalid="ignore"):
        sqnr = (
            float(10 * np.log10(np.float64(signal) / noise)) if noise else float("inf")
        )
    return OutputAgreement(
        name=spec.name,
        sqnr_db=sqnr,
        max_error=max(float(np.abs(ref - out).max()) for ref, out in rows),
        agreement=agreement,
        sequence_agreement=sequence_agreement,
        divergence=divergence,
    )


def _against_oracle(
    program: Program, batch: dict[str, np.ndarray], lengths: list[int]
) -> str | None:
    """The first code that differs from the NumPy model, in words."""
    from . import oracle

    outputs = program.clone().run(batch, lengths, codes=False)
    if not isinstance(outputs, dict):
        outputs = {program.outputs[0].name: outputs}
    model = oracle.run_tensors(oracle.read(bytes(program)), batch, lengths)
    for spec in program.outputs:
        wanted, got = model.outputs[spec.name], outputs[spec.name]
        differ = np.argwhere(wanted != got)
        if len(differ):
            where = tuple(int(i) for i in differ[0])
            return (
                f"output '{spec.name}' at {where} is {got[where]}, "
                f"the NumPy model has {wanted[where]} ({len(differ)} differ)"
            )
    return None
