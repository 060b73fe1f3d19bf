# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imports every fixture that shall be imported and brings it into canonical
form; checks the message and the exit status of every one that is refused, and
that it leaves no file.

usage: check_fixtures.py FIXTURES HCGS_TRANSLATE HCGS_OPT FOLDER
"""

import json
import re
import subprocess
import sys
from pathlib import Path


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def check(entry: dict, fixtures: Path, translate: str, opt: str, folder: Path) -> str:
    """What is wrong with this fixture; empty if nothing."""
    out = folder / f"{entry['name']}.mlir"
    out.unlink(missing_ok=True)
    done = run(translate, "--import-onnx", fixtures / entry["file"], "-o", out)
    if entry["expect"] == "refuse":
        if done.returncode != 1:
            return f"exit status {done.returncode}, expected 1"
        if not re.search(entry["error"], done.stderr, re.IGNORECASE):
            return f"message does not match {entry['error']}: {done.stderr}"
        return "left a file" if out.exists() else ""
    if done.returncode != 0:
        return done.stderr
    canonical = run(opt, out, "--rnn-canonical-form", "-o", "/dev/null")
    return canonical.stderr if canonical.returncode else ""


def main() -> int:
    fixtures, translate, opt, folder = Path(sys.argv[1]), *sys.argv[2:4], Path(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    entries = json.loads((fixtures / "manifest.json").read_text(encoding="utf-8"))
    failed = 0
    for entry in entries:
        if problem := check(entry, fixtures, translate, opt, folder):
            failed += 1
            print(f"{entry['name']}: {problem}")
    print(f"{len(entries) - failed} fixtures as expected, {failed} not")
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
