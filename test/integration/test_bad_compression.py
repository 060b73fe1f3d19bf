# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad options, patterns and masks of compression: each is one clear error that
names the option, file or matrix, and nothing is written."""

import json
import re

import numpy as np
import pytest
from test_bad_input import Folder, folder, program  # noqa: F401

#: The model of `folder`: node lstm, 6 inputs, 8 cells.
GOOD = {"lstm.W": np.ones((8, 6), np.int64), "lstm.R": np.ones((32, 8), np.int64)}
COMPILE = ("hcgs-compile", "model.onnx", "--target=generic", "-o", "out/p", "--report=out/r.json")


@pytest.mark.parametrize(
    "options, message",
    [
        # Contradictions.
        (["--circulant=2", "--sparsity=off"], r"circulant.*sparsity.*contradict"),
        (["--circulant=2", "--sparsity=impose", "--tiers=2x2:1/2"], r"circulant.*contradict"),
        (["--circulant=2", "--sparsity=masks", "--mask-file=m.npz"], r"circulant.*contradict"),
        (["--circulant=2", "--tiers=2x2:1/2"], r"'tiers'.*no effect"),
        (["--select=guided"], r"'select'.*--sparsity=impose"),
        (["--seed=3"], r"'seed'.*--sparsity=impose"),
        (["--sparsity=impose", "--tiers=2x2:1/2", "--seed=3"], r"'seed'.*--select=random"),
        (["--masks=separate"], r"'masks'.*--sparsity=impose"),
        (["--mask-file=m.npz"], r"'mask-file'.*--sparsity=masks"),
        (["--sparsity=masks"], r"mask-file"),
        (["--tiers=4x4"], r"no matrix has the blocks of '4x4'; leave tiers out"),
        (["--sparsity=impose", "--tiers=64x64:1/2"], r"every matrix is smaller than .*'64x64:1/2'"),
        (["--compress-linear"], r"'compress-linear': has no effect without --sparsity=impose"),
        (["--compress-linear", "--sparsity=masks", "--mask-file=m.npz"], r"'compress-linear'.*no effect"),
        (["--sparsity=off", "--tiers=2x2:1/2"], r"'tiers'.*no effect"),
        (["--sparsity=off", "--balance=row"], r"'balance'.*no effect"),
        (["--sparsity=off", "--on-broken=project"], r"'on-broken'.*no effect"),
        (
            ["--sparsity=impose", "--tiers=2x2:1/2", "--on-broken=dense"],
            r"'on-broken'.*no effect",
        ),
        # Circulant sizes: of the option, and of the matrices (8 x 6, 8 x 8).
        (["--circulant=1"], r"circulant.*1 found.*2\.\.128"),
        (["--circulant=129"], r"circulant.*129 found"),
        (["--circulant=9"], r"lstm.*W.*9"),
        # Patterns.
        (["--sparsity=impose", "--tiers=2x2:50%,4x4:50%"], r"tier.*4x4"),
        (["--sparsity=impose", "--tiers=4x4:0%"], r"tier.*4x4"),
        (["--sparsity=impose", "--tiers=4x4:0blocks"], r"tier.*4x4"),
        (["--sparsity=impose", "--tiers=2x2:5blocks"], r"lstm.*5"),
        (["--sparsity=impose", "--tiers=2x2:3/2"], r"tier.*2x2"),
        (["--sparsity=impose", "--tiers=4x2:1/2:both"], r"lstm.*W.*both"),
        (["--sparsity=impose", "--tiers=2x2:1/2:sideways"], r"sideways"),
        (["--sparsity=impose", "--tiers=" + ",".join(["1x1:1/2"] * 9)], r"tiers.*8"),
        (["--balance=diagonal"], r"diagonal.*none"),
        (["--on-broken=ignore"], r"ignore.*reject"),
    ],
)
def test_options(folder, options, message):  # noqa: F811
    np.savez(folder.path / "m.npz", **GOOD)
    line = folder.refuses(*COMPILE, *options)
    assert re.search(message, line), line


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"lstm.W": np.ones((6, 8))}, r"lstm\.W.*m\.npz.*\[6, 8\].*\[8, 6\].*\[32, 6\]"),
        ({"lstm.W": np.ones((1, 8, 6))}, r"lstm\.W.*\[1, 8, 6\]"),
        ({"lstm.R": np.full((8, 8), 2)}, r"lstm\.R.*m\.npz.*holds 2 at row 0, column 0"),
        ({"lstm.R": np.eye(8) * 0.5}, r"lstm\.R.*holds 0\.5"),
        ({"lstm.R": np.full((8, 8), np.nan)}, r"lstm\.R.*holds nan"),
        (
            {"lstm.R": np.zeros((8, 8), np.int8)},
            r"array 'lstm\.R' of mask file 'm\.npz' holds only 0: the mask keeps nothing",
        ),
        ({"lstm.Q": np.ones((8, 8))}, r"m\.npz.*lstm\.Q.*no matrix.*lstm\.R, lstm\.W"),
        ({"lstm.W": np.ones((8, 6), complex)}, r"m\.npz.*(c16|type)"),
        ({}, r"m\.npz.*has no arrays.*lstm\.R, lstm\.W"),
    ],
    ids=["turned", "rank", "two", "half", "nan", "zeros", "name", "complex", "none"],
)
def test_masks(folder, arrays, message):  # noqa: F811
    np.savez(folder.path / "m.npz", **arrays)
    line = folder.refuses(*COMPILE, "--sparsity=masks", "--mask-file=m.npz")
    assert re.search(message, line), line


def test_mask_that_breaks_its_tiers(folder):  # noqa: F811
    mask = np.zeros((8, 8), np.int8)
    mask[::2, :4] = 1  # two rows of each 4x4 block
    np.savez(folder.path / "m.npz", **{"lstm.R": mask})
    line = folder.refuses(*COMPILE, "--sparsity=masks", "--mask-file=m.npz", "--tiers=4x4:1/2")
    assert re.search(r"lstm.*R.*mask breaks the pattern", line), line


def test_mask_that_fits_its_tiers_in_no_balance(folder):  # noqa: F811
    mask = np.zeros((8, 8), np.int8)
    mask[:4] = mask[:, :4] = 1  # three of the four 4x4 blocks
    np.savez(folder.path / "m.npz", **{"lstm.R": mask})
    line = folder.refuses(*COMPILE, "--sparsity=masks", "--mask-file=m.npz", "--tiers=4x4")
    assert re.search(r"lstm.*R.*balance row: tier 1.*balance column: tier 1", line), line


def test_mask_file_that_is_none(folder):  # noqa: F811
    for name, content in (("gone.npz", None), ("text.npz", b"not a zip")):
        if content:
            (folder.path / name).write_bytes(content)
        line = folder.refuses(*COMPILE, "--sparsity=masks", f"--mask-file={name}")
        assert name in line


def test_mask_file_is_not_overwritten(folder):  # noqa: F811
    np.savez(folder.path / "m.npz", **GOOD)
    line = folder.refuses(
        "hcgs-compile", "model.onnx", "--sparsity=masks", "--mask-file=m.npz", "-o", "m.npz"
    )
    assert "m.npz" in line and "overwritten" in line


@pytest.mark.parametrize(
    "said, message",
    [
        ({"sparsity": "off", "circulant": 2}, r"lstm.*contradict"),
        ({"W": {"circulant": 1}}, r"circulant"),
        ({"W": {"circulant": 9}}, r"lstm.*W.*9"),
        ({"R": {"sparsity": "impose", "tiers": "2x2:50%,4x4:50%"}}, r"lstm.*R.*4x4"),
        ({"R": {"sparsity": "impose"}}, r"lstm.*R.*tiers"),
        ({"sparsity": "masks"}, r"lstm.*mask"),
    ],
)
def test_configuration(folder, said, message):  # noqa: F811
    (folder.path / "c.json").write_text(json.dumps({"layers": {"lstm": said}}))
    line = folder.refuses(*COMPILE, "--config=c.json")
    assert re.search(message, line), line


def test_circulant_on_a_target_without(folder):  # noqa: F811
    line = folder.refuses(
        "hcgs-compile", "model.onnx", "--target=hcgs-65nm", "--circulant=2", "-o", "out/p"
    )
    assert re.search(r"kind 'circulant'.*hcgs-65nm.*another target", line), line


def test_accounting_needs_a_program(folder):  # noqa: F811
    line = folder.refuses("hcgs-compile", "model.onnx", "--print-accounting", "--emit=rnn")
    assert "--print-accounting" in line
