# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the program of pipelined-loop.s for every length and every chunk."""

import subprocess
import sys

import numpy as np

program, tool = sys.argv[1:]
stem = program.removesuffix(".hcgs")


def simulate(*options: str) -> np.ndarray:
    command = [tool, program, "--codes", "--checked", "--input", stem + ".x.npy"]
    subprocess.run([*command, "--output", stem + ".y.npy", *options], check=True)
    return np.load(stem + ".y.npy")


random = np.random.default_rng(1)
for steps in range(1, 8):
    x = random.integers(-1000, 1000, (steps, 3)).astype(np.int32)
    np.save(stem + ".x.npy", x)
    padded = np.concatenate([np.zeros((2, 3), np.int32), x])
    want = padded[2:] + padded[1:-1] + padded[:-2]
    assert (simulate() == want).all(), steps
    for chunk in range(1, steps + 1):
        assert (simulate("--entry", "step", f"--chunk={chunk}") == want).all(), (steps, chunk)
    # In two processes, by way of a saved state.
    for first in range(1, steps):
        np.save(stem + ".x.npy", x[:first])
        head = simulate("--entry", "step", "--state-out", stem + ".state")
        np.save(stem + ".x.npy", x[first:])
        tail = simulate("--entry", "step", "--state-in", stem + ".state")
        assert (np.concatenate([head, tail]) == want).all(), (steps, first)
