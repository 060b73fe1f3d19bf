# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weight memory of a block-circulant LSTM, and whether it computes right.

    benchmarks/circulant/run.py [--json FILE]

Makes an LSTM of 512 cells on 512 inputs whose W and R consist of circulant
blocks, compiles it without any hint (detection has to find the blocks), and
compares the weight image with the dense matrices in fp32 and in the same width.
The simulator's outputs have to equal the NumPy model's in every bit, and the
compiler's count of cycles the simulator's. A block size that divides nothing
(100) is among them. Exits 1 if anything differs, or if blocks of 16 and more do
not take 95 % less than fp32, or blocks of 32 and more 95 % less than dense in
the same width.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "benchmarks"),
    str(ROOT / "test" / "integration"),
    str(ROOT / "test" / "python" / "tools"),
]

import bench  # noqa: E402
import equality  # noqa: E402

import hcgs  # noqa: E402
from hcgs import oracle  # noqa: E402

HIDDEN, INPUTS, STEPS = 512, 512, 12
BLOCKS = (4, 8, 16, 32, 64, 100, 128)


def circulant(rng: np.random.Generator, rows: int, cols: int, block: int) -> np.ndarray:
    """float32 [rows, cols] of circulant blocks: row r of a block is its first
    row turned right by r."""
    down, across = -(-rows // block), -(-cols // block)
    vectors = rng.normal(0, 0.5 / np.sqrt(cols), (down, across, block)).astype(np.float32)
    turn = (np.arange(block)[None, :] - np.arange(block)[:, None]) % block
    blocks = vectors[:, :, turn]  # down, across, row, column
    whole = blocks.transpose(0, 2, 1, 3).reshape(down * block, across * block)
    return whole[:rows, :cols]


def model(block: int):
    rng = np.random.default_rng(block)
    W, R = (
        np.concatenate([circulant(rng, HIDDEN, cols, block) for _ in range(4)])
        for cols in (INPUTS, HIDDEN)
    )
    bias = rng.normal(0, 0.1, 8 * HIDDEN).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("LSTM", ["x", "W", "R", "B"], ["Y"], name="lstm", hidden_size=HIDDEN),
            helper.make_node("Squeeze", ["Y", "one"], ["y"], name="squeeze"),
        ],
        "circulant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", HIDDEN])],
        [
            numpy_helper.from_array(W[None], "W"),
            numpy_helper.from_array(R[None], "R"),
            numpy_helper.from_array(bias[None], "B"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def differences(program: hcgs.Program, x: np.ndarray) -> list[str]:
    """What is not equal between simulator, NumPy model and compiler."""
    found = []
    file = oracle.read(bytes(program))
    codes = equality.input_codes(file, {"x": x})
    wanted = oracle.run_tensors(file, codes, None, codes=True)
    for checked in (True, False):
        got = equality.run_all(program, codes, codes=True, checked=checked)
        try:
            equality.assert_equal(f"checked={checked}", got, wanted.outputs)
        except AssertionError as error:
            found.append(str(error))
    cycles = {}
    for steps in (16, 48):
        program.run(np.zeros((steps, 1, INPUTS), np.float32))
        cycles[steps] = program.stats["cycles"]
    if program.report["estimate"]["cycles_per_step"] != (cycles[48] - cycles[16]) / 32:
        found.append("the compiler counts other cycles than the simulator")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()
    weights = 4 * HIDDEN * (INPUTS + HIDDEN)
    x = np.random.default_rng(0).normal(0, 0.6, (STEPS, 1, INPUTS)).astype(np.float32)
    rows, numbers, failed = [], {}, []
    for block in BLOCKS:
        program = hcgs.compile(model(block), target="generic", calibrate=x, weight_bits=6)
        found = {m["circulant_block"] for m in program.report["matrices"]}
        if found != {block}:
            failed.append(f"block {block}: detection found {found}")
        stored = program.report["totals"]["weight_bytes"]
        less_fp32 = 100 * (1 - stored / (4 * weights))
        less_same = 100 * (1 - stored / (weights * 6 / 8))
        wrong = differences(program, x)
        failed += [f"block {block}: {line}" for line in wrong]
        if block >= 16 and less_fp32 <= 95 or block >= 32 and less_same <= 95:
            failed.append(f"block {block}: not 95 % less weight memory")
        estimate = program.report["estimate"]
        rows.append(
            (
                f"block {block}",
                f"{stored:9,} B  {less_fp32:6.2f} %  {less_same:6.2f} %  "
                f"{estimate['cycles_per_step']:7.0f}  "
                f"{100 * estimate['mac_utilization']:5.1f} %  "
                f"{'no' if wrong else 'yes'}",
            )
        )
        numbers[block] = {
            "weight_bytes": stored,
            "less_than_fp32_percent": less_fp32,
            "less_than_same_width_percent": less_same,
            "cycles_per_step": estimate["cycles_per_step"],
            "equal": not wrong,
        }
    rows.insert(0, ("", "   weights  < fp32  < dense 6 bit   cycles/step  lanes  equal"))
    bench.table(f"circulant LSTM, {HIDDEN} cells, {INPUTS} inputs, 6 bit", rows)
    for line in failed:
        print(f"FAILED {line}")
    bench.write_json(args.json, numbers)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
