# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What compiled networks mean: with wide formats they compute what ONNX
Runtime computed for the importer's fixtures."""

import json
from pathlib import Path

import numpy as np
import pytest

import hcgs

FIXTURES = Path(__file__).resolve().parents[1] / "Import" / "fixtures"
IMPORTED = [
    entry
    for entry in json.loads((FIXTURES / "manifest.json").read_text())
    if entry["expect"] == "import"
]

#: The widest formats whose sums are always proved to fit 32 bits.
WIDE = {
    "weight_bits": 8,
    "weight_encoding": "twos",
    "input_bits": 16,
    "act_bits": 16,
    "gate_bits": 14,
    "cell_bits": 16,
}
#: Eight-bit weights alone allow about 40 dB; a wrong gate, direction, axis or
#: state gives less than 10.
LEAST_SQNR_DB = 28.0

#: Imported, but no program can have them, each for its reason.
REFUSED = {"states_constant_bidirectional": "differs between the rows of the batch"}


def sqnr(reference: np.ndarray, other: np.ndarray) -> float:
    noise = np.sum((reference - other) ** 2)
    return float("inf") if noise == 0 else 10 * np.log10(np.sum(reference**2) / noise)


@pytest.mark.parametrize("entry", IMPORTED, ids=[entry["name"] for entry in IMPORTED])
def test_fixture(entry):
    data = np.load(FIXTURES / entry["data"])
    inputs = {k[3:]: data[k] for k in data.files if k.startswith("in.")}
    wanted = {k[4:]: data[k] for k in data.files if k.startswith("out.")}
    if entry["name"] in REFUSED:
        with pytest.raises(hcgs.CompileError, match=REFUSED[entry["name"]]):
            hcgs.compile(FIXTURES / entry["file"], target="generic", **WIDE)
        return
    program = hcgs.compile(
        FIXTURES / entry["file"], target="generic", calibrate=inputs, **WIDE
    )
    got = program.run(inputs, checked=True)
    if not isinstance(got, dict):
        got = {program.outputs[0].name: got}
    assert list(got) == list(wanted)
    for name, reference in wanted.items():
        assert got[name].shape == reference.shape
        assert got[name].dtype == np.float32
        assert sqnr(reference, got[name]) > LEAST_SQNR_DB, name
