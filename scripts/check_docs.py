# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the documentation against a finished build.

Three kinds of checks, each counted as a test:
  * a generated page is what its generator writes today;
  * every relative link of a Markdown page leads to a file;
  * every block marked ```console run is executed: lines that begin with `$ `
    are commands, the rest is their output, in which a line `...` stands for
    any number of lines and `...` inside a line for any text.

Commands run with bash in a scratch folder in which the checkout's folders
(examples, test, ...) appear as links, so that what they write is thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import gen_docs

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]\[]*\]\(([^)\s]+)\)")


def markdown_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).exists()]


def without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def dead_links(path: Path) -> list[str]:
    out = []
    for target in LINK.findall(without_code(path.read_text())):
        if re.match(r"[a-z]+:|#", target):
            continue
        if not (path.parent / target.split("#")[0]).exists():
            out.append(target)
    return out


def console_blocks(path: Path) -> list[list[tuple[str, list[str]]]]:
    """Blocks of (command, expected lines)."""
    blocks = []
    for body in re.findall(r"^```console run\n(.*?)^```", path.read_text(), flags=re.M | re.S):
        block: list[tuple[str, list[str]]] = []
        for line in body.rstrip("\n").split("\n"):
            if line.startswith("$ "):
                block.append((line[2:], []))
            elif block and block[-1][0].endswith("\\"):
                command = block[-1][0]
                block[-1] = (command + "\n" + line, [])
            elif block:
                block[-1][1].append(line)
        blocks.append(block)
    return blocks


def matches(expected: list[str], got: list[str]) -> bool:
    """`...` alone: any lines; `...` inside a line: any text."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(p) for p in line.rstrip().split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in got)) is not None


def run_block(block, build: Path) -> str | None:
    """Runs a block; the text of the first difference, or None."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for entry in ROOT.iterdir():
            if entry.name not in (".git", "build"):
                (scratch / entry.name).symlink_to(entry)
        (scratch / "build").mkdir()
        (scratch / "build" / "release").symlink_to(build)
        env = dict(os.environ, COLUMNS="80", NO_COLOR="1")
        env["PATH"] = f"{build / 'bin'}:{ROOT / '.venv/bin'}:{env['PATH']}"
        for command, expected in block:
            result = subprocess.run(
                ["bash", "-c", command], cwd=scratch, env=env, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            got = result.stdout.rstrip("\n").split("\n") if result.stdout.strip() else []
            while expected and not expected[-1].strip():
                expected = expected[:-1]
            if not matches(expected, got):
                shown = "\n".join(got[:40])
                return f"$ {command}\nexit status {result.returncode}, printed:\n{shown}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--json", type=Path, help="write the counts here")
    args = parser.parse_args()
    build = args.build.resolve()
    passed = failed = 0

    def report(good: bool, text: str) -> None:
        nonlocal passed, failed
        if good:
            passed += 1
        else:
            failed += 1
            print(text)

    for path, text in gen_docs.pages(build).items():
        good = path.exists() and path.read_text() == text
        report(good, f"stale: {path.relative_to(ROOT)} (run scripts/gen_docs.py)")
    for path in markdown_files():
        dead = dead_links(path)
        report(not dead, f"{path.relative_to(ROOT)}: links that lead nowhere: {', '.join(dead)}")
        for number, block in enumerate(console_blocks(path), 1):
            difference = run_block(block, build)
            report(
                difference is None,
                f"{path.relative_to(ROOT)}: console block {number} is not what the commands print\n{difference}",
            )
    print(f"documentation: {passed} checks passed, {failed} failed")
    if args.json:
        args.json.write_text(json.dumps({"passed": passed, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
