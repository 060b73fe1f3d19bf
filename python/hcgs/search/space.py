# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which widths of a network can be chosen, what they cost, and how the compiler
is told (docs/Guides/Config.md)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

from ..errors import InputError
from ..oracle.program import ProgramFile
from .algorithm import Assignment, Variable

WEIGHT_WIDTHS = tuple(range(2, 9))
VALUE_WIDTHS = tuple(range(8, 17))
KINDS = ("weights", "act", "gate", "cell", "input")


def variables(
    file: ProgramFile,
    *,
    vary: Iterable[str],
    per: str,
    weight_bits: Sequence[int],
    value_bits: Sequence[int],
    activation_weight: float,
) -> list[Variable]:
    """The variables of a network, from any program of it.

    vary   of KINDS: weights of layers; `act` h or the result of a layer; `gate`
           the gates and tanh of the cell; `cell` the cell state; `input`
    per    "layer", or "matrix": W and R of a layer apart
    weight_bits, value_bits  widths to choose from, as far as the target allows

    Weights cost the bytes of their image; values `activation_weight` times the
    bytes that one time step of them takes. Raises InputError if nothing is left
    to choose.
    """
    vary = list(vary)
    unknown = [kind for kind in vary if kind not in KINDS]
    if unknown or not vary:
        raise InputError(
            f"cannot vary {unknown[0] if unknown else 'nothing'}; there are {', '.join(KINDS)}"
        )
    allowed = _target_widths(file)
    weights = tuple(sorted(w for w in set(weight_bits) if w in allowed["weights"]))
    values = tuple(sorted(w for w in set(value_bits) if w in allowed["values"]))
    name = file.meta["target"]["name"]
    for kinds, left, asked, can in (
        (["weights"], weights, weight_bits, allowed["weights"]),
        (KINDS[1:], values, value_bits, allowed["values"]),
    ):
        if not left and any(kind in vary for kind in kinds):
            raise InputError(
                f"widths {_list(asked)} of {kinds[0] if len(kinds) == 1 else 'values'}: "
                f"target {name} takes {_list(can)}"
            )

    found: list[Variable] = []

    def add(name: str, key: tuple[str, str, str], widths, elements: float, factor=1.0):
        found.append(Variable(name, key, widths, elements / 8 * factor))

    for index, layer in enumerate(file.meta["network"]["layers"]):
        records = [
            (record["matrix"], file.descriptors[number])
            for number, record in enumerate(file.meta["matrices"])
            if record["layer"] == index
        ]
        if not records:
            continue
        node = layer["name"]
        words = {which: d.weight_bytes * 8 // d.weight_bits for which, d in records}
        if "weights" in vary and per == "layer":
            add(
                f"{node} weights",
                (node, "", "weight-bits"),
                weights,
                sum(words.values()),
            )
        elif "weights" in vary:
            for which, count in words.items():
                add(f"{node} {which}", (node, which, "weight-bits"), weights, count)
        width = layer.get("hidden") or records[0][1].rows
        # i, o, f, g and tanh of the cell have the gates' width.
        for kind, elements in (("act", width), ("gate", 5 * width), ("cell", width)):
            if kind in vary and (kind == "act" or layer["op"] == "lstm"):
                key = (node, "", f"{kind}-bits")
                add(f"{node} {kind}", key, values, elements, activation_weight)
    if "input" in vary:
        count = sum(
            file.meta["network"]["values"][part["value"]]["width"]
            for tensor in file.meta["network"]["inputs"]
            for part in tensor["parts"]
        )
        add("inputs", ("", "", "input-bits"), values, count, activation_weight)
    if all(len(variable.widths) < 2 for variable in found):
        raise InputError(
            "there is nothing to choose: "
            + "; ".join(f"{v.name} {_list(v.widths)}" for v in found)
            + f" (target {name} takes weights of {_list(allowed['weights'])} bits)"
        )
    return found


def _target_widths(file: ProgramFile) -> dict[str, Sequence[int]]:
    """Widths that the machine takes; all where it does not say."""

    def number(*keys: str):
        at = file.target
        for key in keys:
            at = at.get(key, {}) if isinstance(at, Mapping) else {}
        return at.get("value", None) if isinstance(at, Mapping) else at

    low, high = number("activation_bits", "min"), number("activation_bits", "max")
    return {
        "weights": number("weights", "bits") or WEIGHT_WIDTHS,
        "values": range(low or VALUE_WIDTHS[0], (high or VALUE_WIDTHS[-1]) + 1),
    }


def _list(widths: Sequence[int]) -> str:
    widths = list(widths)
    if len(widths) > 2 and widths == list(range(widths[0], widths[-1] + 1)):
        return f"{widths[0]}..{widths[-1]}"
    return ", ".join(map(str, widths)) or "nothing"


def check_free(
    variables: Sequence[Variable],
    options: Iterable[str],
    base: Mapping,
    inputs: Sequence[str],
) -> None:
    """Raises InputError where an option (names as of hcgs-compile) or an entry of
    the configuration `base` beats what `configuration` says of a variable: every
    width would measure as the same program. `inputs` are the model's."""
    layers, values = _section(base, "layers"), _section(base, "values")

    def fixed(what: str, variable: Variable) -> InputError:
        return InputError(
            f"{what} fixes the width of '{variable.name}', which is varied: leave it "
            "out, or do not vary that kind"
        )

    for variable in variables:
        layer, _, option = variable.key
        if option == "input-bits":
            if option in options:
                raise fixed(f"option '{option}'", variable)
            for name in layers:
                if option in _section(layers, name):
                    raise fixed(f"configuration: layers.{name}.{option}", variable)
            for name in inputs:
                if "bits" in _section(values, name):
                    raise fixed(f"configuration: values.{name}.bits", variable)
        # Of h or the result, and of the cell: nearer than the layer.
        for which, value, key in (
            ("y", layer, "act-bits"),
            ("c", f"{layer}.c", "cell-bits"),
        ):
            if option != key:
                continue
            if "bits" in _section(_section(layers, layer), which):
                raise fixed(f"configuration: layers.{layer}.{which}.bits", variable)
            if "bits" in _section(values, value):
                raise fixed(f"configuration: values.{value}.bits", variable)


def _section(config: Mapping, name: str) -> Mapping:
    """A part of a configuration; nothing if it is absent or no object, of which
    the compiler complains."""
    part = config.get(name)
    return part if isinstance(part, Mapping) else {}


def configuration(
    variables: Sequence[Variable],
    widths: Assignment,
    options: Mapping[str, object],
    base: Mapping | None = None,
) -> dict:
    """A configuration of the compiler: `base` with `options` and widths put in."""
    config = copy.deepcopy(dict(base or {}))
    config.setdefault("options", {}).update(options)
    layers = config.setdefault("layers", {})
    for variable, width in zip(variables, widths):
        layer, matrix, option = variable.key
        if not layer:
            config["options"][option] = width
            continue
        place = layers.setdefault(layer, {})
        if matrix:
            place = place.setdefault(matrix, {})
        elif option == "weight-bits":
            # What the base says of a matrix must not beat the layer's width.
            for which in ("W", "R"):
                place.get(which, {}).pop("weight-bits", None)
        place[option] = width
    return {key: value for key, value in config.items() if value or key == "layers"}
