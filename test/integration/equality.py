# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holding a compiled case against the NumPy model, bit by bit.

Used by test_random_networks.py on some seeds and by benchmarks/equality on
many. `check` raises AssertionError with what differs; a refusal by the
compiler is no failure and comes back as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from random_networks import Case

import hcgs
from hcgs import oracle
from hcgs.oracle import quantizer, scales, tensors

@dataclass
class Coverage:
    """What cases have exercised."""

    cases: int = 0
    rows: int = 0
    frames: int = 0
    codes: int = 0
    known_opcodes: set[str] = field(default_factory=set)
    opcodes: set[str] = field(default_factory=set)
    shift_signs: set[int] = field(default_factory=set)
    saturated: set[str] = field(default_factory=set)
    lengths: set[int] = field(default_factory=set)
    features: set[str] = field(default_factory=set)

    def add(self, other: Coverage) -> None:
        for name, value in vars(other).items():
            if isinstance(value, set):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


def input_codes(program: oracle.ProgramFile, inputs: dict) -> dict:
    """The codes a host makes of float inputs (A-FX-3), part by part."""
    network = program.meta["network"]
    codes = {}
    for tensor in network["inputs"]:
        array = np.zeros(inputs[tensor["name"]].shape, dtype=np.int64)
        for part in tensor["parts"]:
            value = network["values"][part["value"]]
            floats = tensors.part_of(
                inputs[tensor["name"]], tensor, part["index"]
            )
            part_codes = oracle.arithmetic.to_codes(floats, value["bits"], value["frac"])
            tensors.put_part(array, tensor, part["index"], part_codes)
        codes[tensor["name"]] = array.astype(np.int16)
    return codes


def run_all(program: hcgs.Program, inputs: dict, **options) -> dict:
    """Program.run with its outputs as a dict, however many there are."""
    outputs = program.run(inputs, **options)
    if not isinstance(outputs, dict):
        outputs = {program.outputs[0].name: outputs}
    return outputs


def assert_equal(name: str, got: dict, wanted: dict) -> int:
    """Every output equal in every element; gives their number."""
    assert got.keys() == wanted.keys(), f"{name}: outputs {sorted(got)}"
    count = 0
    for key, array in wanted.items():
        assert got[key].shape == array.shape, f"{name}, {key}: shape {got[key].shape}"
        differ = np.argwhere(got[key] != array)
        if len(differ):
            at = tuple(int(i) for i in differ[0])
            raise AssertionError(
                f"{name}, {key}{list(at)}: {got[key][at]} instead of {array[at]}; "
                f"{len(differ)} of {array.size} differ"
            )
        count += array.size
    return count


def chunks_of(steps: int, size: int):
    return [(at, min(steps, at + size)) for at in range(0, steps, size)]


def slice_time(program: hcgs.Program, arrays: dict, start: int, stop: int) -> dict:
    """Sequence inputs between two steps; other inputs as they are."""
    sliced = {}
    for spec in program.inputs:
        array = arrays[spec.name]
        if spec.axis("time") is not None:
            array = array.take(range(start, stop), axis=spec.axis("time"))
        sliced[spec.name] = array
    return sliced


def check_steps(program: hcgs.Program, codes: dict, wanted: dict, sizes) -> None:
    """run equals step in chunks of the given sizes, and a restored state goes
    on as the saved one did."""
    sequences = {
        spec.name: spec.axis("time")
        for spec in program.outputs
        if spec.axis("time") is not None
    }
    states = {
        spec.name: codes[spec.name]
        for spec in program.inputs
        if spec.axis("time") is None
    }
    steps = next(
        codes[spec.name].shape[spec.axis("time")]
        for spec in program.inputs
        if spec.axis("time") is not None
    )
    whole = {name: wanted[name] for name in sequences}
    for size in sizes:
        program.reset(states, codes=True)
        parts: dict[str, list] = {name: [] for name in sequences}
        saved = None
        for start, stop in chunks_of(steps, size):
            chunk = slice_time(program, codes, start, stop)
            if saved is None and start > 0:
                saved = program.state
                program.step(chunk, codes=True)  # thrown away
                program.set_state(saved)
            outputs = program.step(chunk, codes=True)
            if not isinstance(outputs, dict):
                outputs = {program.outputs[0].name: outputs}
            for name in sequences:
                parts[name].append(outputs[name])
        joined = {
            name: np.concatenate(parts[name], axis=axis)
            for name, axis in sequences.items()
        }
        assert_equal(f"step by {size}", joined, whole)


def check(case: Case) -> tuple[str | None, Coverage]:
    """Compile and compare; a refusal's text (or None) and what was covered."""
    coverage = Coverage(features=set(case.features))
    try:
        program = case.compile()
    except hcgs.CompileError as error:
        return str(error), coverage
    return None, compare(case, program)


def compare(case: Case, program: hcgs.Program) -> Coverage:
    """Hold a compiled case against the NumPy model."""
    file = oracle.read(bytes(program))
    codes = input_codes(file, case.inputs)
    model = oracle.run_tensors(file, codes, case.lengths, codes=True)
    assert model.risks == 0, "a sum could leave 32 bits although it was proved"
    lengths = case.lengths or [case.steps] * next(
        (codes[s.name].shape[s.axis("batch")] for s in program.inputs
         if s.axis("batch") is not None), 1
    )  # fmt: skip

    coverage = Coverage(
        cases=1,
        rows=len(lengths),
        frames=sum(lengths),
        lengths=set(lengths),
        features=set(case.features),
    )
    got = run_all(program, codes, lengths=case.lengths, codes=True, checked=True)
    coverage.codes = assert_equal("checked run", got, model.outputs)
    counted = program.stats
    assert counted["saturations"] == model.saturations
    assert counted["z_saturations"] == model.z_saturations
    got = run_all(program, codes, lengths=case.lengths, codes=True, threads=2)
    assert_equal("unchecked run", got, model.outputs)
    got = run_all(program, case.inputs, lengths=case.lengths)
    floats = oracle.run_tensors(file, case.inputs, case.lengths)
    assert_equal("run in floats", got, floats.outputs)

    differences = quantizer.check_program(file, case.model)
    differences += scales.check_scales(file)
    assert not differences, "\n".join(differences)

    if program.has_step:
        assert case.streaming, "a reverse layer has a step"
        if case.lengths is None:
            sizes = range(1, case.steps + 1) if case.steps <= 9 else (1, 2, 5, 11)
            check_steps(program, codes, model.outputs, sizes)
    else:
        assert not case.streaming, f"no step: {program.no_step_reason}"
        assert program.no_step_reason
    _cover(coverage, counted, file, model)
    return coverage


def matrix_features(file: oracle.ProgramFile) -> set[str]:
    """Kinds of matrices of a program, as coverage names them."""
    features = set()
    for desc in file.descriptors:
        features.add(desc.kind)
        if desc.kind == "circulant":
            divides = desc.rows % desc.block == 0 and desc.cols % desc.block == 0
            features.add("circulant blocks whole" if divides else "circulant blocks cut")
        if desc.kind != "hcgs":
            continue
        features.add(f"{len(desc.tiers)} tiers")
        features.update(f"balance {tier.balance}" for tier in desc.tiers)
        features.add("masks separate" if desc.separate else "masks shared")
        if any(tier.rows != tier.cols for tier in desc.tiers):
            features.add("rectangular blocks")
        if desc.rows % desc.tiers[0].rows or desc.cols % desc.tiers[0].cols:
            features.add("ragged blocks")
    if len({desc.kind for desc in file.descriptors}) == 3:
        features.add("all kinds in one model")
    return features


#: What matrix_features can say; a long run has to see all of it.
MATRIX_FEATURES = {
    "dense", "hcgs", "circulant", "circulant blocks whole", "circulant blocks cut",
    *(f"{n} tiers" for n in range(1, 9)),
    *(f"balance {b}" for b in ("row", "column", "both", "none")),
    "masks shared", "masks separate", "rectangular blocks", "ragged blocks",
    "all kinds in one model",
}  # fmt: skip


def _cover(coverage, counted, file, model) -> None:
    """Opcodes, shifts, saturations and matrices of a program that has run."""
    coverage.features.update(matrix_features(file))
    executed = counted["instructions"]
    coverage.opcodes.update(name for name, times in executed.items() if times)
    coverage.known_opcodes.update(executed)
    for layer in file.meta["network"]["layers"]:
        rules = [*layer.get("gates", []), layer.get("result")]
        cell = layer.get("cell", {})
        shifts = [rule["shift"] for rule in rules if rule]
        shifts += [cell[k] for k in ("c_shift", "tanh_shift", "h_shift") if cell]
        coverage.shift_signs.update(int(np.sign(shift)) for shift in shifts)
    for _, result in model.traces:
        for trace in result.layers:
            coverage.saturated.update(["low"] * bool(trace.low))
            coverage.saturated.update(["high"] * bool(trace.high))
