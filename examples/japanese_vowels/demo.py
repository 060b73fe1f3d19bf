# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demonstration behind scripts/demo.

Compiles a trained JapaneseVowels model with hcgs-compile, runs all 370 test
utterances on the simulator, and sets the result beside the float model on ONNX
Runtime. Leaves in the output folder:

    NAME.hcgs          the program (ELF)
    NAME.s             its disassembly
    NAME.report.json   what the compiler did: sizes, formats, tables
    NAME.stats.json    what the simulator counted
    demo.json          the numbers of the table
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from rich import box
from rich.console import Console
from rich.table import Table

import hcgs

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import data  # noqa: E402  (beside this file, whatever the working folder)


def float_scores(model: Path, utterances: list[np.ndarray]) -> list[np.ndarray]:
    """Frame outputs [T, classes] of the fp32 model for each utterance."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return [session.run(None, {name: u[None]})[0][0] for u in utterances]


def sqnr_db(reference: np.ndarray, other: np.ndarray) -> float:
    """10 log10(signal energy / error energy)."""
    error = np.sum((reference - other) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(np.sum(reference**2) / error))


def run_tool(*command: object) -> None:
    result = subprocess.run([str(c) for c in command])
    if result.returncode:
        raise SystemExit(result.returncode)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--model", type=Path, default=HERE / "japanese_vowels_16x.onnx")
    parser.add_argument("--target", default="hcgs-65nm", help="name or file of a target")
    parser.add_argument("--weight-bits", type=int, default=6, help="2 to 8")
    parser.add_argument("--act-bits", type=int, default=13, help="8 to 16, inputs and states")
    parser.add_argument("--output", type=Path, default=Path("build/demo"), help="folder for the files")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    args.output.mkdir(parents=True, exist_ok=True)
    stem = args.output / args.model.stem
    program_file, assembly = stem.with_suffix(".hcgs"), stem.with_suffix(".s")
    report_file, stats_file = stem.with_suffix(".report.json"), stem.with_suffix(".stats.json")

    utterances, labels = data.load("test")
    run_tool(
        "hcgs-compile", args.model,
        f"--target={args.target}",
        f"--calibrate={HERE / 'calibration.npz'}",
        f"--weight-bits={args.weight_bits}",
        f"--act-bits={args.act_bits}",
        f"--input-bits={args.act_bits}",
        f"--gate-bits={args.act_bits}",
        f"--report={report_file}",
        "-o", program_file,
    )
    with open(assembly, "w") as file:
        if subprocess.run(["hcgs-objdump", "-d", str(program_file)], stdout=file).returncode:
            return 1

    program = hcgs.load(program_file)
    outputs = program.run(utterances)
    stats = program.stats
    stats_file.write_text(json.dumps(stats, indent=1) + "\n")
    report = json.loads(report_file.read_text())

    reference = float_scores(args.model, utterances)
    fp32 = np.stack([frames.mean(axis=0) for frames in reference])
    ours = np.stack([np.asarray(frames).mean(axis=0) for frames in outputs])
    frames = sum(len(u) for u in utterances)
    numbers = {
        "model": args.model.name,
        "target": args.target,
        "utterances": len(utterances),
        "frames": frames,
        "accuracy_fp32": float(np.mean(fp32.argmax(axis=1) == labels)),
        "accuracy_program": float(np.mean(ours.argmax(axis=1) == labels)),
        "agreement": float(np.mean(fp32.argmax(axis=1) == ours.argmax(axis=1))),
        "sqnr_utterance_db": sqnr_db(fp32, ours),
        "sqnr_frame_db": sqnr_db(
            np.concatenate(reference), np.concatenate([np.asarray(o) for o in outputs])
        ),
        "weight_bytes": report["totals"]["weight_bytes"],
        "index_bytes": report["totals"]["index_bytes"],
        "fp32_bytes": report["totals"]["fp32_bytes"],
        "weights": sum(m["total"] for m in report["matrices"]),
        "weights_kept": sum(m["kept"] for m in report["matrices"]),
        "cycles": stats["cycles"],
        "cycles_per_frame": stats["cycles"] / frames,
        "microseconds_per_frame": stats["microseconds"] / frames,
        "mac_utilisation": stats["mac_utilization"],
    }
    if stats.get("energy_joules") is not None:
        numbers["energy_joules_per_frame"] = stats["energy_joules"] / frames
    (args.output / "demo.json").write_text(json.dumps(numbers, indent=1) + "\n")
    show(numbers, args)
    return 0


def show(n: dict, args: argparse.Namespace) -> None:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left",
                  title=f"{n['model']} on {n['target']}: {n['utterances']} test utterances")
    table.add_column("what")
    table.add_column("value", justify="right")
    table.add_column("how")
    percent = "{:.2f} %".format
    ratio = n["fp32_bytes"] / n["weight_bytes"]
    bits = f"{args.weight_bits}-bit weights, {args.act_bits}-bit activations"
    table.add_row("accuracy, fp32", percent(100 * n["accuracy_fp32"]), "ONNX Runtime")
    table.add_row("accuracy, program", percent(100 * n["accuracy_program"]), f"simulator, {bits}")
    table.add_row("agreement", percent(100 * n["agreement"]), "same speaker chosen")
    table.add_row("SQNR of scores", f"{n['sqnr_utterance_db']:.1f} dB", "mean over an utterance's frames")
    table.add_row("SQNR of frames", f"{n['sqnr_frame_db']:.1f} dB", "every output")
    table.add_row("weights kept", f"{n['weights_kept']:,}", f"of {n['weights']:,}: {n['weights'] / n['weights_kept']:.1f}x fewer, whole model")
    table.add_row("weights, fp32", f"{n['fp32_bytes']:,} B", "dense, whole model")
    table.add_row("weights, image", f"{n['weight_bytes']:,} B", f"{ratio:.1f}x smaller, + {n['index_bytes']:,} B of index")
    table.add_row("cycles per frame", f"{n['cycles_per_frame']:,.1f}", f"{n['frames']:,} frames, utterance by utterance")
    table.add_row("time per frame", f"{n['microseconds_per_frame']:.2f} us", "at the target's clock")
    table.add_row("MAC utilisation", percent(100 * n["mac_utilisation"]), "multiplications / (lanes x cycles)")
    if "energy_joules_per_frame" in n:
        table.add_row("energy per frame", f"{1e6 * n['energy_joules_per_frame']:.3f} uJ", "events x energies of the target")
    console = Console(width=80, highlight=False)
    console.print(table)
    console.print(f"Program, disassembly and reports are in {args.output}/")


if __name__ == "__main__":
    sys.exit(main())
