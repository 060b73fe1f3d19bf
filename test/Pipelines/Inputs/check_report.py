# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_report.py REPORT.json: checks the report of the JapaneseVowels model at
16x: 2 layers of 128 cells, 12 inputs, a head of 9, 6 bits."""

import json
import sys
from pathlib import Path

report = json.loads(Path(sys.argv[1]).read_text())
hidden, inputs, classes = 128, 12, 9
dense = 4 * hidden * inputs + hidden * classes
kept = 3 * (4 * hidden * hidden // 16)
floats = 4 * hidden * (inputs + 3 * hidden) + hidden * classes + 2 * 4 * hidden + classes

totals = report["totals"]
assert totals["kept_weights"] == dense + kept, totals
assert totals["weight_bytes"] == (dense + kept) * 6 // 8, totals
assert totals["resident_bytes"] == totals["weight_bytes"], totals
assert totals["fp32_bytes"] == 4 * floats, totals
assert totals["bias_bytes"] == 4 * (2 * 4 * hidden + classes), totals
assert abs(totals["ratio"] - totals["fp32_bytes"] / totals["weight_bytes"]) < 1e-9

matrices = report["matrices"]
names = sorted((m["layer"], m["matrix"], m["kind"]) for m in matrices)
assert names == [
    (0, "R", "hcgs"), (0, "W", "dense"),
    (1, "R", "hcgs"), (1, "W", "hcgs"),
    (2, "W", "dense"),
], names  # fmt: skip
for name in ("weight_bytes", "index_bytes", "bias_bytes"):
    assert sum(m[name] for m in matrices) == totals[name], name
sparse = next(m for m in matrices if m["kind"] == "hcgs")
assert [(t["rows"], t["cols"], t["keep"]) for t in sparse["tiers"]] == [
    (32, 32, [1, 4]),
    (4, 4, [1, 4]),
]
assert sparse["balance"] == "row" and sparse["kept"] * 16 == sparse["total"]

# Accounting: every bit of the images is a weight's, an index's or padding; the
# gates of a shared mask keep equally much; layers and gates add up.
assert sparse["masks"] == "shared" and sparse["ratio_to_dense"] == 16.0
assert sparse["detection"]["pattern"] == "32x32:1/4,4x4:1/4 row"
assert sparse["detection"]["confidence_bits"] > 0 and sparse["detection"]["runner_up"]
for m in matrices:
    bits = 8 * (m["weight_bytes"] + m["index_bytes"])
    assert m["stored_bits"] + m["index_bits"] + m["padding_bits"] == bits, m
    assert m["stored_bits"] == m["kept"] * m["weight_bits"] and m["circulant_block"] is None
    assert [g["gate"] for g in m["per_gate"]] == (["i", "o", "f", "g"] if m["gates"] == 4 else [None])
    assert sum(g["kept"] for g in m["per_gate"]) == m["kept"]
    assert all(g["squared_error"] > 0 and g["sqnr_db"] > 10 for g in m["per_gate"])
    assert m["balance_worst"] >= m["balance_mean"] > 0
    assert 0 < m["acc_bound"] < 2**31 and 0 <= m["acc_spare_bits"] < 31
    assert m["on_grid"] is False
# 128 x 128: a small block-row keeps 1 of 4 big and 2 of 8 small blocks, 4 gates.
assert sparse["balance_worst"] == sparse["balance_mean"] == 4 * 4 * 8, sparse
assert sparse["balance_worst_cycles"] == 1
for key in ("kept", "weight_bytes", "index_bytes"):
    assert sum(layer[key] for layer in report["layers"]) == sum(m[key] for m in matrices)
assert len(report["layers"]) == 3
assert sparse["node"].startswith("/layers/lstm/LSTM") and len(sparse["exponents"]) == 4

assert report["target"]["name"] == report["options"]["target"] == "generic"
assert report["options"]["input-range"] == 5 and report["options"]["calibrate"] is None
assert len(report["model"]["sha256"]) == 64
assert report["phases"] == {"start": "imported", "end": "program"}
assert report["step"] == {"supported": True, "reason": None}
assert any("calibrat" in remark for remark in report["remarks"]), report["remarks"]

memories = report["memories"]
assert memories["wmem"]["used"] == totals["resident_bytes"]
assert all(0 < m["used"] <= m["available"] for m in memories.values()), memories
assert all(0 < t["max_error_lsb"] < 4 for t in report["tables"]), report["tables"]
assert {f["name"]: f["width"] for f in report["formats"]}["/head/MatMul"] == classes
assert all(f["min"] < 0 < f["max"] for f in report["formats"])

estimate = report["estimate"]
assert estimate["macs_per_step"] == dense + kept
assert 0 < estimate["cycles_per_step"] <= estimate["cycles_of_one_step"]
assert 0 < estimate["mac_utilization"] <= 1
