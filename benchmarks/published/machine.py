# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling and running the networks: every figure is the compiler's count of
the program it wrote, or the simulator's."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402
import models  # noqa: E402

#: Lengths between which the compiler takes the mean of a step (describeTiming).
SHORT, LONG = 48, 48 + 240


@dataclass(frozen=True)
class Compiled:
    """A program with its report, or the message of a refusal."""

    path: Path
    report: dict | None
    refused: str | None = None

    @property
    def cycles(self) -> float:
        """Of a step in the steady state; nan if it was refused."""
        return self.report["estimate"]["cycles_per_step"] if self.report else float("nan")

    @property
    def bound(self) -> dict | None:
        """The lower bounds of the schedule, cycles a step: macs, vector, load,
        store, dispatch, recurrence; with the largest as `cycles` and its name
        as `binding`."""
        schedule = (self.report or {}).get("schedule", {})
        found = schedule.get("bound") or next(
            (one["bound"] for one in schedule.get("passes", []) if one.get("bound")), None)
        return found


class Bench:
    """Works in one folder, in which models and programs are kept apart by
    name."""

    def __init__(self, folder: Path, quick: bool, jobs: int):
        self.folder, self.quick, self.jobs = folder, quick, jobs
        self._numbers = itertools.count(1)  # next() is safe between threads

    def new_path(self, suffix: str) -> Path:
        return self.folder / f"{next(self._numbers)}{suffix}"

    def parallel(self, work: Callable, items: Iterable) -> list:
        """work(item) for each item, in order, on the threads there are."""
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(work, items))

    def quantized(self, hidden: int, inputs: int, **shape) -> Path:
        """The network with its formats, ready for every target: 6 bits, dense."""
        name = "_".join(str(v) for v in (hidden, inputs, *shape.values()))
        path = self.folder / f"lstm_{name}.mlirbc"
        if not path.exists():
            model = models.lstm(self.folder / f"lstm_{name}.onnx", hidden, inputs, **shape)
            done = bench.run("hcgs-compile", model, "--sparsity=off", "--emit=quantized", "-o", path)
            if done.status:
                sys.exit(done.stderr)
            model.unlink()
        return path

    def compile(self, source: Path, target: str | Path, *options: str) -> Compiled:
        """Compiles for a target; a refusal is a result, too."""
        program, report = self.new_path(".hcgs"), self.new_path(".json")
        done = bench.run("hcgs-compile", source, f"--target={target}", *options,
                         f"--report={report}", "-o", program)
        if done.status:
            lines = done.stderr.strip().split("\n") or [f"exit status {done.status}"]
            return Compiled(program, None, lines[0])
        result = Compiled(program, json.loads(report.read_text()))
        report.unlink()
        return result

    def simulate(self, program: Path, steps: int, features: int, *options: str) -> dict:
        """The simulator's statistics of random frames."""
        data, stats, out = self.new_path(".npy"), self.new_path(".json"), self.new_path(".npz")
        x = np.random.default_rng(0).uniform(-1, 1, (steps, 1, features))
        np.save(data, x.astype(np.float32))
        done = bench.run("hcgs-sim", program, "--input", data, "--output", out, "--stats", stats,
                         *options)
        if done.status:
            sys.exit(done.stderr)
        numbers = json.loads(stats.read_text())
        for path in (data, stats, out):
            path.unlink()
        return numbers

    def steady(self, compiled: Compiled) -> float:
        """Cycles of a step counted by the simulator, which needs no frames for
        that: the difference of two lengths. Exits if the compiler counts
        others."""
        counts = []
        for steps in (SHORT, LONG):
            stats = self.new_path(".json")
            done = bench.run("hcgs-sim", compiled.path, "--steps", steps, "--stats", stats)
            if done.status:
                sys.exit(done.stderr)
            counts.append(json.loads(stats.read_text())["cycles"])
            stats.unlink()
        cycles = (counts[1] - counts[0]) / (LONG - SHORT)
        if cycles != compiled.cycles:
            sys.exit(f"the simulator counts {cycles} cycles a step, the compiler {compiled.cycles}")
        return cycles
