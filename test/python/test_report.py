# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The HTML report: its numbers, its pictures, and that it is one safe file."""

import hashlib
import html.parser
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import onnx
import pytest
from program_writer import (
    ProgramWriter,
    Tier,
    circulant_codes,
    mask_of,
    random_blocks,
)
from test_package import data, make_model

import hcgs
from hcgs.cli import main
from hcgs.report import facts as facts_module
from hcgs.report.blockmap import block_maps
from hcgs.report.cycles import measure
from hcgs.report.tables import table_facts
from hcgs.train import masks

TIERS = "4x4:50%,2x2:50%"


@pytest.fixture(scope="module")
def program():
    return hcgs.compile(
        make_model(),
        target="generic",
        calibrate=data(20),
        sparsity="impose",
        tiers=TIERS,
    )


@pytest.fixture(scope="module")
def page(program):
    return hcgs.report_html(program)


@pytest.fixture(scope="module")
def facts(program):
    return facts_module.Facts(hcgs.oracle.read(bytes(program)))


class Page(html.parser.HTMLParser):
    """Elements and their nesting, as a browser would find them."""

    VOID = {"meta", "input", "br", "link", "img", "hr"}

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, text):
        self.text += text


# ---- the page ---------------------------------------------------------------


def test_page_is_well_formed_and_alone(page):
    """Nothing is fetched and nothing runs: no scripts, no addresses but those
    of sections of the page and namespaces."""
    found = Page(page)
    assert not {"script", "link", "iframe", "img", "object", "base"} & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("href", "src", "xlink:href", "action"):
            assert value.startswith("#"), (tag, name, value)
    assert "@import" not in page
    assert all(u.startswith("#") for u in re.findall(r"url\(['\"]?([^)'\"]*)", page))


def test_links_lead_to_sections_and_identifiers_are_unique(page):
    found = Page(page)
    ids = [value for _, name, value in found.attributes if name == "id"]
    targets = {
        v[1:] for _, n, v in found.attributes if n == "href" and v.startswith("#")
    }
    assert targets and targets <= set(ids)
    sections = [
        value
        for tag, name, value in found.attributes
        if (tag, name) == ("section", "id")
    ]
    assert len(sections) == len(set(sections))


def test_equal_programs_give_equal_pages(program, page):
    assert hcgs.report_html(bytes(program), compiled=program.report) == page


def test_colours_are_variables(page):
    """Numbers that stand for roles must not reach the page."""
    from hcgs.report.plots import ROLES

    style = page[page.index("<style>") : page.index("</style>")]
    for number, variable in ROLES.values():
        assert number not in page
        assert f"{variable}:" in style
    assert "prefers-color-scheme: dark" in style


NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</title></style></svg><b>bold</b>",
    "$x_1^2$ & {{ 7 * 7 }} {% raw %}",
]


def test_names_are_only_text():
    """Names of nodes, inputs, outputs and the model end up in cells, titles,
    labels of plots and attributes; none may become markup."""
    model = make_model()
    model.graph.name = NASTY[0]
    for node, name in zip(model.graph.node, NASTY):
        node.name = f"{node.name}{name}"
        node.input[:] = [f"x{NASTY[1]}" if i == "x" else i for i in node.input]
        node.output[:] = [f"y{NASTY[2]}" if o == "y" else o for o in node.output]
    model.graph.input[0].name = f"x{NASTY[1]}"
    model.graph.output[0].name = f"y{NASTY[2]}"
    calibration = {f"x{NASTY[1]}": data()}
    program = hcgs.compile(model, target="generic", calibrate=calibration)
    report = dict(program.report, remarks=NASTY, options={NASTY[3]: NASTY[0]})
    text = hcgs.report_html(program, compiled=report, title=NASTY[2])
    found = Page(text)
    for name in NASTY:
        assert name in found.text
    assert not {"script", "img"} & set(found.tags)
    assert "bold" not in re.findall(r"<b>([^<]*)</b>", text)
    assert not [n for _, n, _ in found.attributes if n.startswith("on")]
    for one in facts_module.Facts(hcgs.oracle.read(bytes(program))).matrices:
        for picture in block_maps(one, standalone=True):
            root = ElementTree.fromstring(picture.svg)
            assert one.node in root.find("{*}title").text


def test_numbers_of_the_page(program, page, facts):
    text = re.sub(r"\s+", " ", Page(page).text)
    report = program.report
    assert f"{report['totals']['weight_bytes']:,} bytes" in text
    assert f"{report['totals']['fp32_bytes']:,}" in text
    for matrix in report["matrices"]:
        assert f"{matrix['kept']:,}" in text


def test_verification_and_options_are_shown(program):
    labels = np.array([0, 2, 1])
    found = hcgs.verify(program, make_model(), data(), labels=labels)
    text = Page(hcgs.report_html(program, verification=found)).text
    assert f"{100 * found.accuracy:.2f} %" in text and "Accuracy" in text
    assert "Accuracy" not in Page(hcgs.report_html(program)).text
    assert TIERS in text and "sparsity" in text


def test_findings_of_the_compiler(program):
    """What it adds to a matrix of its report, as docs/Guides/Report.md says."""
    matrix = {
        **program.report["matrices"][0],
        "how": "detected",
        "detection": {
            "pattern": "4x4:1/2 row",
            "confidence_bits": 1234.5,
            "runner_up": "dense",
        },
        "removed_energy_percent": 12.5,
        "on_grid": True,
        "acc_spare_bits": 9.25,
        "per_gate": [{"sqnr_db": 31.25}, {"sqnr_db": None}, {"sqnr_db": 33.0}, {}],
    }
    text = Page(
        hcgs.report_html(program, compiled={**program.report, "matrices": [matrix]})
    ).text
    for expected in (
        "4x4:1/2 row", "1234 bits shorter", "12.5 %", "9.25", "31.2, –, 33.0, –",
    ):  # fmt: skip
        assert expected in text, expected
    plain = {k: v for k, v in program.report["matrices"][0].items() if k != "how"}
    text = Page(hcgs.report_html(program, compiled={"matrices": [plain]})).text
    assert "bits shorter" not in text


def test_a_gate_that_keeps_nothing(tmp_path):
    """Its ratio is a dash."""
    mask = np.zeros((4, 8, 8), np.int8)
    mask[1:, :4, 4:] = mask[1:, 4:, :4] = 1
    np.savez(tmp_path / "masks.npz", **{"lstm.R": mask.reshape(32, 8)})
    program = hcgs.compile(
        make_model(), target="generic", calibrate=data(20),
        config={
            "layers": {
                "lstm": {
                    "R": {
                        "sparsity": "masks",
                        "mask-file": str(tmp_path / "masks.npz"),
                        "tiers": "4x4:1/2:none",
                    }
                }
            }
        },
    )  # fmt: skip
    (matrix,) = [
        m
        for m in facts_module.Facts(hcgs.oracle.read(bytes(program))).matrices
        if m.name == "lstm R"
    ]
    assert matrix.gates[0].kept == 0 and matrix.gates[0].ratio is None
    assert matrix.gates[1].ratio == 2 and matrix.whole.ratio == pytest.approx(8 / 3)
    page = Page(hcgs.report_html(program))
    assert "–" in page.text and "–x" not in page.text and "nan" not in page.text


# ---- facts ------------------------------------------------------------------


def test_facts_agree_with_the_compiler(program, facts):
    """Two ways to the same numbers: the file's, and the compiler's."""
    totals = program.report["totals"]
    assert facts.fp32_bytes == totals["fp32_bytes"]
    assert facts.total.kept == totals["kept_weights"]
    assert {m.name: (m.used, m.available) for m in facts.memories} == {
        name: (m["used"], m["available"])
        for name, m in program.report["memories"].items()
    }
    for mine, theirs in zip(facts.matrices, program.report["matrices"]):
        assert mine.node == theirs["node"] and mine.matrix == theirs["matrix"]
        assert mine.whole.kept == theirs["kept"] and mine.whole.total == theirs["total"]
        assert (
            mine.whole.weight_bits + mine.whole.padding_bits
            == 8 * theirs["weight_bytes"]
        )
        assert mine.whole.index_bits == 8 * theirs["index_bytes"]
    formats = {f.name: f for f in facts.formats if f.what == "value"}
    for theirs in program.report["formats"]:
        mine = formats[theirs["name"]]
        assert (mine.bits, mine.frac) == (theirs["bits"], theirs["frac"])
        assert (mine.low, mine.high) == (theirs["min"], theirs["max"])


def test_cell_format_is_that_of_the_states(facts):
    """The range that is derived from the shifts holds what the machine's cell
    states are: 16 bits at the fraction for which tanh(c) is h / o."""
    file = facts.file
    (cell,) = [f for f in facts.formats if f.what == "cell state c"]
    run = hcgs.oracle.run_tensors(file, {"x": data(12)})
    ((_, result),) = run.traces
    (lstm,) = [layer for layer in result.layers if layer.op == "lstm"]
    tables = [file.tables[g["table"]] for g in facts.network["layers"][0]["gates"]]
    c = np.ldexp(lstm.arrays["c"].astype(float), -cell.frac)
    gates = [
        np.ldexp(lstm.arrays["gates"][..., k, :].astype(float), -t.out_frac)
        for k, t in enumerate(tables)
    ]
    wanted = gates[0] * gates[3]
    wanted[:, 1:] += gates[2][:, 1:] * c[:, :-1]
    assert np.abs(c - wanted).max() <= cell.step / 2


def test_balance_counts_row_groups(facts):
    """By hand, from the mask: rows two by two, all gates."""
    for matrix in facts.matrices:
        if matrix.desc.kind != "hcgs":
            continue
        kept = matrix.content.kept.sum(axis=(0, 2))
        assert matrix.groups.tolist() == (kept[0::2] + kept[1::2]).tolist()
        assert matrix.worst_group >= matrix.mean_group > 0


def test_row_groups_of_ragged_tiers():
    class Desc:
        kind, rows, cols = "hcgs", 10, 8
        tiers = (
            hcgs.oracle.program.Tier(6, 8, 1, 1),
            hcgs.oracle.program.Tier(4, 4, 1, 1),
        )

    # 6 + 4 rows, cut into 4 + 2 and 4.
    assert facts_module.group_starts(Desc).tolist() == [0, 4, 6]


def test_cycles_are_the_compilers(program):
    found, estimate = measure(program), program.report["estimate"]
    assert found.steady == pytest.approx(estimate["cycles_per_step"])
    assert found.one == estimate["cycles_of_one_step"]
    assert found.macs == pytest.approx(estimate["macs_per_step"])
    assert found.utilisation == pytest.approx(estimate["mac_utilization"])


def test_the_steady_state_is_whole_periods(program):
    """Both reports measure it between the same two lengths."""
    found = measure(program)
    short, long = (program.timing(steps)["cycles"] for steps in (48, 288))
    assert found.steady == (long - short) / 240
    assert found.stats["frames"] == found.steps == 288
    assert program.report["estimate"]["cycles_per_step"] == (long - short) / 240


def test_entries_of_the_schedule_are_called_so(program, page):
    (schedule,) = program.metadata["schedule"]
    assert f"{schedule['entries']:,} schedule entries a step" in page
    assert "instructions a step" not in page


def test_kept_weights_are_those_stored():
    """Of a circulant matrix the vectors, as in the compiler's report."""
    made = hcgs.compile(make_model(), target="generic", calibrate=data(20), circulant=4)
    matrix = made.report["matrices"][1]
    assert matrix["kind"] == "circulant" and matrix["matrix"] == "R"
    assert matrix["kept"] == 4 * 8 * 8 // 4
    row = hcgs.report_html(made).partition("<b>R</b> lstm</td>")[2].partition("</tr>")[0]
    cells = re.findall(r'<td class="n">([^<]*)</td>', row)
    assert cells[:2] == [f"{matrix['kept']:,}", f"{matrix['ratio_to_dense']:.2f}x"]


def test_events_without_an_energy_are_named(program, page, tmp_path):
    target = tmp_path / "half.json"
    removed = {"dispatch": None, "wmem_read_bit": None, "wmem_write_bit": None}
    target.write_text(
        json.dumps({"base": "hcgs-65nm", "name": "half", "energies": removed})
    )
    made = hcgs.compile(make_model(), target=str(target), calibrate=data(20))
    text = hcgs.report_html(made)
    assert "missing: <code>" in text
    named = text.partition("missing: ")[2].partition("</p>")[0]
    found = re.findall("<code>([a-z_0-9]*)</code>", named)
    assert found == made.timing(5)["energy"]["unpriced_events"]
    assert {"dispatch", "wmem_read_bit"} <= set(found)
    assert "wmem_write_bit" not in found  # never happens
    assert "missing: <code>" not in page


def test_table_errors_are_the_compilers(program):
    for mine, theirs in zip(
        table_facts(hcgs.oracle.read(bytes(program))), program.report["tables"]
    ):
        assert mine.function == theirs["function"]
        assert mine.max_error == pytest.approx(
            theirs["max_error_in_range_lsb"], abs=1e-6
        )


# ---- block maps -------------------------------------------------------------


def cells(svg: str) -> np.ndarray:
    """The picture as an array of opacities, from its paths."""
    root = ElementTree.fromstring(svg)
    _, _, cols, rows = (int(v) for v in root.get("viewBox").split())
    image = np.zeros((rows, cols))
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        if path.get("fill-opacity") is None:
            continue
        for x, y, right, bottom in re.findall(
            r"M(\d+) (\d+)H(\d+)V(\d+)H\d+z", path.get("d")
        ):
            image[int(y) : int(bottom), int(x) : int(right)] = float(
                path.get("fill-opacity")
            )
    return image


def test_block_map_shows_kept_blocks_by_magnitude(facts):
    for matrix in facts.matrices:
        (picture,) = block_maps(matrix)
        image = cells(picture.svg)
        assert ((image > 0) == matrix.content.kept[0]).all()
        height, width = (2, 2) if matrix.desc.kind == "hcgs" else (1, 1)
        mean = np.abs(matrix.weights).mean(axis=0)
        blocks = {}
        for r in range(0, image.shape[0], height):
            for c in range(0, image.shape[1], width):
                block = mean[r : r + height, c : c + width].mean()
                blocks[block] = image[r, c]
        shades = [blocks[m] for m in sorted(blocks)]
        assert shades == sorted(shades) and shades[-1] == 1.0


def test_block_maps_as_files(program, tmp_path):
    written = hcgs.write_block_maps(program, tmp_path / "new" / "maps")
    names = sorted(path.name for path in (tmp_path / "new" / "maps").iterdir())
    assert names == ["0.R.svg", "0.W.svg", "1.W.svg"] == sorted(p.name for p in written)
    for path in written:
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in path.read_text()


def test_large_matrices_have_small_maps(tmp_path):
    weights = np.random.default_rng(0).normal(0, 1, (4, 512, 440))
    mask = masks.select(weights, masks.HCGS_16X, "row")

    class Matrix:
        name, pattern, shape = "big", "dense", "4 x 512 x 440"
        content = type("Content", (), {"kept": np.ones((4, 512, 440), bool)})
        desc = type("Desc", (), {"kind": "dense", "rows": 512, "cols": 440, "gates": 4,
                                 "separate": False, "block": 0, "tiers": ()})  # fmt: skip

    Matrix.weights = weights
    assert len(block_maps(Matrix)[0].svg) < 100_000
    Matrix.weights, Matrix.content.kept = (
        weights * mask,
        np.broadcast_to(mask, weights.shape),
    )
    Matrix.desc.kind = "hcgs"
    Matrix.desc.tiers = tuple(
        hcgs.oracle.program.Tier(t.rows, t.columns, 1, 4) for t in masks.HCGS_16X
    )
    picture = block_maps(Matrix)[0].svg
    assert len(picture) < 100_000
    assert ((cells(picture) > 0) == mask).all()


# ---- every kind of matrix -----------------------------------------------------


def kinds_of_matrices() -> facts_module.Facts:
    """Facts of a file with a circulant matrix of ragged blocks, and one with
    masks of each gate, unbalanced."""
    rng = np.random.default_rng(6)
    writer = ProgramWriter()
    vectors = rng.integers(1, 16, (4, 3, 2, 4))
    writer.matrix(circulant_codes(vectors, 10, 7), 5, row_block=4, circulant=4)
    tiers = (Tier(4, 4, 1, 2, "none"),)
    maps = [random_blocks(rng, 12, 8, tiers) for _ in range(4)]
    kept = np.stack([mask_of(12, 8, blocks) for blocks in maps])
    codes = rng.integers(1, 8, kept.shape) * kept
    writer.matrix(codes, 4, tiers=tiers, blocks=maps, separate=True, row_block=12)
    for record, node in zip(writer.matrices, ("first", "second")):
        record.update(node=node, matrix="W", layer=0)
    found = facts_module.Facts(hcgs.oracle.read(writer.bytes()))
    found.vectors, found.kept = vectors, kept
    return found


def test_accounting_of_circulant_blocks():
    found = kinds_of_matrices()
    matrix = found.matrices[0]
    # 3 x 2 blocks of 4 store 24 codes a gate; of the last block-row 2 rows are
    # there and of the last block-column 3 columns, so codes that only the
    # others use are padding: in a block of h rows and w columns
    # min(4, h + w - 1) codes are used.
    used = sum(min(4, h + w - 1) for h in (4, 4, 2) for w in (4, 3))
    assert used == 24
    assert [gate.stored for gate in matrix.gates] == [used] * 4
    assert matrix.whole.kept == matrix.whole.total == 4 * 10 * 7
    assert matrix.whole.ratio == pytest.approx(70 / 24)
    assert matrix.whole.weight_bits == 4 * used * 5
    assert matrix.whole.padding_bits == 8 * matrix.desc.weight_bytes - 4 * used * 5
    assert matrix.groups.tolist() == [4 * 4 * 7, 4 * 4 * 7, 4 * 2 * 7]
    assert sorted(matrix.stored_codes()) == sorted(found.vectors.reshape(-1))
    assert "circulant, blocks of 4" in matrix.pattern


def test_padding_of_ragged_circulant_blocks():
    """One row and one column over: each such block uses fewer codes."""
    writer = ProgramWriter()
    vectors = np.random.default_rng(0).integers(1, 8, (1, 2, 2, 8))
    writer.matrix(circulant_codes(vectors, 9, 9), 8, row_block=8, circulant=8)
    writer.matrices[0].update(node="n", matrix="W", layer=0)
    (matrix,) = facts_module.Facts(hcgs.oracle.read(writer.bytes())).matrices
    assert matrix.gates[0].stored == 8 + 8 + 8 + 1
    assert matrix.whole.padding_bits == matrix.gates[0].padding_bits == 7 * 8


def test_accounting_and_pictures_of_separate_masks():
    found = kinds_of_matrices()
    matrix = found.matrices[1]
    assert [gate.kept for gate in matrix.gates] == found.kept.sum(axis=(1, 2)).tolist()
    assert (
        matrix.groups.tolist()
        == found.kept.sum(axis=(0, 2)).reshape(3, 4).sum(1).tolist()
    )
    assert "masks per gate" in matrix.pattern and "none" in matrix.pattern
    assert all(gate.index_bits is None for gate in matrix.gates)  # not equally long
    pictures = block_maps(matrix)
    assert [p.title for p in pictures] == [f"second W, gate {g}" for g in "iofg"]
    for picture, kept in zip(pictures, found.kept):
        assert ((cells(picture.svg) > 0) == kept).all()


def test_pictures_of_circulant_blocks_show_their_vectors():
    found = kinds_of_matrices()
    pictures = block_maps(found.matrices[0])
    assert len(pictures) == 4
    for picture, vectors in zip(pictures, found.vectors):
        strips = [
            (int(x), int(y), float(o))
            for x, y, o in re.findall(
                r'<rect x="(\d+)" y="(\d+)" width="1" [^>]*fill-opacity="([\d.]+)"',
                picture.svg,
            )
        ]
        assert len(strips) == 3 * 7
        first_row = vectors[0].reshape(-1)[:7]
        shades = [opacity for x, y, opacity in strips if y == 0]
        order = np.argsort(first_row, kind="stable")
        assert (np.diff(np.asarray(shades)[order]) >= 0).all()


# ---- analysis ---------------------------------------------------------------


STAGES = ("compressed", "weights", "values", "tables")


def made_up_analysis(steps: int = 20, name: str = "lstm") -> dict:
    """An analysis as docs/Guides/Analysis.md describes it, of one LSTM whose
    error grows with time, with saturations from step 3 on."""

    def quantity(index: int, stages, **fields) -> dict:
        signal = [0.3] * steps
        error = {
            stage: [1e-5 * (k + 1) * (index + 1) * 1.2**t for t in range(steps)]
            for k, stage in enumerate(stages)
        }
        growth = {
            "slope_db": 0.8,
            "relative_slope_db": 0.8,
            "r2": 1.0,
            "verdict": "grows",
        }
        found = {
            stage: {
                "sqnr_db": 10 * np.log10(sum(signal) / sum(error[stage])),
                "own_sqnr_db": 35.0,
                "max_error": 0.125,
                "mean_error": 0.01,
                "error_share": 0.25,
                "first_over_threshold": 17 if k == len(stages) - 1 else None,
                "growth": growth,
            }
            for k, stage in enumerate(stages)
        }
        found[stages[0]].update(sqnr_db=None, own_sqnr_db=None, growth=None)
        error[stages[0]] = [0.0] * steps
        return {
            **fields,
            "bits": 13,
            "frac": 12,
            "elements": 8,
            "signal_energy": 0.3 * steps,
            "stages": found,
            "steps": {
                "elements": [8] * steps,
                "signal": signal,
                "error": error,
                "mean": error,
                "max": error,
            },
        }

    names = [f"{g}{part}" for part in (".pre", "") for g in "iofg"] + ["c", "q", "h"]
    return {
        "format": "hcgs-analysis",
        "version": 1,
        "model": {
            "name": "tiny",
            "sha256": hashlib.sha256(make_model().SerializeToString()).hexdigest(),
        },
        "target": "generic",
        "data": {"file": "x.npz", "rows": 3, "frames": 60, "longest": 20, "shortest": 20},
        "threshold": 0.1,
        "notes": ["the weights were compressed before"],
        "stage_names": ["float", *STAGES, "program"],
        "stages": [
            {"name": n, "sqnr_db": s, "own_sqnr_db": s, "lost_db": d, "error_share": e}
            for n, s, d, e in (
                ("float", None, None, None),
                ("compressed", None, None, 0.0),
                ("weights", 33.75, None, 0.5),
                ("values", 31.25, 2.5, 0.375),
                ("tables", 30.5, 0.75, 0.125),
                ("program", 30.5, 0.0, 0.0),
            )
        ],
        "program": {"equal": True, "different_codes": 0, "codes": 180},
        "outputs": [quantity(0, (*STAGES, "program"), name="y")],
        "layers": [
            {
                "index": 0,
                "name": name,
                "op": "lstm",
                "direction": "forward",
                "quantities": [
                    quantity(k, STAGES, name=n, gate=n[0] if n[0] in "iofg" else None)
                    for k, n in enumerate(names)
                ],
            }
        ],
        "worst": {"rows": [], "steps": []},
        "parts": {
            "rows": 3,
            "sum_sqnr_db": 30.25,
            "list": [
                {"layer": 0, "name": name, "part": "R", "sqnr_db": 33.0, "share": 0.75},
                {"layer": 0, "name": name, "part": "c", "sqnr_db": 38.0, "share": 0.25},
            ],
        },
        "changes": {
            "rows": 3,
            "sqnr_db": 30.5,
            "list": [
                {
                    "text": f"R of {name} with 7 bits", "kind": "weight-bits", "layer": 0,
                    "name": name, "site": "R", "from": 6, "to": 7, "sqnr_db": 32.625,
                    "gain_db": 2.125, "cost_bytes": 1234, "config": {},
                }
            ],
        },
        "saturations": {
            "agree": True,
            "sites": [
                {
                    "layer": 0, "name": name, "site": "c", "gate": None, "count": 77,
                    "elements": 480, "first_step": 3, "worst_step": 5,
                    "steps": [[3, 10], [5, 67]],
                },
                {
                    "layer": 0, "name": name, "site": "h", "gate": None, "count": 0,
                    "elements": 480, "first_step": None, "worst_step": None, "steps": [],
                },
            ],
            "instructions": [
                {
                    "pc": 42, "instruction": "vmac.c v1, v2", "layer": 0, "name": name,
                    "gate": None, "what": "cell, rows 0..7", "saturations": 77,
                    "z_saturations": 5,
                }
            ],
        },
    }  # fmt: skip


def test_analysis_is_shown(program, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(made_up_analysis()))
    text = hcgs.report_html(program, analysis=tmp_path / "a.json")
    found = Page(text)
    words = re.sub(r"\s+", " ", found.text)
    for expected in (
        "Where the error comes from", "33.75", "30.5", "the weights were compressed before",
        "R of lstm with 7 bits", "+2.12", "1,234", "77", "vmac.c v1, v2", "grows",
        "step 17 is the first", "75.0", "i.pre",
    ):  # fmt: skip
        assert expected in words, expected
    assert "a defect" not in words
    for label in ("error of y by time step", "errors in lstm by time step"):
        assert ("svg", "aria-label", label) in found.attributes


def test_analysis_of_a_model(tmp_path, monkeypatch):
    """The real thing, by the command line and from Python."""
    monkeypatch.chdir(tmp_path)
    onnx.save(make_model(), "m.onnx")
    np.savez("d.npz", x=data(20))
    how = ["--target", "generic", "--calibrate", "d.npz"]
    assert (
        main(["report", "m.onnx", "-o", "r.html", "--data", "d.npz", "--analyze", *how])
        == 0
    )
    found = hcgs.analyze("m.onnx", "d.npz", target="generic", calibrate="d.npz")
    words = re.sub(r"\s+", " ", Page((tmp_path / "r.html").read_text()).text)
    for expected in (
        "Where the error comes from", f"{found.sqnr_db:.4g}", "lstm", "What would help most",
        *found.stage_names[1:], *(c["text"] for c in found.changes[:3]),
    ):  # fmt: skip
        assert expected in words, expected
    page = hcgs.report_html(found.program, analysis=found)
    found.save(tmp_path / "a.json")
    assert hcgs.report_html(found.program, analysis=tmp_path / "a.json") == page
    monkeypatch.setattr(found, "json", {**found.json, "format": "other"})
    with pytest.raises(hcgs.InputError, match="'format' is 'other'"):
        hcgs.report_html(found.program, analysis=found)


def test_analysis_that_found_a_defect(program):
    analysis = made_up_analysis(steps=1)
    analysis["program"] = {"equal": False, "different_codes": 3, "codes": 180}
    analysis["changes"]["list"] = analysis["parts"]["list"] = []
    analysis["saturations"] = {"agree": True, "sites": [], "instructions": []}
    words = Page(hcgs.report_html(program, analysis=analysis)).text
    assert "differ in 3 of 180 codes: a defect" in words
    assert "Nothing saturated" in words and "What would help" not in words


def test_names_of_an_analysis_are_only_text(program):
    for name in (NASTY[1], "$x_1$"):
        text = hcgs.report_html(program, analysis=made_up_analysis(name=name))
        assert name in Page(text).text
        assert not {"script", "img"} & set(Page(text).tags)
    # In plots, dollars are no mathematics.
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    assert "$x_1$  R" in labels


def test_json_of_another_kind_is_refused(program, tmp_path):
    for text, message in (
        ("{", "not JSON"),
        ("[]", "'format' is None"),
        ('{"format": "hcgs-report"}', "'hcgs-analysis' is needed"),
        ('{"format": "hcgs-analysis", "version": 1}', "not as its format says"),
    ):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(hcgs.InputError, match=message):
            hcgs.report_html(program, tmp_path / "r.html", analysis=tmp_path / "a.json")
    with pytest.raises(hcgs.FileError, match="absent.json"):
        hcgs.report_html(
            program, tmp_path / "r.html", analysis=tmp_path / "absent.json"
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json"]


def test_json_of_another_model_is_refused(program, tmp_path):
    """An analysis, or a compiler's report, of a model with other weights."""
    other = hcgs.compile(make_model(seed=5), target="generic", calibrate=data(20))
    analysis = {**made_up_analysis(), "model": dict(other.metadata["model"])}
    (tmp_path / "a.json").write_text(json.dumps(analysis))
    (tmp_path / "r.json").write_text(json.dumps(other.report))
    page = tmp_path / "r.html"
    with pytest.raises(hcgs.InputError, match="the analysis is about another model"):
        hcgs.report_html(program, page, analysis=tmp_path / "a.json")
    with pytest.raises(hcgs.InputError, match="report is about another model: 'tiny'"):
        hcgs.report_html(program, page, compiled=tmp_path / "r.json")
    assert not page.exists()
    # A report of the same model is welcome, and one that does not say.
    (tmp_path / "r.json").write_text(json.dumps(program.report))
    hcgs.report_html(program, page, compiled=tmp_path / "r.json")
    del analysis["model"]
    hcgs.report_html(program, page, analysis=analysis)


# ---- command line -----------------------------------------------------------


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "hcgs", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True,
    )  # fmt: skip


def test_command(program, tmp_path):
    program.save(tmp_path / "p.hcgs")
    onnx.save(make_model(), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=data(), labels=np.array([0, 1, 2]))
    done = run("report", "p.hcgs", "-o", "r.html", "--block-maps", "maps", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Page((tmp_path / "r.html").read_text()).text.count("Summary") >= 1
    assert len(list((tmp_path / "maps").iterdir())) == 3
    done = run(
        "report", "m.onnx", "-o", "s.html", "--target", "generic", "--calibrate", "d.npz",
        "--data", "d.npz", "-O", "weight-bits=4", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = Page((tmp_path / "s.html").read_text()).text
    assert "4-bit" in text and "Accuracy" in text and "SQNR" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["absent.hcgs", "-o", "r.html"], "absent.hcgs': No such file"),
        (["m.onnx", "-o", "r.html", "--target", "nowhere"], "nowhere"),
        (["m.onnx", "-o", "r.html", "-O", "weight-bits"], "NAME=VALUE"),
        (["m.onnx", "-o", "r.html", "-O", "colour=red"], "colour"),
        (["p.hcgs", "-o", "r.html", "-O", "weight-bits=5"], "program already"),
        (["p.hcgs", "-o", "r.html", "--data", "d.npz"], "--model"),
        (["p.hcgs", "-o", "r.html", "--labels", "d.npz"], "only for --data"),
        (["p.hcgs", "-o", "no/r.html"], "cannot write 'no/r.html'"),
        (["p.hcgs"], "nothing to write"),
        (["p.hcgs", "-o", "r.html", "--analyze"], "needs an ONNX model and --data"),
        (["d.npz", "-o", "r.html"], "d.npz"),
        (
            ["p.hcgs", "-o", "r.html", "--data", "bad.npz", "--model", "m.onnx"],
            "no array for input 'x'",
        ),
        (
            ["p.hcgs", "-o", "r.html", "--data", "none.npz", "--model", "m.onnx"],
            "is empty",
        ),
        (
            ["p.hcgs", "-o", "r.html", "--data", "m.onnx", "--model", "m.onnx"],
            "not a .npy or .npz",
        ),
        (
            ["p.hcgs", "-o", "r.html", "--data", "wide.npz", "--model", "m.onnx"],
            "labels 0..9",
        ),
    ],
)
def test_bad_arguments(program, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    program.save(tmp_path / "p.hcgs")
    onnx.save(make_model(), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=data())
    np.savez(tmp_path / "bad.npz", z=data())
    np.savez(tmp_path / "none.npz", x=data()[:0])
    np.savez(tmp_path / "wide.npz", x=data(), labels=np.array([0, 9, 1]))
    before = sorted(tmp_path.iterdir())
    assert main(["report", *arguments]) == 1
    complaint = capsys.readouterr().err
    assert message in complaint and len(complaint.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["", "report", "search", "verify"])
def test_help_fits_the_terminal(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert left.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_verify_command(program, tmp_path):
    program.save(tmp_path / "p.hcgs")
    onnx.save(make_model(), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=data())
    done = run(
        "verify",
        "p.hcgs",
        "--model",
        "m.onnx",
        "--data",
        "d.npz",
        "--oracle",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "SQNR" in done.stdout and "every bit" in done.stdout
