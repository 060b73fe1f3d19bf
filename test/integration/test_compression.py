# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every way to compress a matrix, from the model to the machine: what is stored
is what was asked for, and the simulator equals the NumPy model."""

import shutil
import subprocess

import equality
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs
from hcgs import oracle
from hcgs.oracle.unpack import unpack

INPUTS, HIDDEN, CLASSES = 20, 24, 10


def weights(seed=0) -> dict[str, np.ndarray]:
    """W and R [4, rows, columns], V [classes, hidden]; none of them zero."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (4, HIDDEN, INPUTS), "R": (4, HIDDEN, HIDDEN), "V": (CLASSES, HIDDEN)}
    return {
        name: (rng.uniform(0.05, 0.5, shape) * rng.choice([-1, 1], shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def model(arrays: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("LSTM", ["x", "W", "R"], ["Y"], name="lstm", hidden_size=HIDDEN),
            helper.make_node("Squeeze", ["Y", "one"], ["h"], name="squeeze"),
            helper.make_node("MatMul", ["h", "V"], ["y"], name="head"),
        ],
        "compression",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", CLASSES])],
        [
            numpy_helper.from_array(arrays["W"].reshape(1, 4 * HIDDEN, INPUTS), "W"),
            numpy_helper.from_array(arrays["R"].reshape(1, 4 * HIDDEN, HIDDEN), "R"),
            numpy_helper.from_array(np.ascontiguousarray(arrays["V"].T), "V"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(arrays, **options) -> tuple[hcgs.Program, oracle.ProgramFile]:
    """Compiles, and holds the simulator against the NumPy model and the
    compiler's count of cycles."""
    x = np.random.default_rng(5).normal(0, 0.6, (7, 1, INPUTS)).astype(np.float32)
    options = {"target": "generic", "calibrate": x, **options}
    program = hcgs.compile(model(arrays), **options)
    file = oracle.read(bytes(program))
    codes = equality.input_codes(file, {"x": x})
    wanted = oracle.run_tensors(file, codes, None, codes=True)
    for checked in (True, False):
        got = equality.run_all(program, codes, codes=True, checked=checked)
        equality.assert_equal("outputs", got, wanted.outputs)
    program.run(x[:1])
    assert program.stats["cycles"] == program.report["estimate"]["cycles_of_one_step"]
    return program, file


def matrix(program: hcgs.Program, node: str, name: str) -> dict:
    (found,) = [
        m for m in program.report["matrices"] if (m["node"], m["matrix"]) == (node, name)
    ]
    return found


def kept(program, file, node, name) -> np.ndarray:
    """bool [gates, rows, columns]"""
    number = program.report["matrices"].index(matrix(program, node, name))
    return unpack(file, number).kept


# ---- Imposed --------------------------------------------------------------


@pytest.mark.parametrize("masks", ["shared", "separate"])
@pytest.mark.parametrize("balance", ["row", "column", "both", "none"])
@pytest.mark.parametrize("select", ["magnitude", "guided", "random"])
def test_impose(balance, masks, select):
    options = {"seed": 3} if select == "random" else {}
    program, file = run(
        weights(), sparsity="impose", tiers="8x8:1/3,4x4:1/2" if balance != "both" else "8x8:1/3",
        balance=balance, masks=masks, select=select, **options,
    )  # fmt: skip
    R = matrix(program, "lstm", "R")
    assert R["kind"] == "hcgs" and R["masks"] == masks
    assert {t["balance"] for t in R["tiers"]} == {balance}
    stays = kept(program, file, "lstm", "R")
    assert (stays == stays[0]).all() == (masks == "shared")
    blocks = stays.reshape(4, 3, 8, 3, 8).any((2, 4))  # gate, block-row, block-column
    if balance in ("row", "both"):
        assert (blocks.sum(2) == 1).all()
    if balance in ("column", "both"):
        assert (blocks.sum(1) == 1).all()
    if balance == "none":
        assert (blocks.sum((1, 2)) == 3).all()
    # Linear layers are left alone.
    assert matrix(program, "head", "W")["kind"] == "dense"


def test_magnitude_keeps_the_most():
    """No choice of one tier keeps a larger sum, and it is kept to the bit."""
    arrays = weights()
    program, file = run(arrays, sparsity="impose", tiers="8x8:1/3", masks="separate")
    sums = np.abs(arrays["R"]).reshape(4, 3, 8, 3, 8).sum((2, 4))
    stays = kept(program, file, "lstm", "R").reshape(4, 3, 8, 3, 8).all((2, 4))
    assert (stays.argmax(2) == sums.argmax(2)).all()
    R = matrix(program, "lstm", "R")
    removed = 100 * (1 - (arrays["R"] ** 2).reshape(4, 3, 8, 3, 8).sum((2, 4))[stays].sum()
                     / (arrays["R"] ** 2).sum())  # fmt: skip
    assert R["removed_energy_percent"] == pytest.approx(removed, rel=1e-4)
    assert R["removed_energy_db"] == pytest.approx(10 * np.log10(removed / 100), rel=1e-4)
    assert any(f"removes {removed:.3g} % of the energy" in r for r in program.report["remarks"])


def test_counts_of_blocks():
    program, _ = run(weights(), sparsity="impose", tiers="4x4:2blocks")
    assert matrix(program, "lstm", "W")["kept"] == 4 * HIDDEN * 8
    assert matrix(program, "lstm", "R")["kept"] == 4 * HIDDEN * 8


@pytest.mark.parametrize("count", range(1, 9))
def test_tiers(count):
    sides = [24, 12, 12, 7, 5, 3, 2, 1][:count]
    tiers = ",".join(f"{max(1, s - 1)}x{s}:2/3" for s in sides)
    program, _ = run(weights(), sparsity="impose", tiers=tiers)
    assert len(matrix(program, "lstm", "R")["tiers"]) == count


def test_random_masks_do_not_depend_on_other_layers():
    """A layer in front changes no mask, neighbouring seeds share none, and the
    seed of a layer is its own."""
    rng = np.random.default_rng(4)
    source = model(weights())
    longer = model(weights())
    longer.graph.node.insert(0, helper.make_node("MatMul", ["x", "U"], ["u"], name="front"))
    longer.graph.node[1].input[0] = "u"
    U = rng.normal(0, 0.3, (INPUTS, INPUTS)).astype(np.float32)
    longer.graph.initializer.append(numpy_helper.from_array(U, "U"))

    def drawn(source, seed, config=None):
        program = hcgs.compile(
            source, target="generic", sparsity="impose", tiers="4x4:1/2", select="random",
            seed=seed, config=config or {}, compress_linear=True,
        )  # fmt: skip
        file = oracle.read(bytes(program))
        names = ("lstm", "W"), ("lstm", "R"), ("head", "W")
        return [kept(program, file, *name) for name in names]

    seven, eight = drawn(source, 7), drawn(source, 8)
    for mask, same in zip(seven, drawn(longer, 7), strict=True):
        assert (mask == same).all()
    for mask, other in zip(seven, eight, strict=True):
        assert not (mask == other).all()
    own = drawn(source, 7, {"layers": {"lstm": {"R": {"seed": 8}}}})
    for mask, same in zip(own, [seven[0], eight[1], seven[2]], strict=True):
        assert (mask == same).all()


# ---- Circulant ------------------------------------------------------------


@pytest.mark.parametrize("block", [2, 3, 5, 8, 16, 24])
def test_circulant(block):
    program, _ = run(weights(), circulant=block)
    for name, cols in (("W", INPUTS), ("R", HIDDEN)):
        m = matrix(program, "lstm", name)
        words = -(-HIDDEN // block) * -(-cols // block) * block
        assert (m["kind"], m["circulant_block"], m["kept"]) == ("circulant", block, 4 * words)
        assert m["index_bytes"] == 0 and m["removed_energy_percent"] > 0
        assert m["balance_worst"] == 4 * min(block, HIDDEN) * cols
    assert matrix(program, "head", "W")["kind"] == "dense"


def circulant_part(array: np.ndarray, block: int) -> np.ndarray:
    """Each block made of its first row."""
    result = array.copy()
    *_, rows, cols = array.shape
    for r in range(rows):
        for c in range(cols):
            top, left = r // block * block, c // block * block
            result[..., r, c] = array[..., top, left + (c - left - r + top) % block]
    return result


def test_circulant_blocks_are_detected():
    arrays = weights()
    arrays["R"] = circulant_part(arrays["R"], 8)
    program, _ = run(arrays)
    R = matrix(program, "lstm", "R")
    assert (R["kind"], R["circulant_block"]) == ("circulant", 8)
    assert R["detection"]["pattern"] == "circulant 8"
    assert R["detection"]["confidence_bits"] > 100 and R["ratio_to_dense"] == 8
    assert "removed_energy_percent" not in R
    assert matrix(program, "lstm", "W")["kind"] == "dense"


# ---- Mixed ----------------------------------------------------------------


def test_each_matrix_its_own_kind():
    layers = {
        "lstm": {
            "W": {"sparsity": "impose", "tiers": "6x4:1/2:column,3x2:1/2:none", "masks": "separate"},
            "R": {"circulant": 5},
        },
        "head": {"sparsity": "impose", "tiers": "5x6:1/2"},
    }
    program, _ = run(weights(), config={"layers": layers})
    assert matrix(program, "lstm", "W")["masks"] == "separate"
    assert matrix(program, "lstm", "R")["circulant_block"] == 5
    assert matrix(program, "head", "W")["tiers"][0]["cols"] == 6
    # Rows of 3 and of 5 begin together every 15.
    assert matrix(program, "lstm", "R")["row_block"] in (15, 24)
    layers["lstm"]["R"] = {"sparsity": "off"}
    program, _ = run(weights(), config={"layers": layers})
    assert matrix(program, "lstm", "R")["kind"] == "dense"


def test_rows_that_never_meet_are_one_row_block():
    layers = {"lstm": {"W": {"circulant": 7}, "R": {"circulant": 11}}}
    program, _ = run(weights(), config={"layers": layers})
    assert matrix(program, "lstm", "R")["row_block"] == HIDDEN
    assert any("one row block" in remark for remark in program.report["remarks"])


def test_linear_layers_on_demand():
    program, _ = run(weights(), sparsity="impose", tiers="5x6:1/2", compress_linear=True)
    assert matrix(program, "head", "W")["kind"] == "hcgs"
    program, _ = run(weights(), circulant=4, compress_linear=True)
    assert matrix(program, "head", "W")["kind"] == "circulant"


def test_linear_layers_are_detected():
    arrays = weights()
    arrays["V"][:, 12:] = 0
    program, _ = run(arrays)
    head = matrix(program, "head", "W")
    assert head["kind"] == "hcgs" and head["kept"] == CLASSES * 12


# ---- Masks ----------------------------------------------------------------


def masked(tmp_path, masks: dict, arrays=None, **options):
    path = tmp_path / "masks.npz"
    np.savez(path, **masks)
    return run(arrays or weights(), sparsity="masks", mask_file=path, **options)


def test_mask_of_one_gate(tmp_path):
    mask = np.zeros((HIDDEN, HIDDEN), bool)
    for i in range(6):
        mask[4 * i : 4 * i + 4, 4 * ((5 * i) % 6) : 4 * ((5 * i) % 6) + 4] = True
    program, file = masked(tmp_path, {"lstm.R": mask})
    R = matrix(program, "lstm", "R")
    assert (R["kind"], R["masks"], R["how"]) == ("hcgs", "shared", "masked")
    assert (kept(program, file, "lstm", "R") == mask).all()
    assert R["removed_energy_percent"] > 50
    assert matrix(program, "lstm", "W")["kind"] == "dense"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_masks_of_all_gates(tmp_path, dtype):
    rng = np.random.default_rng(1)
    mask = np.zeros((4, 6, 6), bool)
    for gate in range(4):
        for row in mask[gate]:
            row[rng.choice(6, 2, replace=False)] = True
    mask = mask.repeat(4, 1).repeat(4, 2)
    stacked = mask.reshape(4 * HIDDEN, HIDDEN).astype(dtype)
    program, file = masked(tmp_path, {"lstm.R": stacked}, tiers="4x4")
    assert matrix(program, "lstm", "R")["masks"] == "separate"
    assert (kept(program, file, "lstm", "R") == mask).all()


@pytest.mark.parametrize("balance", ["row", "column"])
@pytest.mark.parametrize("said", [{}, {"balance": "any"}, "as it is"])
def test_masks_with_given_sizes_have_either_balance(tmp_path, balance, said):
    """Without a balance both are tried."""
    blocks = np.zeros((6, 6), bool)
    blocks[:, [1, 4]] = True  # two in each block-row, none in most block-columns
    blocks = blocks if balance == "row" else blocks.T
    mask = blocks.repeat(4, 0).repeat(4, 1)
    options = {"balance": balance} if said == "as it is" else said
    program, file = masked(tmp_path, {"lstm.R": mask}, tiers="4x4", **options)
    (tier,) = matrix(program, "lstm", "R")["tiers"]
    assert (tier["rows"], tier["cols"], tier["keep"]) == (4, 4, [1, 4])
    assert tier["balance"] == balance
    assert (kept(program, file, "lstm", "R") == mask).all()


def test_mask_file_of_one_layer(tmp_path):
    mask = np.zeros((CLASSES, HIDDEN))
    mask[:, :6] = 1
    path = tmp_path / "head.npz"
    np.savez(path, **{"head.W": mask})
    said = {"sparsity": "masks", "mask-file": str(path), "tiers": "10x6:1/4"}
    program, file = run(weights(), config={"layers": {"head": said}})
    assert matrix(program, "lstm", "R")["kind"] == "dense"
    assert (kept(program, file, "head", "W")[0] == mask).all()


def test_mask_without_blocks(tmp_path):
    """Its zeros are made, and the matrix is stored whichever way is shortest."""
    mask = np.random.default_rng(2).random((HIDDEN, HIDDEN)) < 0.9
    program, file = masked(tmp_path, {"lstm.R": mask}, weight_encoding="twos")
    number = program.report["matrices"].index(matrix(program, "lstm", "R"))
    assert (unpack(file, number).codes[:, ~mask] == 0).all()


def test_bidirectional_masks(tmp_path):
    graph = model(weights()).graph
    arrays = weights()
    nodes = [
        helper.make_node(
            "LSTM", ["x", "W", "R"], ["Y"], name="lstm", hidden_size=HIDDEN,
            direction="bidirectional",
        ),
        helper.make_node("Transpose", ["Y"], ["T"], name="turn", perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["T", "shape"], ["y"], name="reshape"),
    ]  # fmt: skip
    both = {
        "W": np.stack([arrays["W"].reshape(4 * HIDDEN, INPUTS)] * 2),
        "R": np.stack([arrays["R"].reshape(4 * HIDDEN, HIDDEN)] * 2),
        "shape": np.array([0, 0, -1], np.int64),
    }
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", 2 * HIDDEN])
    source = helper.make_model(
        helper.make_graph(
            nodes, "bidirectional", list(graph.input), [out],
            [numpy_helper.from_array(a, n) for n, a in both.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    mask = np.zeros((2, 4, HIDDEN, HIDDEN), np.int8)
    mask[0, :, :, :12] = 1
    mask[1, :, :, 12:] = 1
    path = tmp_path / "m.npz"
    np.savez(path, **{"lstm.R": mask.reshape(-1, HIDDEN)})
    program = hcgs.compile(source, target="generic", sparsity="masks", mask_file=path)
    file = oracle.read(bytes(program))
    found = [
        unpack(file, i).kept[0]
        for i, m in enumerate(program.report["matrices"])
        if m["matrix"] == "R"
    ]
    assert (found[0] == mask[0, 0]).all() and (found[1] == mask[1, 0]).all()


# ---- Broken ---------------------------------------------------------------


def damaged() -> dict[str, np.ndarray]:
    arrays = weights()
    grid = np.zeros((6, 6), bool)
    for i in range(6):
        grid[i, [i, (i + 1) % 6]] = True
    arrays["R"] *= grid.repeat(4, 0).repeat(4, 1)
    arrays["R"][2, 0, 23] = 0.25  # one stray weight of gate f
    return arrays


def test_broken_weights_are_rejected():
    with pytest.raises(hcgs.CompileError) as error:
        hcgs.compile(model(damaged()), target="generic", tiers="4x4:1/3")
    text = str(error.value)
    assert "lstm" in text and "R:" in text and "rows 0..3, columns 20..23" in text
    for way in ("on-broken=reject", "on-broken=project", "on-broken=dense"):
        assert way in text


def test_broken_weights_are_projected():
    arrays = damaged()
    program, _ = run(arrays, tiers="4x4:1/3", on_broken="project")
    R = matrix(program, "lstm", "R")
    assert R["kept"] == 4 * HIDDEN * 8
    wanted = 100 * 0.25**2 / (arrays["R"].astype(float) ** 2).sum()
    assert R["removed_energy_percent"] == pytest.approx(wanted)


def test_broken_weights_are_stored_dense():
    program, _ = run(damaged(), tiers="4x4:1/3", on_broken="dense")
    R = matrix(program, "lstm", "R")
    assert R["kind"] == "dense" and R["kept"] == R["total"]


# ---- Accounting -----------------------------------------------------------


def test_printed_accounting_fits_a_terminal(tmp_path):
    onnx.save(model(weights()), tmp_path / "m.onnx")
    done = subprocess.run(
        [shutil.which("hcgs-compile"), "m.onnx", "--target=generic", "--sparsity=impose",
         "--tiers=8x8:1/3", "--masks=separate", "-o", "p", "--print-accounting"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (W,) = [line.split() for line in lines if line.startswith("lstm.W")]
    # 24 x 20 in 8 x 8: one of three block-columns a row, the last only 4 wide.
    assert W[1:3] == ["4x24x20", "hcgs"]
    gates = [line.split() for line in lines if line.startswith("  gate")]
    assert [g[1] for g in gates] == ["i", "o", "f", "g"] * 2
    assert sum(int(g[2]) for g in gates[:4]) == int(W[3])
