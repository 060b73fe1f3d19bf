# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad input, at the tools and in Python: each case gives one clear error, a
non-zero exit status, no output file and no trace of a half-written one."""

import hashlib
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import hcgs

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test" / "Import" / "fixtures"
MANIFEST = json.loads((FIXTURES / "manifest.json").read_text())
REFUSED = [entry for entry in MANIFEST if entry["expect"] == "refuse"]


def lstm_model(inputs=6, hidden=8, seed=0) -> onnx.ModelProto:
    """x [time, batch, inputs] -> y: one dense forward layer."""
    rng = np.random.default_rng(seed)
    W = rng.normal(0, 0.3, (1, 4 * hidden, inputs)).astype(np.float32)
    R = rng.normal(0, 0.3, (1, 4 * hidden, hidden)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("LSTM", ["x", "W", "R"], ["Y"], name="lstm", hidden_size=hidden),
            helper.make_node("Squeeze", ["Y", "one"], ["y"], name="squeeze"),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", hidden])],
        [
            numpy_helper.from_array(W, "W"),
            numpy_helper.from_array(R, "R"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


@pytest.fixture(scope="module")
def program() -> hcgs.Program:
    data = np.random.default_rng(1).normal(0, 1, (5, 1, 6)).astype(np.float32)
    return hcgs.compile(lstm_model(), target="generic", calibrate=data)


class Folder:
    """A scratch folder with good files, and the tools run in it."""

    def __init__(self, path: Path, program: hcgs.Program):
        self.path = path
        onnx.save(lstm_model(), path / "model.onnx")
        program.save(path / "program.hcgs")
        x = np.linspace(-1, 1, 18, dtype=np.float32).reshape(3, 1, 6)
        np.save(path / "x.npy", x)
        (path / "out").mkdir()

    def listing(self) -> dict[str, str]:
        return {
            str(file.relative_to(self.path)): hashlib.md5(file.read_bytes()).hexdigest()
            for file in self.path.rglob("*")
            if file.is_file()
        }

    def run(self, *command) -> subprocess.CompletedProcess:
        tool = shutil.which(command[0])
        assert tool, f"{command[0]} is not on PATH"
        return subprocess.run(
            [tool, *map(str, command[1:])],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def refuses(self, *command, status: int | None = None) -> str:
        """Runs a command that must fail cleanly, with `status` if that is given;
        gives its error line."""
        before = self.listing()
        done = self.run(*command)
        assert 0 < done.returncode < 128, f"exit status {done.returncode}\n{done.stderr}"
        assert status in (None, done.returncode), f"exit status {done.returncode}"
        lines = [line for line in done.stderr.splitlines() if "error:" in line]
        assert len(lines) == 1, f"not one error line:\n{done.stderr}"
        assert not lines[0].rstrip().endswith("."), lines[0]
        assert "Stack dump" not in done.stderr
        assert self.listing() == before, "files were left behind or changed"
        return lines[0]


@pytest.fixture
def folder(tmp_path, program) -> Folder:
    return Folder(tmp_path, program)


def test_the_good_files_are_good(folder):
    """Else every refusal below could be for another reason."""
    compiled = folder.run(
        "hcgs-compile", "model.onnx", "--target=generic", "--calibrate=x.npy", "-o", "out/p"
    )
    assert compiled.returncode == 0, compiled.stderr
    ran = folder.run("hcgs-sim", "program.hcgs", "--input", "x.npy", "--output", "out/y.npy")
    assert ran.returncode == 0, ran.stderr
    assert np.load(folder.path / "out/y.npy").shape == (3, 1, 8)


# ---- Models ---------------------------------------------------------------


@pytest.mark.parametrize("entry", REFUSED, ids=[entry["name"] for entry in REFUSED])
def test_model_is_refused_by_the_tool(folder, entry):
    model = FIXTURES / entry["file"]
    line = folder.refuses("hcgs-compile", model, "--target=generic", "-o", "out/p")
    assert re.search(entry["error"], line, re.IGNORECASE), line
    assert entry["file"] in line or re.search(r"node|'", line), line


@pytest.mark.parametrize("entry", REFUSED, ids=[entry["name"] for entry in REFUSED])
def test_model_is_refused_in_python(entry):
    with pytest.raises(hcgs.CompileError) as error:
        hcgs.compile(FIXTURES / entry["file"], target="generic")
    assert re.search(entry["error"], str(error.value), re.IGNORECASE), error.value


def test_missing_model(folder):
    line = folder.refuses("hcgs-compile", "nothing.onnx", "--target=generic", "-o", "out/p")
    assert "nothing.onnx" in line


def test_every_truncation_of_a_model(folder):
    data = (folder.path / "model.onnx").read_bytes()
    for size in [0, 1, 10, len(data) // 3, len(data) // 2, len(data) - 1]:
        with pytest.raises(hcgs.CompileError):
            hcgs.compile(data[:size], target="generic")


# ---- Options --------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        (["--target=nowhere"], r"nowhere.*(generic|hcgs-65nm)"),
        (["--target=nowhere.json"], r"nowhere\.json"),
        (["--target=generic", "--weight-bits=9"], r"9.*2.*8|weight"),
        (["--target=generic", "--weight-bits=1"], r"1.*2.*8|weight"),
        (["--target=generic", "--act-bits=7"], r"7.*8.*16|act"),
        (["--target=generic", "--cell-bits=17"], r"17.*8.*16|cell"),
        (["--target=generic", "--weight-encoding=float"], r"float"),
        (["--target=generic", "--tiers=32by32"], r"32by32|tier"),
        (["--target=generic", "--tiers=4x4:25%,32x32:25%"], r"tier|larger|32x32"),
        (["--target=generic", "--tiers=4x4:0%"], r"tier|0"),
        (["--target=generic", "--sparsity=maybe"], r"maybe"),
        (["--target=generic", "--sparsity=impose"], r"tiers"),
        (["--target=generic", "--calibrate=nothing.npy"], r"nothing\.npy"),
    ],
)
def test_options(folder, options, message):
    line = folder.refuses("hcgs-compile", "model.onnx", *options, "-o", "out/p")
    assert re.search(message, line), line


def test_target_that_breaks_the_schema(folder):
    good = json.loads((ROOT / "targets" / "generic.json").read_text())
    missing = dict(good)
    del missing["mac"]
    cases = {
        "broken.json": "{",
        "list.json": "[]",
        "missing.json": json.dumps(missing),
        "extra.json": json.dumps({**good, "colour": 3}),
    }
    for name, text in cases.items():
        (folder.path / name).write_text(text)
        line = folder.refuses("hcgs-compile", "model.onnx", f"--target={name}", "-o", "out/p")
        assert name in line, line


# ---- Calibration ----------------------------------------------------------

BAD_DATA = {
    "rank": (np.zeros((3, 6), np.float32), r"shape|rank|dimension|\[3, 6\]"),
    "width": (np.zeros((3, 1, 7), np.float32), r"7"),
    "nan": (np.full((3, 1, 6), np.nan, np.float32), r"(?i)nan"),
    "inf": (np.full((3, 1, 6), np.inf, np.float32), r"(?i)inf"),
    "type": (np.zeros((3, 1, 6), complex), r"(?i)complex|c16|type"),
    "empty": (np.zeros((0, 1, 6), np.float32), r"0|empty"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_calibration(folder, name):
    array, message = BAD_DATA[name]
    if name == "rank":  # [time, feature] is one sequence, which will do
        array, message = np.zeros((2, 3, 1, 6), np.float32), r"\[2, 3, 1, 6\]"
    np.save(folder.path / "bad.npy", array)
    line = folder.refuses(
        "hcgs-compile", "model.onnx", "--target=generic", "--calibrate=bad.npy", "-o", "out/p"
    )
    assert "bad.npy" in line and re.search(message, line), line
    with pytest.raises(hcgs.CompileError, match=message):
        hcgs.compile(lstm_model(), target="generic", calibrate=array)


def test_calibration_that_is_no_numpy_file(folder):
    (folder.path / "bad.npy").write_text("hello")
    line = folder.refuses(
        "hcgs-compile", "model.onnx", "--target=generic", "--calibrate=bad.npy", "-o", "out/p"
    )
    assert "bad.npy" in line


def test_calibration_of_an_unknown_input(folder):
    np.savez(folder.path / "bad.npz", other=np.zeros((3, 1, 6), np.float32))
    line = folder.refuses(
        "hcgs-compile", "model.onnx", "--target=generic", "--calibrate=bad.npz", "-o", "out/p"
    )
    assert "bad.npz" in line and "x" in line


# ---- Fitting and patterns -------------------------------------------------


def test_model_that_does_not_fit():
    """3 x 512 with 440 inputs, dense: far over the published chip."""
    model = lstm_model(440, 512)
    with pytest.raises(hcgs.CompileError, match=r"(?i)weight.*(over|fit|bytes)"):
        hcgs.compile(model, target="hcgs-65nm")


def test_weights_that_break_the_stated_pattern(folder):
    """Half of the 4x4 blocks are zero in each matrix, but not half of each row."""
    model = lstm_model(32, 32)
    for tensor in model.graph.initializer:
        if tensor.name in "WR":
            weights = numpy_helper.to_array(tensor).copy().reshape(4, 32, 32)
            weights[:, :16] = 0
            weights = weights.reshape(1, 128, 32)
            tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, folder.path / "uneven.onnx")
    line = folder.refuses(
        "hcgs-compile", "uneven.onnx", "--target=generic", "--tiers=4x4:50%",
        "--balance=row", "-o", "out/p",
    )  # fmt: skip
    assert "'lstm'" in line and "4x4:1/2 row" in line, line
    assert "rows 16..19" in line, f"the first wrong block is not named: {line}"
    done = folder.run(
        "hcgs-compile", "uneven.onnx", "--target=generic", "--tiers=4x4:50%",
        "--balance=column", "-o", "out/p",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# ---- Program files --------------------------------------------------------


def test_any_flipped_bit_of_a_program(program):
    data = bytes(program)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        with pytest.raises(hcgs.ProgramError):
            hcgs.load(bytes(damaged))
    # Every bit where structure is dense: ELF header, program header, tables.
    for at in [*range(192), *range(len(data) - 256, len(data))]:
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            with pytest.raises(hcgs.ProgramError):
                hcgs.load(bytes(damaged))


def test_any_truncation_of_a_program(program):
    data = bytes(program)
    for size in [*range(0, 256), *range(256, len(data), 101)]:
        with pytest.raises(hcgs.ProgramError):
            hcgs.load(data[:size])


def with_digest(data: bytearray) -> bytes:
    data[80:112] = bytes(32)
    data[80:112] = hashlib.sha256(bytes(data)).digest()
    return bytes(data)


def test_flipped_bits_behind_a_right_digest(program):
    """The digest is no guard against a malformed file that was made so: with
    it renewed, every other check must still hold, without a crash."""
    data = bytes(program)
    rng = np.random.default_rng(0)
    refused = 0
    for at in [*range(0, 80), *range(112, 192), *rng.integers(192, len(data), 600)]:
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        try:
            hcgs.load(with_digest(damaged))
        except hcgs.ProgramError:
            refused += 1
    assert refused > 600


def test_other_format_version(folder):
    data = bytearray((folder.path / "program.hcgs").read_bytes())
    struct.pack_into("<I", data, 64 + 8, 2)
    (folder.path / "newer.hcgs").write_bytes(with_digest(data))
    line = folder.refuses(
        "hcgs-sim", "newer.hcgs", "--input", "x.npy", "--output", "out/y.npy"
    )
    assert "newer.hcgs" in line and "version" in line and "2" in line


@pytest.mark.parametrize("tool", ["hcgs-sim", "hcgs-objdump"])
@pytest.mark.parametrize("kind", ["missing", "text", "truncated", "flipped", "other elf"])
def test_damaged_program_at_the_tools(folder, tool, kind):
    data = (folder.path / "program.hcgs").read_bytes()
    content = {
        "text": b"hello, world",
        "truncated": data[:-1],
        "flipped": data[:500] + bytes([data[500] ^ 1]) + data[501:],
        "other elf": Path(shutil.which("cat")).read_bytes(),
    }
    if kind in content:
        (folder.path / "bad.hcgs").write_bytes(content[kind])
    rest = ["-d"] if tool == "hcgs-objdump" else ["--input", "x.npy", "--output", "out/y.npy"]
    assert "bad.hcgs" in folder.refuses(tool, "bad.hcgs", *rest)


# ---- Data for the simulator -----------------------------------------------


@pytest.mark.parametrize("name", [n for n in BAD_DATA if n != "inf"])
def test_input_data(folder, program, name):
    array, message = BAD_DATA[name]
    np.save(folder.path / "bad.npy", array)
    line = folder.refuses(
        "hcgs-sim", "program.hcgs", "--input", "bad.npy", "--output", "out/y.npy"
    )
    assert re.search(message, line), line
    with pytest.raises(hcgs.InputError, match=r"'x'"):
        program.run(array)


def test_codes_beyond_their_format(folder, program):
    with pytest.raises(hcgs.Error, match="(?i)bits|range|code"):
        program.run(np.full((3, 1, 6), 30000, np.int16), codes=True)
    with pytest.raises(hcgs.InputError, match="codes=True"):
        program.run(np.zeros((3, 1, 6), np.int16))


def test_output_that_cannot_be_written(folder):
    sim = ["hcgs-sim", "program.hcgs", "--input", "x.npy", "--output"]
    assert "nowhere" in folder.refuses(*sim, "nowhere/y.npy")
    assert "out" in folder.refuses(*sim, "out")
    build = ["hcgs-compile", "model.onnx", "--target=generic", "-o"]
    assert "nowhere" in folder.refuses(*build, "nowhere/p")
    assert "out" in folder.refuses(*build, "out")
    assert "nowhere" in folder.refuses(*build, "out/p", "--report=nowhere/r.json")


def test_output_path_in_python(tmp_path, program):
    with pytest.raises(OSError):
        program.save(tmp_path / "nowhere" / "p")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        program.save(tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


# ---- Assembly -------------------------------------------------------------


def test_assembly(folder):
    text = folder.run("hcgs-objdump", "-D", "program.hcgs").stdout
    (folder.path / "good.s").write_text(text)
    done = folder.run("hcgs-as", "good.s", "-o", "out/again.hcgs")
    assert done.returncode == 0, done.stderr
    again = (folder.path / "out/again.hcgs").read_bytes()
    assert again == (folder.path / "program.hcgs").read_bytes()
    (stream,) = re.findall(r"^ *astream a\d+, stream 0\b.*$", text, re.M)[:1]
    (requant,) = re.findall(r"^ *requant .*$", text, re.M)[:1]
    bad = {
        "register": (stream, re.sub(r"a\d+", "a99", stream, count=1)),
        "stream": (stream, stream.replace("stream 0", "stream 64")),
        "name": (requant, requant.replace("requant", "frobnicate")),
        "width": (requant, re.sub(r"bits \d+", "bits 17", requant)),
        "missing": (requant, re.sub(r", bits \d+", "", requant)),
        "extra": (requant, re.sub(r"(bits \d+)", r"\1, tile 3", requant)),
    }
    for name, (line, broken) in bad.items():
        assert line != broken
        (folder.path / "bad.s").write_text(text.replace(line, broken, 1))
        error = folder.refuses("hcgs-as", "bad.s", "-o", "out/p.hcgs")
        assert re.search(r"bad\.s:\d+", error), f"{name}: {error}"


# ---- Streaming ------------------------------------------------------------


def test_step_of_a_reverse_layer(folder):
    compiled = folder.run(
        "hcgs-compile", FIXTURES / "reverse.onnx", "--target=generic", "-o", "out/p.hcgs"
    )
    assert compiled.returncode == 0, compiled.stderr
    program = hcgs.load(folder.path / "out/p.hcgs")
    data = np.load(FIXTURES / "reverse.npz")
    x = data[f"in.{program.inputs[0].name}"]
    with pytest.raises(hcgs.SimulationError, match="reverse"):
        program.step(x)
    np.save(folder.path / "x.npy", x)
    line = folder.refuses(
        "hcgs-sim", "out/p.hcgs", "--entry=step", "--input", "x.npy", "--output", "out/y.npy"
    )
    assert "reverse" in line
