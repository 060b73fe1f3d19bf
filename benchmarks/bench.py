# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the benchmark scripts share: making models, running tools, printing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "benchmarks" / "models" / "make_random_models.py"


def make_model(path: Path, *arguments: object) -> Path:
    """Writes a random ONNX model (see make_random_models.py --help)."""
    command = [sys.executable, MODELS, *arguments, "-o", path]
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)
    return path


@dataclass
class Outcome:
    """One finished tool: exit status, standard error, wall seconds, and the
    peak of anonymous memory in bytes (pages of mapped files do not count)."""

    status: int
    stderr: str
    seconds: float
    anonymous_bytes: int


def run(*command: object) -> Outcome:
    """Runs a tool and samples its anonymous memory every two milliseconds."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    peak = 0
    status_file = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            for line in status_file.read_text().split("\n"):
                if line.startswith("RssAnon:"):
                    peak = max(peak, 1024 * int(line.split()[1]))
        except OSError:
            break
        time.sleep(0.002)
    stderr = process.communicate()[1]
    return Outcome(process.returncode, stderr, time.perf_counter() - start, peak)


def table(title: str, rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    print(f"\n{title}\n" + "-" * len(title))
    for name, value in rows:
        print(f"{name:{width}}  {value}")


def write_json(path: Path | None, numbers: dict) -> None:
    if path:
        path.write_text(json.dumps(numbers, indent=1) + "\n")
