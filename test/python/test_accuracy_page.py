# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/Accuracy.md says what its JSON says, and the benchmark that writes both
measures what it claims (one cell is measured here, on committed models)."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "Accuracy.md"


@pytest.fixture(scope="module")
def benchmark():
    path = ROOT / "benchmarks" / "accuracy" / "run.py"
    spec = importlib.util.spec_from_file_location("accuracy_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def numbers():
    return json.loads((ROOT / "docs" / "Accuracy" / "accuracy.json").read_text())


def test_page_shows_the_numbers(benchmark, numbers):
    assert benchmark.markdown(numbers) in PAGE.read_text()


def test_every_cell_was_measured(benchmark, numbers):
    cells = {(c["compression"], c["weight_bits"]): c for c in numbers["cells"]}
    assert list(cells) == [(r, b) for r in (1, 2, 4, 8, 16, 32) for b in range(2, 9)]
    for (ratio, bits), cell in cells.items():
        runs = [
            r
            for r in numbers["runs"]
            if (r["compression"], r["weight_bits"]) == (ratio, bits)
        ]
        assert [r["seed"] for r in runs] == numbers["seeds"]
        assert cell["accuracy_mean"] == pytest.approx(
            np.mean([r["accuracy"] for r in runs])
        )
        assert cell["sqnr_db_mean"] == pytest.approx(
            np.mean([r["sqnr_db"] for r in runs])
        )
        # 6144 + 1152 weights stay dense; three matrices of 4 x 128 x 128 do not.
        kept = 6144 + 1152 + 3 * 65536 // ratio
        assert cell["weight_bytes"] == pytest.approx(kept * bits / 8, abs=4)
        assert all(r["weight_bytes"] == cell["weight_bytes"] for r in runs)


def test_plots_have_all_compressions():
    for name in ("accuracy", "sqnr"):
        svg = (ROOT / "docs" / "Accuracy" / f"{name}.svg").read_text()
        assert re.findall(r">(\d+x)</text>", svg) == [
            "1x",
            "2x",
            "4x",
            "8x",
            "16x",
            "32x",
        ]
        assert f"(Accuracy/{name}.svg)" in PAGE.read_text()


def test_figures_are_measured(benchmark, tmp_path):
    """The committed 16x model in place of a trained one."""
    model = ROOT / "examples" / "japanese_vowels" / "japanese_vowels_16x.onnx"
    (tmp_path / "japanese_vowels_16x_seed7.onnx").write_bytes(model.read_bytes())
    rows = benchmark.measure(16, 7, tmp_path)
    assert [row["weight_bits"] for row in rows] == list(range(2, 9))
    assert all(row["accuracy_fp32"] == 354 / 370 for row in rows)
    six = rows[4]
    assert (
        six["weight_bytes"] == 14688 and six["accuracy"] >= 0.94 and six["sqnr_db"] > 28
    )
    sqnrs = [row["sqnr_db"] for row in rows]
    assert sqnrs[0] < 12 and sqnrs[-1] > 36 and sqnrs == sorted(sqnrs)
