# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the test stages on a finished build and adds up what they did.

Called by scripts/test. Each stage reports how many tests passed and failed; a
stage that ran none counts as a failure, so that a broken collection cannot
look like success. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = ("include", "lib", "tools", "unittests", "benchmarks", "python")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0


def run(command: list[str], **kwargs) -> int:
    print("$", " ".join(str(c) for c in command), flush=True)
    return subprocess.run(command, cwd=ROOT, **kwargs).returncode


def stage_format(build: Path) -> Count:
    """Every C++ file is as clang-format leaves it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
        + [f"{folder}/*.{ext}" for folder in SOURCE_FOLDERS for ext in ("h", "cpp")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    files = [name for name in listed.split("\0") if name]
    count = Count()
    for start in range(0, len(files), 32):
        chunk = files[start : start + 32]
        code = subprocess.run(
            ["clang-format-22", "--dry-run", "-Werror", *chunk],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        bad = {m.group(1) for m in re.finditer(r"^(\S+?):\d+:\d+: error", code.stderr, re.M)}
        if code.returncode and not bad:
            print(code.stderr)
            bad = set(chunk)
        for name in sorted(bad):
            print(f"not formatted: {name} (clang-format-22 -i {name})")
        count.failed += len(bad)
        count.passed += len(chunk) - len(bad)
    return count


def stage_lit(build: Path) -> Count:
    """test/: dialects, conversions, importer, tools, with FileCheck."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lit.json"
        code = run(["lit", "-sv", "--output", str(out), str(build / "test")])
        if not out.exists():
            return Count(0, 1)
        codes = [test["code"] for test in json.loads(out.read_text())["tests"]]
    good = sum(c in ("PASS", "XFAIL", "FLAKYPASS") for c in codes)
    bad = sum(c not in ("PASS", "XFAIL", "FLAKYPASS", "UNSUPPORTED", "EXCLUDED") for c in codes)
    return Count(good, bad if bad or code == 0 else 1)


def stage_unit(build: Path) -> Count:
    """unittests/: one GoogleTest binary a library."""
    count = Count()
    binaries = sorted(p for p in (build / "unittests").glob("*Tests") if os.access(p, os.X_OK))
    with tempfile.TemporaryDirectory() as folder:
        for binary in binaries:
            out = Path(folder) / f"{binary.name}.json"
            code = run([str(binary), "--gtest_brief=1", f"--gtest_output=json:{out}"])
            if not out.exists():
                print(f"{binary.name} wrote no results (exit status {code})")
                count.failed += 1
                continue
            result = json.loads(out.read_text())
            bad = result["failures"] + result.get("errors", 0)
            ran = result["tests"] - result.get("disabled", 0)
            count.passed += ran - bad
            count.failed += max(bad, 1 if code else 0)
            if ran == 0:
                print(f"{binary.name} ran no test")
                count.failed += 1
    return count


def pytest_stage(folder: str) -> Count:
    with tempfile.TemporaryDirectory() as temp:
        out = Path(temp) / "junit.xml"
        code = run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             "--durations=5", f"--junitxml={out}", folder]
        )
        if not out.exists():
            return Count(0, 1)
        suite = ElementTree.parse(out).getroot().find("testsuite")
    tests, bad, skipped = (
        int(suite.get("tests")),
        int(suite.get("failures")) + int(suite.get("errors")),
        int(suite.get("skipped")),
    )
    if skipped:
        print(f"{skipped} skipped")
    return Count(tests - bad - skipped, bad if bad or code in (0, 5) else 1)


def stage_python(build: Path) -> Count:
    """test/python/: package, oracle, training kit, example data."""
    return pytest_stage("test/python")


def stage_integration(build: Path) -> Count:
    """test/integration/: compiled networks against the oracles, bad input."""
    return pytest_stage("test/integration")


def stage_docs(build: Path) -> Count:
    """Generated pages are current, links resolve, shown commands run."""
    with tempfile.TemporaryDirectory() as temp:
        out = Path(temp) / "docs.json"
        run([sys.executable, "scripts/check_docs.py", "--build", str(build), "--json", str(out)])
        if not out.exists():
            return Count(0, 1)
        result = json.loads(out.read_text())
    return Count(result["passed"], result["failed"])


STAGES = {
    "format": stage_format,
    "lit": stage_lit,
    "unit": stage_unit,
    "python": stage_python,
    "integration": stage_integration,
    "docs": stage_docs,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES) + "; default all")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    args = parser.parse_args()
    unknown = [name for name in args.stages if name not in STAGES]
    if unknown:
        parser.error(f"unknown stage {unknown[0]}; the stages are {', '.join(STAGES)}")

    total = Count()
    lines = []
    for name in args.stages or STAGES:
        print(f"\n== {name}: {STAGES[name].__doc__}", flush=True)
        start = time.monotonic()
        count = STAGES[name](args.build.resolve())
        if count.passed + count.failed == 0:
            print(f"stage {name} ran no test, which counts as a failure")
            count.failed = 1
        total.passed += count.passed
        total.failed += count.failed
        lines.append(
            f"{name:12} {count.passed:6} passed {count.failed:4} failed"
            f" {time.monotonic() - start:7.1f} s"
        )
    print("\n" + "\n".join(lines))
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
