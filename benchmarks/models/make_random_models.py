# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a random LSTM stack as an ONNX file, for speed and size benchmarks.

    python benchmarks/models/make_random_models.py --inputs 440 --hidden 512 \\
        --layers 2 --tiers 32x32:25%,4x4:25% --balance column -o 2x512.onnx

The graph has input x [time, batch, inputs] and output y, both axes dynamic;
layers run forward with biases and zero initial states, `--head N` adds a linear
layer of N outputs on every frame. Weights are uniform within 1/sqrt(hidden), as
PyTorch starts an LSTM. With `--tiers` the matrices carry an HCGS pattern, one
mask for W and one for R of each layer, shared by the gates; a kept weight is
never exactly 0, so the pattern can be read back from the zeros. Equal arguments
give equal bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
from hcgs.train import masks

GATES = 4
OPSET, IR = 17, 8


def random_weights(
    shape: tuple[int, ...], bound: float, rng: np.random.Generator
) -> np.ndarray:
    """float32, uniform in [-bound, bound] without the range around 0 that no
    trained weight would be told from a dropped one in."""
    values = rng.uniform(bound * 2.0**-12, bound, shape)
    return (values * rng.choice((-1.0, 1.0), shape)).astype(np.float32)


def build(
    inputs: int,
    hidden: int,
    layers: int,
    *,
    tiers: Sequence[masks.Tier] = (),
    balance: str = "row",
    dense: Sequence[str] = (),
    head: int = 0,
    seed: int = 0,
) -> onnx.ModelProto:
    """The model described above. `dense` names matrices that stay whole, "W1"
    the input matrix of layer 1, "R2" the recurrent one of layer 2."""
    rng = np.random.default_rng(seed)
    bound = hidden**-0.5
    nodes, initializers = [], []

    def constant(name: str, values: np.ndarray) -> str:
        initializers.append(onnx.numpy_helper.from_array(values, name))
        return name

    def matrix(name: str, width: int) -> np.ndarray:
        weights = random_weights((1, GATES, hidden, width), bound, rng)
        if tiers and name not in dense:
            mask = masks.draw((hidden, width), tiers, balance, rng)
            weights = np.where(mask, weights, np.float32(0))
        return weights.reshape(1, GATES * hidden, width)

    value, width = "x", inputs
    direction_axis = constant("direction_axis", np.array([1], np.int64))
    for layer in range(1, layers + 1):
        name = f"lstm_{layer}"
        operands = [
            value,
            constant(f"{name}.W", matrix(f"W{layer}", width)),
            constant(f"{name}.R", matrix(f"R{layer}", hidden)),
            constant(f"{name}.B", random_weights((1, 2 * GATES * hidden), bound, rng)),
        ]
        nodes.append(
            helper.make_node("LSTM", operands, [f"{name}.Y"], name, hidden_size=hidden)
        )
        value, width = f"{name}.frames", hidden
        nodes.append(
            helper.make_node(
                "Squeeze", [f"{name}.Y", direction_axis], [value], f"{name}.squeeze"
            )
        )
    if head:
        weights = constant("head.weight", random_weights((hidden, head), bound, rng))
        bias = constant("head.bias", random_weights((head,), bound, rng))
        nodes.append(
            helper.make_node("MatMul", [value, weights], ["head.product"], "head")
        )
        nodes.append(helper.make_node("Add", ["head.product", bias], ["y"], "head.add"))
        width = head
    else:
        nodes[-1].output[0] = "y"

    def frames(name: str, features: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["time", "batch", features]
        )

    graph = helper.make_graph(
        nodes, "random_lstm", [frames("x", inputs)], [frames("y", width)], initializers
    )
    return helper.make_model(
        graph,
        producer_name="hcgs-benchmarks",
        ir_version=IR,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write a random LSTM stack as ONNX.")
    parser.add_argument("--inputs", type=_size, default=440)
    parser.add_argument("--hidden", type=_size, default=512)
    parser.add_argument("--layers", type=_size, default=2)
    parser.add_argument(
        "--sparsity",
        choices=("none", "hcgs"),
        help="default: hcgs if --tiers is given, else none",
    )
    parser.add_argument(
        "--tiers",
        metavar="T",
        help="HCGS blocks and kept fractions (default 32x32:25%%,4x4:25%%)",
    )
    parser.add_argument("--balance", choices=masks.BALANCES, default="row")
    parser.add_argument(
        "--dense",
        action="append",
        default=[],
        metavar="MATRIX",
        help="leave this matrix whole: W1, R1, W2, ...",
    )
    parser.add_argument(
        "--head", type=int, default=0, metavar="N", help="linear layer of N outputs"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", required=True, metavar="FILE.onnx")
    options = parser.parse_args(arguments)
    known = [f"{kind}{k}" for k in range(1, options.layers + 1) for kind in "WR"]
    for name in options.dense:
        if name not in known:
            parser.error(f"no matrix '{name}'; there are {', '.join(known)}")
    if options.head < 0:
        parser.error(f"--head {options.head} is negative")
    try:
        tiers = masks.parse_tiers(options.tiers) if options.tiers else masks.HCGS_16X
    except ValueError as error:
        parser.error(str(error))
    sparsity = options.sparsity or ("hcgs" if options.tiers else "none")
    if sparsity == "none" and options.tiers:
        parser.error("--tiers has no meaning with --sparsity none; leave one out")
    model = build(
        options.inputs,
        options.hidden,
        options.layers,
        tiers=tiers if sparsity == "hcgs" else (),
        balance=options.balance,
        dense=options.dense,
        head=options.head,
        seed=options.seed,
    )
    temporary = f"{options.output}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(model.SerializeToString(deterministic=True))
        os.replace(temporary, options.output)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        print(
            f"make_random_models.py: error: cannot write {options.output}: "
            f"{error.strerror}",
            file=sys.stderr,
        )
        return 1
    return 0


def _size(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
