# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors as a host sees them, in and out of a network's values (L-IO).

A tensor has the axes of the ONNX graph in the order of the graph; a value is
always [batch, time, width] or [batch, width] here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from . import network
from .arithmetic import to_codes, to_floats
from .program import ProgramFile

_INDEXED = ("layer", "direction")


@dataclass
class TensorRun:
    """outputs[name] in the graph's shape; traces is one (row numbers,
    NetworkResult) for each length that occurs in the batch."""

    outputs: dict[str, np.ndarray]
    traces: list[tuple[np.ndarray, network.NetworkResult]]

    @property
    def saturations(self) -> int:
        return sum(result.saturations for _, result in self.traces)

    @property
    def z_saturations(self) -> int:
        return sum(result.z_saturations for _, result in self.traces)

    @property
    def overflows(self) -> int:
        return sum(result.overflows for _, result in self.traces)

    @property
    def risks(self) -> int:
        return sum(result.risks for _, result in self.traces)


def axis_of(tensor: dict, name: str) -> int | None:
    """Where axis `name` of a tensor is, or None."""
    for position, dim in enumerate(tensor["dims"]):
        if dim["axis"] == name:
            return position
    return None


def part_of(array: np.ndarray, tensor: dict, index: int | None) -> np.ndarray:
    """The slice of a tensor at `index`, as [batch, time, width] (without the
    time axis if the tensor has none)."""
    axes = [dim["axis"] for dim in tensor["dims"]]
    for position in reversed(range(len(axes))):
        if axes[position] in _INDEXED or axes[position] == "one":
            place = index if axes[position] in _INDEXED else 0
            array = np.take(array, place or 0, axis=position)
            del axes[position]
    order = [name for name in ("batch", "time", "feature") if name in axes]
    array = array.transpose([axes.index(name) for name in order])
    if "batch" not in axes:
        array = array[None]
    return array if "feature" in axes else array[..., None]


def put_part(array: np.ndarray, tensor: dict, index: int | None, part) -> None:
    """The opposite of part_of: store `part` into `array`."""
    axes = [dim["axis"] for dim in tensor["dims"]]
    where = tuple(
        (index or 0) if name in _INDEXED else 0 if name == "one" else slice(None)
        for name in axes
    )
    left = [name for name in axes if name in ("batch", "time", "feature")]
    if "batch" not in left:
        part = part[0]
    if "feature" not in left:
        part = part[..., 0]
    order = [name for name in ("batch", "time", "feature") if name in left]
    array[where] = part.transpose([order.index(name) for name in left])


def _check_shape(tensor: dict, array: np.ndarray) -> None:
    dims = tensor["dims"]
    fits = array.ndim == len(dims) and all(
        dim["size"] in (None, size) for dim, size in zip(dims, array.shape)
    )
    if not fits:
        wanted = [dim["axis"] if dim["size"] is None else dim["size"] for dim in dims]
        raise InputError(
            f"input '{tensor['name']}' has shape {array.shape}, needed is {wanted}"
        )


def _part_codes(array: np.ndarray, value: dict, codes: bool) -> np.ndarray:
    """Floats to the codes of `value`, or codes checked against its width."""
    if not codes:
        if not np.isfinite(array).all():  # L-IO-4
            raise InputError(f"'{value['name']}' holds values that are NaN or infinite")
        return to_codes(array, value["bits"], value["frac"])
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"'{value['name']}' is given as {array.dtype}, not as codes")
    half = 1 << (value["bits"] - 1)
    if array.size and (array.min() < -half or array.max() >= half):
        raise InputError(f"'{value['name']}' has codes over {value['bits']} bits")
    return array.astype(np.int64)


def run_tensors(
    program: ProgramFile,
    inputs: dict[str, np.ndarray],
    lengths=None,
    codes: bool = False,
) -> TensorRun:
    """Run the network on tensors shaped as in the ONNX graph.

    inputs   name -> array; floats, or integer codes if `codes`.
    lengths  time steps of each row; by default all that the tensors have.
    Outputs are codes (int64) if `codes`, else float32 (A-FX-4); sequence
    outputs are zero beyond a row's length (L-IO-3).
    """
    net = program.meta["network"]
    tensors = {tensor["name"]: tensor for tensor in net["inputs"]}
    if set(tensors) != set(inputs):
        raise InputError(f"inputs are {sorted(inputs)}, needed are {sorted(tensors)}")
    arrays = {name: np.asarray(inputs[name]) for name in tensors}
    sizes: dict[str, set[int]] = {"time": set(), "batch": set()}
    for name, tensor in tensors.items():
        _check_shape(tensor, arrays[name])
        for axis, found in sizes.items():
            position = axis_of(tensor, axis)
            if position is not None:
                found.add(arrays[name].shape[position])
    if len(sizes["time"]) > 1 or len(sizes["batch"]) > 1:
        raise InputError(f"inputs disagree about time or batch: {sizes}")
    steps = max(sizes["time"], default=program.meta.get("time") or 1)
    rows = max(sizes["batch"], default=1)
    lengths = np.full(rows, steps) if lengths is None else np.asarray(lengths)
    if lengths.shape != (rows,) or lengths.min() < 1 or lengths.max() > steps:
        raise InputError(f"lengths must be {rows} numbers from 1 to {steps}")
    values = {
        part["value"]: _part_codes(
            part_of(arrays[name], tensor, part["index"]),
            net["values"][part["value"]],
            codes,
        )
        for name, tensor in tensors.items()
        for part in tensor["parts"]
    }

    model = network.Network(program)
    results: dict[int, np.ndarray] = {}
    traces = []
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        given = {}
        for number, array in values.items():
            # A tensor without a batch axis serves every row.
            array = array[chosen] if len(array) == rows else array
            given[number] = array[:, :length] if array.ndim == 3 else array
        result = model.run(given, int(length))
        traces.append((chosen, result))
        for part in (p for tensor in net["outputs"] for p in tensor["parts"]):
            got = result.values[part["value"]]
            if part["value"] not in results:
                width = (steps, got.shape[-1]) if got.ndim == 3 else (got.shape[-1],)
                results[part["value"]] = np.zeros((rows, *width), dtype=np.int64)
            if got.ndim == 3:
                results[part["value"]][chosen, :length] = got
            else:
                results[part["value"]][chosen] = got
    outputs = {}
    for tensor in net["outputs"]:
        free = {"time": steps, "batch": rows}
        shape = [free.get(dim["axis"], dim["size"]) for dim in tensor["dims"]]
        output = np.zeros(shape, dtype=np.int64 if codes else np.float32)
        for part in tensor["parts"]:
            array = results[part["value"]]
            if not codes:
                array = to_floats(array, net["values"][part["value"]]["frac"])
            put_part(output, tensor, part["index"], array.astype(output.dtype))
        outputs[tensor["name"]] = output
    return TensorRun(outputs, traces)
