# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Traces of compiled programs, read back as a viewer of the trace event format
reads them, and the picture that the HTML report makes of one."""

import collections
import gzip
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from test_package import data, make_model

import hcgs
from hcgs.report.timeline import timeline

UNITS = ("load", "matrix", "vector", "store")
STEPS = 30


@pytest.fixture(scope="module")
def program():
    return hcgs.compile(make_model(), target="generic", calibrate=data(20))


class Trace:
    """The events of a trace: slices by track, and arrows by both their ends.
    Whatever breaks the rules of the format fails the test."""

    def __init__(self, content: bytes | str):
        self.json = json.loads(content)
        assert set(self.json) == {"displayTimeUnit", "otherData", "traceEvents"}
        self.about = self.json["otherData"]
        names, self.slices = {}, collections.defaultdict(list)
        flows = collections.defaultdict(list)
        for event in self.json["traceEvents"]:
            assert event["pid"] == 1
            phase = event["ph"]
            if phase == "M":
                if event["name"] == "thread_name":
                    assert event["tid"] not in names
                    names[event["tid"]] = event["args"]["name"]
                continue
            assert isinstance(event["ts"], int) and event["ts"] >= 0
            track = names[event["tid"]]
            if phase == "X":
                assert isinstance(event["dur"], int) and event["dur"] >= 1
                assert event["name"] and event["cat"]
                self.slices[track].append(event)
            else:
                assert phase in "sf"
                flows[event["cat"], event["name"], event["id"]].append((track, event))
        assert list(names.values()) == ["time steps", "dispatch", *UNITS]
        for slices in self.slices.values():
            slices.sort(key=lambda event: event["ts"])
            for one, after in zip(slices, slices[1:]):
                assert one["ts"] + one["dur"] <= after["ts"], (one, after)
        self.arrows = []
        for ends in flows.values():
            (from_track, begin), (to_track, end) = ends
            assert (begin["ph"], end["ph"], end["bp"]) == ("s", "f", "e")
            self.arrows.append(
                (self.at(from_track, begin["ts"]), self.at(to_track, end["ts"]))
            )

    def at(self, track: str, cycle: int) -> dict:
        """The slice that encloses a cycle."""
        (found,) = (
            event
            for event in self.slices[track]
            if event["ts"] <= cycle < event["ts"] + event["dur"]
        )
        return found

    def work(self, track: str) -> list[dict]:
        return [event for event in self.slices[track] if event["cat"] != "wait"]


@pytest.fixture(scope="module")
def whole(program, tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "t.json"
    assert program.trace(path, STEPS) == range(STEPS)
    return Trace(path.read_bytes())


@pytest.mark.parametrize("target", ["generic", "hcgs-65nm", "sharp-1k", "wang-90nm"])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_traces_tell_what_statistics_count(target, direction, tmp_path):
    made = hcgs.compile(
        make_model(direction=direction), target=target, calibrate=data(20)
    )
    made.run(data(STEPS, 1), trace=tmp_path / "t.json")
    trace = Trace((tmp_path / "t.json").read_bytes())
    stats = made.stats
    assert trace.about["cycles"] == stats["cycles"]
    assert trace.about["program"] == stats["program"]
    assert trace.about["target"] == target
    assert trace.about["steps"] == STEPS
    for unit in UNITS:
        busy = sum(event["dur"] for event in trace.slices[unit])
        assert busy == stats["units"][unit]["busy"], unit
    counts = collections.Counter(event["name"] for event in trace.work("dispatch"))
    assert counts == {k: v for k, v in stats["instructions"].items() if v}
    last = trace.slices["time steps"][-1]
    assert last["ts"] + last["dur"] == stats["cycles"]
    assert len(trace.slices["time steps"]) == STEPS


def test_slices_say_what_was_waited_for(whole):
    arrows = {id(end): begin for begin, end in whole.arrows}
    blocked = 0
    for unit in UNITS:
        free = 0
        for event in whole.slices[unit]:
            args = event["args"]
            assert args["taken"] == event["ts"] > args["dispatched"]
            assert args["finished"] >= event["ts"] + event["dur"]
            assert args.get("idle", 0) == event["ts"] - free
            assert ("cause" in args) == (event["ts"] > free)
            free = event["ts"] + event["dur"]
            if "blocker" not in args:
                continue
            blocked += 1
            blocker = arrows[id(event)]
            assert blocker["name"] == args["blocker"]
            assert blocker["args"]["pc"] == args["blocker_pc"]
            # It was taken in the cycle in which that one was finished.
            assert blocker["args"]["finished"] == event["ts"]
            assert args["waited"] > 0
    assert blocked


def test_slices_are_named_by_layer_gate_rows_and_step(whole):
    names = {event["name"] for event in whole.slices["matrix"]}
    assert any(name.startswith("lstm: R gates ") and " rows " in name for name in names)
    assert any(name.startswith("fc: W ") for name in names)
    assert not any(", step" in name for name in names)
    # Each layer's products work for each time step once, in order.
    by_step = collections.defaultdict(list)
    for event in whole.slices["matrix"]:
        by_step[event["name"]].append(event["args"]["step"])
    for name, steps in by_step.items():
        assert steps == sorted(steps), name
        assert set(steps) == set(range(STEPS)), name


@pytest.mark.parametrize(
    "which, held",
    [
        ("10:12", range(10, 12)),
        (7, range(7, 8)),
        ("28:", range(28, 30)),
        (":2", range(2)),
    ],
)
def test_a_trace_may_be_of_some_steps(program, whole, which, held, tmp_path):
    path = tmp_path / "t.json"
    assert program.trace(path, STEPS, which) == held
    part = Trace(path.read_bytes())
    assert [event["name"] for event in part.slices["time steps"]] == [
        f"step {step}" for step in held
    ]
    for track, slices in part.slices.items():
        of_whole = [json.dumps(event) for event in whole.slices[track]]
        assert all(json.dumps(event) in of_whole for event in slices)


def test_forms(program, whole, tmp_path):
    program.trace(tmp_path / "t.json.gz", STEPS)
    unpacked = gzip.decompress((tmp_path / "t.json.gz").read_bytes())
    assert json.loads(unpacked) == whole.json
    program.trace(tmp_path / "t.txt", STEPS)
    lines = (tmp_path / "t.txt").read_text().splitlines()
    assert lines[0].split() == ["dispatch", "take", "finish", "pc", "instruction"]
    assert len(lines) == 1 + len(whole.work("dispatch"))


def test_the_first_row_is_traced(program, tmp_path):
    program.run(data(9, 2), lengths=[4, 9], trace=tmp_path / "t.json", trace_steps="1:")
    about = Trace((tmp_path / "t.json").read_bytes()).about
    assert (about["steps"], about["first_step"], about["end_step"]) == (4, 1, 4)


def test_long_runs_are_cut_with_a_warning(program, tmp_path):
    with pytest.warns(UserWarning, match=r"t\.json\.gz holds time steps 0\.\.\d+ of 0"):
        held = program.trace(tmp_path / "t.json.gz", 20_000)
    assert held.start == 0 and 100 < held.stop < 20_000
    content = gzip.decompress((tmp_path / "t.json.gz").read_bytes())
    assert 70e6 < len(content) < 110e6  # as docs/Guides/Trace.md says
    assert 4e6 < (tmp_path / "t.json.gz").stat().st_size < 8e6
    assert "the rest begins at" in json.loads(content)["otherData"]["left_out"]


def test_errors_leave_nothing(program, tmp_path):
    ran = program.clone()
    bad = [
        (hcgs.InputError, "ends in .json", "t.csv", None),
        (hcgs.FileError, "No such file", "none/t.json", None),
        (hcgs.InputError, "has steps 0..6", "t.json", "7:"),
        (hcgs.InputError, "write A:B", "t.json", "x"),
        (hcgs.InputError, "write A:B", "t.json", ""),
    ]
    for kind, message, name, which in bad:
        with pytest.raises(kind, match=message):
            ran.run(data(7, 1), trace=tmp_path / name, trace_steps=which)
    for nothing in ("", Path("")):
        with pytest.raises(hcgs.InputError, match=r"'\.?': a trace ends in \.json"):
            ran.run(data(7, 1), trace=nothing)
        with pytest.raises(hcgs.InputError, match=r"'\.?': a trace ends in \.json"):
            program.trace(nothing, 7)
    with pytest.raises(hcgs.InputError, match="steps must be a number from 1, not 0"):
        program.trace(tmp_path / "t.json", 0)
    with pytest.raises(hcgs.InputError, match="trace_steps needs trace"):
        ran.run(data(7, 1), trace_steps="1")
    assert list(tmp_path.iterdir()) == []
    assert ran.stats == {}  # nothing ran


# ---- the picture ------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 48])
def test_the_picture_shows_two_steps(program, steps):
    picture = timeline(program, steps)
    root = ElementTree.fromstring(picture.svg)
    titles = [node.text for node in root.iter("title")]
    assert picture.steps == steps
    products = [t for t in titles if t.startswith(("lstm: R", "lstm: W"))]
    assert products
    if picture.first is None:
        program.run(np.zeros((steps, 1, 5), np.float32))
        assert (picture.begin, picture.cycles) == (0, program.stats["cycles"])
        return
    assert steps >= 10
    shown = {title.splitlines()[1] for title in products}
    assert len(shown) >= 2


def test_the_picture_is_as_long_as_the_steps(program):
    cycles = {}
    for steps in (24, 48):
        program.run(np.zeros((steps, 1, 5), np.float32))
        cycles[steps] = program.stats["cycles"]
    picture = timeline(program, 48)
    assert picture.cycles == pytest.approx(2 * (cycles[48] - cycles[24]) / 24, abs=2)


def test_layers_have_colours_of_their_own(program):
    picture = timeline(program, 48)
    assert picture.layers == (("lstm", 0), ("fc", 1))
    assert "var(--c0)" in picture.svg and "var(--c1)" in picture.svg
