# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Do the scales of a network meet?

Bit-exactness alone does not see a wrong shift: both sides would use it. Here
every shift in the metadata is held against the fractional bits of the values,
weights and tables it stands between.
"""

from __future__ import annotations

from .program import ProgramFile


class _Checker:
    def __init__(self, program: ProgramFile):
        self.program = program
        self.values = program.meta["network"]["values"]
        self.matrices = program.meta["matrices"]
        self.found: list[str] = []
        self.where = ""

    def same(self, what: str, one: int, other: int) -> None:
        if one != other:
            self.found.append(
                f"{self.where}: {what} have {one} and {other} fractional bits"
            )

    def frac(self, value: int) -> int:
        return self.values[value]["frac"]

    def result(self, acc_frac: int, rule: dict, output: int) -> None:
        """L-RES-1."""
        out = acc_frac - rule["shift"]
        if rule["kind"] == "act":
            table = self.program.tables[rule["table"]]
            self.same("the table's input and the shifted sum", table.in_frac, out)
            out = table.out_frac
        self.same("the result and its value", out, self.frac(output))

    def lstm(self, layer: dict) -> None:
        tables, cell = self.program.tables, layer["cell"]
        W, R = (self.matrices[layer[which]["desc"]] for which in "WR")
        self.same("the input and W's", self.frac(layer["input"]), W["in_frac"])
        gates = []
        for g, rule in enumerate(layer["gates"]):
            self.same(f"W and R of gate {g}", W["acc_frac"][g], R["acc_frac"][g])
            for name, record in (("W", W), ("R", R)):
                product = record["exponents"][g] + record["in_frac"]
                product += layer[name]["shifts"][g]
                self.same(f"{name}'s sum of gate {g}", record["acc_frac"][g], product)
            z_frac = W["acc_frac"][g] - rule["shift"]
            table = tables[rule["table"]]
            self.same(f"z and the table of gate {g}", z_frac, table.in_frac)
            gates.append(table.out_frac)
        i, o, f, g = gates
        s = i + g + cell["ig_lshift"]
        c = s - cell["c_shift"]
        self.same("f*c and i*g", f + c + cell["fc_lshift"], s)
        squash = tables[cell["table"]]
        self.same("the cell's sum and its table", s - cell["tanh_shift"], squash.in_frac)
        h = o + squash.out_frac + cell["h_lshift"] - cell["h_shift"]
        self.same("h and R's input", h, R["in_frac"])
        for key, frac in (("output", h), ("final_h", h), ("final_c", c),
                          ("initial_h", h), ("initial_c", c)):  # fmt: skip
            if layer.get(key) is not None:
                self.same(f"{key} and its value", frac, self.frac(layer[key]))

    def linear(self, layer: dict) -> None:
        W = self.matrices[layer["W"]["desc"]]
        self.same("the input and W's", self.frac(layer["input"]), W["in_frac"])
        product = W["exponents"][0] + W["in_frac"] + layer["W"]["shifts"][0]
        self.same("W's sum", W["acc_frac"][0], product)
        self.result(W["acc_frac"][0], layer["result"], layer["output"])

    def pointwise(self, layer: dict) -> None:
        sums = [
            self.frac(value) + shift
            for value, shift in zip(layer["inputs"], layer["lshifts"])
        ]
        for other in sums[1:]:
            self.same("the shifted operands", sums[0], other)
        self.result(sums[0], layer["result"], layer["output"])

    def concat(self, layer: dict) -> None:
        for value in layer["inputs"]:
            self.same("the parts", self.frac(value), self.frac(layer["output"]))

    def last(self, layer: dict) -> None:
        self.same("both ends", self.frac(layer["input"]), self.frac(layer["output"]))


def check_scales(program: ProgramFile) -> list[str]:
    """One line for every place where scales do not meet; none if all do."""
    checker = _Checker(program)
    kinds = {
        "lstm": checker.lstm,
        "linear": checker.linear,
        "add": checker.pointwise,
        "act": checker.pointwise,
        "concat": checker.concat,
        "last": checker.last,
    }
    for layer in program.meta["network"]["layers"]:
        checker.where = f"layer {layer['name']}"
        kinds[layer["op"]](layer)
    return checker.found
