# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad targets, schedules, tiles, streams, operating points and traces: each is
one clear error that says where, what was found and what is allowed, with the
documented exit status (1 bad input, 2 wrong usage), and nothing is written."""

import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_bad_input import FIXTURES, Folder, folder, lstm_model, program  # noqa: F401

COMPILE = ("hcgs-compile", "model.onnx", "-o", "out/p", "--report=out/r.json")
SIMULATE = ("hcgs-sim", "program.hcgs", "--input", "x.npy", "--output", "out/y.npy")


def n(value) -> dict:
    """A number of a target file."""
    return {"value": value, "origin": "assumed", "source": "this test"}


def refuses(folder: Folder, status: int, message: str, *command) -> str:  # noqa: F811
    """`command` fails with this status and an error that matches `message`."""
    line = folder.refuses(*command, status=status)
    assert re.search(message, line), line
    assert "' op " not in line and "loc(" not in line, f"the message shows IR: {line}"
    return line


# ---- Target files ---------------------------------------------------------

#: What a file changes of generic (256 lanes), and the error.
CHANGES = {
    "unknown field": ({"vector": {"lane": n(3)}}, r"/vector: .*'lane'.*lanes, latency.*'lanes'\?"),
    "unknown section": ({"kinds": n(["dense"])}, r"/: unknown field 'kinds'.*matrix_kinds"),
    "missing section": ({"mac": None}, r"/: field 'mac' is missing"),
    "missing number": ({"queues": {"matrix": None}}, r"/queues: field 'matrix' is missing"),
    "missing origin": ({"mac": {"lanes": {"value": 256}}}, r"/mac/lanes: field 'origin'"),
    "unknown origin": (
        {"mac": {"lanes": {**n(256), "origin": "guess"}}},
        r'/mac/lanes/origin: found "guess".*published.*fitted.*assumed',
    ),
    "negative clock": ({"clock_hz": n(-5)}, r"/clock_hz/value: found -5, allowed .*1\.\."),
    "negative latency": ({"vector": {"latency": n(-1)}}, r"/vector/latency/value: found -1"),
    "fraction": ({"mac": {"lanes": n(2.5)}}, r"/mac/lanes/value: found 2\.5, allowed integer"),
    "text": ({"mac": {"lanes": n("256")}}, r'/mac/lanes/value: found "256"'),
    "huge": ({"memories": {"wmem": {"bytes": n(10**30)}}}, r"/memories/wmem/bytes.*1e\+30"),
    "no queue": ({"queues": {"matrix": n(0)}}, r"/queues/matrix/value: found 0, allowed .*1\.\."),
    "no port": ({"load": {"port_bytes": n(0)}}, r"/load/port_bytes/value: found 0"),
    "lanes no tile fits": (
        {"mac": {"lanes": n(100)}},
        r"/mac/lanes/value: found 100.*no shape.*16x16 = 256",
    ),
    "tile that does not fit": (
        {"mac": {"tiles": n([[16, 16], [16, 2]])}},
        r"/mac/tiles/value/1: 16x2 takes 32 multipliers, /mac/lanes has 256",
    ),
    "tile twice": ({"mac": {"tiles": n([[16, 16], [16, 16]])}}, r"/mac/tiles/value/1.*16x16"),
    "no tiles": ({"mac": {"tiles": n([])}}, r"/mac/tiles/value: found \[\]"),
    "empty tile": ({"mac": {"tiles": n([[0, 16]])}}, r"/mac/tiles/value/0/0: found 0"),
    "points without voltage": (
        {"operating_points": [{"name": "a", "hz": n(500000000), "volts": n(1.0)}]},
        r"/operating_points: needs /nominal_volts",
    ),
    "points against the clock": (
        {
            "operating_points": [{"name": "a", "hz": n(80000000), "volts": n(1.0)}],
            "nominal_volts": n(1.0),
        },
        r"/operating_points/0/hz/value: found 80000000, allowed /clock_hz, 500000000",
    ),
    "negative energy": (
        {"energies": {"mac": n(-1e-12)}, "nominal_volts": n(1.0)},
        r"/energies/mac.*-1e-12|/energies: unknown field 'mac'",
    ),
}  # fmt: skip
MEMORIES = {
    "wmem": "bytes", "imem": "bytes", "vmem": "elements", "amem": "elements",
    "bmem": "elements", "lut": "tables", "pmem": "instructions",
}  # fmt: skip


def write_target(folder: Folder, changes: dict, file="mine.json") -> str:  # noqa: F811
    text = {"base": "generic", "name": "mine", **changes}
    (folder.path / file).write_text(json.dumps(text))
    return f"--target={file}"


@pytest.mark.parametrize("case", CHANGES)
def test_target_file(folder, case):  # noqa: F811
    changes, message = CHANGES[case]
    refuses(
        folder, 1, r"mine\.json: " + message, *COMPILE, write_target(folder, changes)
    )


@pytest.mark.parametrize("memory", MEMORIES)
def test_memory_of_size_zero(folder, memory):  # noqa: F811
    target = write_target(folder, {"memories": {memory: {MEMORIES[memory]: n(0)}}})
    message = (
        rf"mine\.json: /memories/{memory}/{MEMORIES[memory]}/value: found 0, allowed"
    )
    refuses(folder, 1, message, *COMPILE, target)


def test_the_changes_are_refused_for_what_they_change(folder):  # noqa: F811
    """A file as above that changes nothing bad is taken."""
    target = write_target(folder, {"mac": {"tiles": n([[16, 16]])}})
    done = folder.run(*COMPILE, target)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "base, message",
    [
        (
            "mine.json",
            r"/base: a target cannot be its own base: mine\.json -> mine\.json",
        ),
        (
            "other.json",
            r"cannot be its own base: mine\.json -> other\.json -> mine\.json",
        ),
        ("gone.json", r"/base: 'gone\.json': cannot read"),
        (
            "sharp-2k",
            r"/base: unknown target 'sharp-2k', allowed .*did you mean 'sharp-1k'\?",
        ),
        (3, r"/base: found 3, allowed the name of a shipped target"),
        ("", r"/base: "),
    ],
    ids=["itself", "cycle", "missing", "unknown", "number", "empty"],
)
def test_base(folder, base, message):  # noqa: F811
    write_target(folder, {"base": "mine.json"}, "other.json")
    target = write_target(folder, {"base": base})
    refuses(folder, 1, r"mine\.json: .*" + message, *COMPILE, target)
    refuses(folder, 1, message, "hcgs-compile", "--print-target=mine.json")


def test_target_without_a_name(folder):  # noqa: F811
    (folder.path / "mine.json").write_text('{"base": "generic"}')
    refuses(folder, 1, r"mine\.json: /name: missing", *COMPILE, "--target=mine.json")


@pytest.mark.parametrize("base", ["generic", "hcgs-65nm"])
def test_every_number_of_a_target_is_checked(folder, base):  # noqa: F811
    """No leaf of a target may be missing, negative or a text."""
    done = folder.run("hcgs-compile", f"--print-target={base}")
    assert done.returncode == 0, done.stderr

    def leaves(node, path):
        if isinstance(node, dict) and "value" in node:
            if isinstance(node["value"], (int, float)) and node["value"] is not True:
                yield path
        elif isinstance(node, dict):
            for key, child in node.items():
                yield from leaves(child, [*path, key])

    paths = list(leaves(json.loads(done.stdout), []))
    assert len(paths) >= 20
    for path in paths:
        for value in (-1, "many"):
            whole = json.loads(done.stdout)
            node = whole
            for key in path:
                node = node[key]
            if isinstance(node["value"], bool) and value == -1:
                continue
            node["value"] = value
            (folder.path / "mine.json").write_text(json.dumps(whole))
            line = folder.refuses("hcgs-compile", "--print-target=mine.json")
            assert "/" + "/".join(path) in line, line


# ---- Schedules, tiles, streams --------------------------------------------


@pytest.mark.parametrize(
    "options, status, message",
    [
        (["--schedule=fast"], 1, r"no schedule 'fast'.*auto, sequential, batch, intergate, unf"),
        (["--schedule=Auto"], 1, r"no schedule 'Auto'.*auto"),
        (["--tile=100"], 1, r"no tile policy '100'.*adaptive.*'generic' have 256, .*, 1 rows"),
        (["--tile=0"], 1, r"no tile policy '0'.*adaptive"),
        (["--tile=-16"], 1, r"no tile policy '-16'.*adaptive"),
        (["--tile=16x16"], 1, r"no tile policy '16x16'.*adaptive"),
        (["--tile=" + "9" * 30], 1, r"no tile policy '9+'.*adaptive"),
        (["--streams=0"], 2, r"--streams: 0 found, allowed is 1\.\.64"),
        (["--streams=65"], 2, r"--streams: 65 found, allowed is 1\.\.64"),
        (["--streams=-1"], 2, r"--streams: '-1' found, allowed is an integer 1\.\.64"),
        (["--streams=two"], 2, r"--streams: 'two' found, allowed is an integer 1\.\.64"),
        (["--streams=64"], 1, r"64 batch rows.*need 128 .*has \d+: --streams=\d+ at most"),
    ],
)  # fmt: skip
def test_options(folder, options, status, message):  # noqa: F811
    refuses(folder, status, message, *COMPILE, "--target=generic", *options)


@pytest.mark.parametrize("option", ["schedule=fast", "tile=100", "streams=0"])
def test_options_in_a_configuration(folder, option):  # noqa: F811
    name, value = option.split("=")
    said = int(value) if name == "streams" else value
    (folder.path / "c.json").write_text(json.dumps({"options": {name: said}}))
    line = folder.refuses(*COMPILE, "--target=generic", "--config=c.json")
    assert value in line, line


def linear_model() -> onnx.ModelProto:
    """x [time, batch, 6] -> y: a head without any layer before it."""
    weights = np.random.default_rng(0).normal(0, 1, (6, 5)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["time", "batch", 5])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


@pytest.mark.parametrize("schedule", ["sequential", "batch", "intergate", "unfolded"])
def test_schedule_that_cannot_serve_the_model(folder, schedule):  # noqa: F811
    onnx.save(linear_model(), folder.path / "model.onnx")
    message = (
        rf"'{schedule}' orders the gates of LSTM layers.*none.*'auto', which serves"
    )
    refuses(folder, 1, message, *COMPILE, "--target=generic", f"--schedule={schedule}")
    done = folder.run(*COMPILE, "--target=generic", "--schedule=auto")
    assert done.returncode == 0, done.stderr


# ---- Machines that are too small ------------------------------------------


@pytest.mark.parametrize(
    "memory, size, message",
    [
        (
            "vmem",
            20,
            r"elements, vmem of 'mine' has 20: \d+ over; .*--schedule=sequential",
        ),
        (
            "amem",
            20,
            r"elements, amem of 'mine' has 20: \d+ over; .*a target with more",
        ),
        ("pmem", 20, r"pmem of 'mine' has .*20.*a target with more"),
        ("lut", 1, r"tables.*'mine' has 1.*more"),
    ],
)
def test_memory_that_is_too_small(folder, memory, size, message):  # noqa: F811
    target = write_target(folder, {"memories": {memory: {MEMORIES[memory]: n(size)}}})
    refuses(folder, 1, message, *COMPILE, target)


@pytest.mark.parametrize(
    "options, memory, size, message",
    [
        (
            [],
            "bmem",
            4,
            r"biases need 27 elements, bmem of 'mine' has 4: 23 elements over",
        ),
        (
            ["--sparsity=impose", "--tiers=2x2:1/2"],
            "imem",
            1,
            r"imem of 'mine' has 1: 3 bytes",
        ),
    ],
)
def test_memory_too_small_for_head_and_blocks(folder, options, memory, size, message):  # noqa: F811
    target = write_target(folder, {"memories": {memory: {MEMORIES[memory]: n(size)}}})
    model = FIXTURES / "head_sigmoid.onnx"
    command = ("hcgs-compile", model, target, "-o", "out/p", *options)
    refuses(folder, 1, message + ".*choose a target with more", *command)


def test_weights_larger_than_a_chip_without_a_port(folder):  # noqa: F811
    target = write_target(
        folder, {"load": {"weights": n(False)}, "memories": {"wmem": {"bytes": n(200)}}}
    )
    message = (
        r"weights need 336 bytes, wmem of 'mine' has 200: 136 bytes over; "
        r"with 3-bit weights they fit; .*compressed 1\.69x"
    )
    refuses(folder, 1, message, *COMPILE, target)


def test_published_chip_is_too_small(folder):  # noqa: F811
    onnx.save(lstm_model(440, 512), folder.path / "model.onnx")
    message = r"1,462,272 bytes, wmem of 'hcgs-65nm' has 288,000: 1,174,272 bytes over;.*5\.08x"
    refuses(folder, 1, message, *COMPILE, "--target=hcgs-65nm")


# ---- Operating points and traces ------------------------------------------


def test_operating_point(folder):  # noqa: F811
    refuses(
        folder, 1, r"--operating-point: target 'generic' has no operating points.*'fast'",
        *SIMULATE, "--operating-point=fast",
    )  # fmt: skip
    points = [
        {"name": "slow", "hz": n(500000000), "volts": n(0.9)},
        {"name": "quick", "hz": n(600000000), "volts": n(1.0)},
    ]
    target = write_target(folder, {"operating_points": points, "nominal_volts": n(1.0)})
    done = folder.run("hcgs-compile", "model.onnx", target, "-o", "program.hcgs")
    assert done.returncode == 0, done.stderr
    refuses(
        folder,
        1,
        r"--operating-point: .*'fast'.*slow, quick",
        *SIMULATE,
        "--operating-point=fast",
    )
    done = folder.run(*SIMULATE, "--operating-point=quick", "--stats=out/s.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((folder.path / "out/s.json").read_text())
    assert (stats["operating_point"], stats["clock_hz"]) == ("quick", 600000000)


@pytest.mark.parametrize(
    "options, status, message",
    [
        (
            ["--trace=nowhere/t.json"],
            1,
            r"'nowhere/t\.json': cannot write: No such file",
        ),
        (["--trace=x.npy/t.json"], 1, r"'x\.npy/t\.json': cannot write"),
        (["--trace=out/dir.json"], 1, r"'out/dir\.json': cannot write: is a directory"),
        (
            ["--trace=t.xml"],
            2,
            r"--trace: 't\.xml': a trace ends in \.json, \.json\.gz.*\.txt",
        ),
        (
            ["--trace=out/t.json", "--stats=out/t.json"],
            1,
            r"two outputs.*'out/t\.json'",
        ),
        (
            ["--trace=out/t.json", "--trace-steps=5:9"],
            1,
            r"'5:9': the run has steps 0\.\.2",
        ),
        (["--trace=out/t.json", "--trace-steps=2:1"], 2, r"'2:1'.*from 2 to before 1"),
        (["--trace=out/t.json", "--trace-steps=-1:2"], 2, r"'-1:2': write A:B"),
        (["--trace=out/t.json", "--trace-steps=x"], 2, r"'x': write A:B"),
        (["--trace-steps=1:2"], 2, r"--trace-steps needs --trace"),
        (["--trace=out/t.json", "--entry=reset"], 2, r"--trace needs --entry run"),
        (["--trace=-", "--stats=-"], 2, r"--trace - .*standard output"),
        (
            ["--trace=out/t.json", "--stats=nowhere/s.json"],
            1,
            r"'nowhere/s\.json': cannot write",
        ),
    ],
)
def test_trace(folder, options, status, message):  # noqa: F811
    (folder.path / "out/dir.json").mkdir()
    refuses(folder, status, message, *SIMULATE, *options)


def test_a_trace_is_not_written_over_the_program(folder):  # noqa: F811
    (folder.path / "program.hcgs").rename(folder.path / "program.json")
    refuses(
        folder, 1, r"program\.json", "hcgs-sim", "program.json", "--input", "x.npy",
        "--output", "out/y.npy", "--trace=program.json",
    )  # fmt: skip
