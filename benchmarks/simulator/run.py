# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Simulator against ONNX Runtime: LSTM 440 -> 2x512, 16x, 400 frames, batch 1.

ONNX Runtime runs the same model in fp32, dense (it knows no sparsity), on one
thread. The simulator runs the compiled program on one thread, functional and
timed execution together, counters on. Both are warmed up, then timed in turns
in the same process; the medians are compared.

The cycles of a call depend on its length and not on its data, so the simulator
replays the program against the clock once for each length and remembers the
result. The first call of a length pays for that: it is timed apart, each time
with a length that the program has not seen.

    benchmarks/simulator/run.py [--frames N] [--repeat N] [--json FILE]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

import hcgs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import bench  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the numbers here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        model = bench.make_model(temp / "model.onnx", "--layers", 2, "--hidden", 512, "--inputs", 440,
                                 "--tiers", "32x32:25%,4x4:25%", "--balance", "column", "--seed", 1)
        done = bench.run("hcgs-compile", model, "--target=hcgs-65nm", "-o", temp / "out.hcgs")
        if done.status:
            print(done.stderr, file=sys.stderr)
            return 1
        program = hcgs.load(temp / "out.hcgs")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        longest = args.frames + args.repeat + 2
        data = np.random.default_rng(0).uniform(-1, 1, (longest, 1, 440)).astype(np.float32)
        x = data[: args.frames]

        # Each is given the turn and says how many frames it ran.
        def runtime(turn: int) -> int:
            session.run(None, {name: x})
            return args.frames

        def simulator(turn: int) -> int:
            program.run(x)
            return args.frames

        def unseen(turn: int) -> int:
            frames = args.frames + 1 + turn
            program.run(data[:frames])
            return frames

        times: dict = {runtime: [], unseen: [], simulator: []}
        for turn in range(args.repeat + 2):
            for function in times:
                start = time.perf_counter()
                frames = function(turn)
                if turn >= 2:
                    times[function].append((time.perf_counter() - start) / frames)
        ort, first, sim = (statistics.median(taken) * 1e6 for taken in times.values())
        stats = program.stats
    bench.table(f"440 -> 2x512 at 16x, {args.frames} frames, one thread each", [
        ("ONNX Runtime fp32, dense", f"{ort:.1f} us a frame"),
        ("hcgs simulator, counters on", f"{sim:.2f} us a frame"),
        ("ratio", f"{ort / sim:.1f} x faster"),
        ("first call of a length, timing replay included", f"{first:.2f} us a frame"),
        ("ratio", f"{ort / first:.1f} x faster"),
        ("simulated machine", f"{stats['cycles'] / args.frames:.1f} cycles a frame"),
    ])
    bench.write_json(args.json, {
        "onnxruntime_us": ort,
        "simulator_us": sim,
        "ratio": ort / sim,
        "simulator_first_us": first,
        "ratio_first": ort / first,
    })
    return 0


if __name__ == "__main__":
    sys.exit(main())
