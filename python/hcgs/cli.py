# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of the package, `python -m hcgs COMMAND`.

Each command checks its arguments, calls one public function and prints what it
returns. Bad input is one line on standard error and exit status 1, wrong usage
status 2; an interrupt is 130.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CompileError, Error, FileError, InputError

if TYPE_CHECKING:
    from .datasets import Dataset
    from .program import Program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        return args.run(args)
    except Error as error:
        print(f"hcgs {args.command}: error: {error}", file=sys.stderr)
        return 1
    except AttributeError as error:  # hcgs.__getattr__: no extension module
        if "needs the extension module" not in str(error):
            raise
        print(f"hcgs {args.command}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"hcgs {args.command}: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hcgs",
        description="Reports, searches and checks around the compiler. "
        "hcgs-compile and hcgs-sim compile and run.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_report(commands)
    _add_search(commands)
    _add_verify(commands)
    return parser


def _command(commands, name: str, usage: str, summary: str, run, description: str):
    parser = commands.add_parser(
        name,
        usage=f"python -m hcgs {name} {usage} [OPTIONS]",
        help=summary,
        description=description,
        formatter_class=_HelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


class _HelpFormatter(argparse.HelpFormatter):
    """Help of at most 80 columns, options and their text side by side."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=26, width=80)


def _add_compile_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how an ONNX model is compiled")
    group.add_argument(
        "--target", metavar="NAME|FILE", help="machine to compile for [hcgs-65nm]"
    )
    group.add_argument(
        "--calibrate", metavar="FILE", help="inputs that fix the ranges of values"
    )
    group.add_argument("--config", metavar="FILE.json", help="options by layer")
    group.add_argument(
        "-O",
        dest="options",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any other option of hcgs-compile, such as -O weight-bits=5",
    )


def compile_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `_add_compile_options` as hcgs.compile takes them."""
    found: dict[str, Any] = {}
    for text in args.options:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CompileError(
                f"-O {text}: NAME=VALUE is needed, such as -O weight-bits=5"
            )
        found[name.lstrip("-").replace("-", "_")] = value
    for name in ("target", "calibrate", "config"):
        if getattr(args, name) is not None:
            found[name] = getattr(args, name)
    return found


def _add_data_options(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument(
        "--data",
        metavar="FILE",
        required=required,
        help=".npz with an array for each input, and perhaps `lengths` and `labels`; "
        "or .npy for a model with one input",
    )
    parser.add_argument(
        "--labels", metavar="FILE", help="classes of the rows, if not in the data"
    )


def is_model(path: str) -> bool:
    """Whether a command's input is an ONNX model rather than a program file."""
    return Path(path).suffix.lower() == ".onnx"


def load_or_compile(args: argparse.Namespace) -> Program:
    """The program that a command's `input` names."""
    from . import compile, load

    options = compile_options(args)
    if is_model(args.input):
        return compile(args.input, **options)
    if options:
        name = next(iter(options)).replace("_", "-")
        raise InputError(
            f"{args.input} is a program already, so {name} would change nothing; "
            "leave it out or give the .onnx model"
        )
    return load(args.input)


def load_data(args: argparse.Namespace, program: Program) -> Dataset:
    """The data that a command's options name."""
    from .datasets import load_dataset

    return load_dataset(args.data, [spec.name for spec in program.inputs], args.labels)


def _verify_from(args: argparse.Namespace, program: Program, **others):
    """What hcgs.verify finds with the model and data of the command line."""
    from . import verify

    model = args.model or (args.input if is_model(args.input) else None)
    if model is None:
        raise InputError("the model to compare with is not known; name it with --model")
    data = load_data(args, program)
    return verify(
        program, model, data.arrays, data.lengths, labels=data.labels, **others
    )


# ---- report -----------------------------------------------------------------


def _add_report(commands) -> None:
    parser = _command(
        commands,
        "report",
        "INPUT -o FILE.html",
        "Write an HTML page about a program",
        _report,
        "Write one self-contained HTML page about a program: sizes, block maps, "
        "memories, formats, tables, cycles; with --data also accuracy, with --analyze "
        "or --analysis where the error comes from.",
    )
    parser.add_argument(
        "input", metavar="INPUT", help="program file, or ONNX model (.onnx)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE.html", help="where the page goes"
    )
    parser.add_argument(
        "--block-maps", metavar="DIR", help="write the block maps as SVG files, too"
    )
    parser.add_argument("--title", help="title of the page [the model's file or name]")
    parser.add_argument(
        "--operating-point",
        metavar="NAME",
        help="clock and voltage of the target for times and energies [its first]",
    )
    error = parser.add_mutually_exclusive_group()
    error.add_argument(
        "--analysis", metavar="FILE.json", help="what hcgs-compile --analyze wrote"
    )
    error.add_argument(
        "--analyze",
        action="store_true",
        help="say where the error comes from, on the --data, for an ONNX model",
    )
    parser.add_argument(
        "--report",
        metavar="FILE.json",
        help="what hcgs-compile --report wrote, for remarks and options",
    )
    _add_data_options(parser, required=False)
    parser.add_argument(
        "--model", metavar="FILE.onnx", help="the model of a program file"
    )
    _add_compile_options(parser)


def _report(args: argparse.Namespace) -> int:
    import hcgs

    from . import report

    if not args.output and not args.block_maps:
        raise InputError(
            "nothing to write: give -o FILE.html, --block-maps DIR or both"
        )
    if args.operating_point is not None and not args.output:
        raise InputError("--operating-point is only for -o FILE.html")
    for option in ("labels", "model"):
        if getattr(args, option) and not args.data:
            raise InputError(f"--{option} is only for --data")
    analysis = args.analysis
    if args.analyze:
        if not args.data or not is_model(args.input):
            raise InputError("--analyze needs an ONNX model and --data")
        analysis = hcgs.analyze(args.input, args.data, **compile_options(args))
        program = analysis.program
    else:
        program = load_or_compile(args)
    verification = _verify_from(args, program) if args.data else None
    title = args.title or (Path(args.input).stem if is_model(args.input) else None)
    if args.output:
        page = report.report_html(
            program,
            args.output,
            verification=verification,
            analysis=analysis,
            compiled=args.report,
            title=title,
            operating_point=args.operating_point,
        )
        print(f"{args.output}: {len(page.encode()):,} bytes")
    if args.block_maps:
        written = report.write_block_maps(program, args.block_maps)
        print(f"{os.path.join(args.block_maps, '')}: {len(written)} block maps")
    return 0


# ---- search -----------------------------------------------------------------


def _add_search(commands) -> None:
    parser = _command(
        commands,
        "search",
        "MODEL.onnx --data FILE --budget-...",
        "Find the cheapest widths within a budget",
        _search,
        "Find the cheapest widths of weights and values that keep a model within "
        "a budget on given data. Prints all that was tried, and writes the result "
        "as a configuration for hcgs-compile --config.",
    )
    parser.add_argument("input", metavar="MODEL.onnx", help="the model")
    _add_data_options(parser, required=True)
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument(
        "--budget-sqnr", type=float, metavar="DB", help="SQNR of the worst output"
    )
    budget.add_argument(
        "--budget-accuracy",
        type=float,
        metavar="X",
        help="fraction of the rows whose label is found, such as 0.95",
    )
    budget.add_argument(
        "--budget-agreement",
        type=float,
        metavar="X",
        help="fraction of the rows where the program chooses as the float model does",
    )
    parser.add_argument("-o", "--output", metavar="FILE.json", help="the configuration")
    parser.add_argument(
        "--table", metavar="FILE.json", help="all that was tried, as JSON"
    )
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="where measurements are kept, to go on from [OUTPUT.state]",
    )
    group = parser.add_argument_group("what is searched")
    group.add_argument(
        "--vary",
        metavar="KINDS",
        type=_kinds,
        default="weights,act,gate,cell",
        help="of weights, act (h, results), gate, cell, input [%(default)s]",
    )
    group.add_argument(
        "--per",
        choices=("layer", "matrix"),
        default="layer",
        help="whether W and R of a layer may differ [%(default)s]",
    )
    group.add_argument(
        "--weight-bits", metavar="LO..HI", type=_widths(2, 8), default="2..8",
        help="widths of weights, such as 2..8 or 4,6 [%(default)s]",
    )  # fmt: skip
    group.add_argument(
        "--value-bits", metavar="LO..HI", type=_widths(8, 16), default="8..16",
        help="widths of values [%(default)s]",
    )  # fmt: skip
    group.add_argument(
        "--cost",
        choices=("memory", "weights"),
        default="memory",
        help="bytes of weights and values, or of weights alone [%(default)s]",
    )
    group.add_argument(
        "--activation-weight",
        type=float,
        metavar="X",
        default=1.0,
        help="bytes of weights that a byte of values counts as [%(default)g]",
    )
    group.add_argument(
        "--max-trials", type=int, metavar="N", help="make do after so many measurements"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress, no table of trials"
    )
    _add_compile_options(parser)


def _kinds(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _widths(low: int, high: int):
    """Parses "2..8" and "4,6"; widths from `low` to `high`."""

    def parse(text: str) -> list[int]:
        found: list[int] = []
        for part in text.split(","):
            first, dots, last = part.partition("..")
            try:
                found += range(int(first), int(last if dots else first) + 1)
            except ValueError:
                raise argparse.ArgumentTypeError(
                    f"'{text}' is no list of widths such as {low}..{high} or {low},{high}"
                ) from None
        outside = [width for width in found if not low <= width <= high]
        if outside or not found:
            what = f"{outside[0]} found" if outside else f"'{text}' has no width"
            raise argparse.ArgumentTypeError(f"{what}, allowed are {low}..{high}")
        return found

    return parse


def _search(args: argparse.Namespace) -> int:
    from .datasets import load_dataset
    from .files import write_file
    from .search import search_widths
    from .search.table import print_result, progress_printer

    for path in (args.output, args.table):
        if path and not Path(path).absolute().parent.is_dir():
            raise InputError(f"cannot write '{path}': its folder does not exist")
    state = args.state or (args.output and f"{args.output}.state")
    options = compile_options(args)
    if "weight_bits" in options:
        raise InputError(
            "-O weight-bits fixes what the search chooses; name the widths to choose "
            "from with --weight-bits"
        )
    data = args.data
    if args.labels:
        options.setdefault("calibrate", args.data)
        data = load_dataset(args.data, _input_names(args.input), args.labels)
    result = search_widths(
        args.input,
        data,
        sqnr=args.budget_sqnr,
        accuracy=args.budget_accuracy,
        agreement=args.budget_agreement,
        vary=args.vary,
        per=args.per,
        weight_bits=args.weight_bits,
        value_bits=args.value_bits,
        cost=args.cost,
        activation_weight=args.activation_weight,
        state=state,
        max_trials=args.max_trials,
        progress=None if args.quiet else progress_printer(sys.stderr),
        **options,
    )
    if args.table:
        write_file(args.table, json.dumps(result.json(), indent=1) + "\n")
    if args.output:
        result.save_config(args.output)
    print_result(result, sys.stdout, all_trials=not args.quiet)
    if args.output:
        print(f"{args.output}: for hcgs-compile --config")
    return 0


def _input_names(model: str) -> list[str]:
    """Inputs of an ONNX file that are no constants."""
    import onnx

    try:
        graph = onnx.load(model, load_external_data=False).graph
    except OSError as error:
        raise FileError("read model", model, error) from None
    except Exception as error:  # protobuf's own, by version
        raise InputError(f"{model}: not an ONNX model: {error}") from None
    constants = {tensor.name for tensor in graph.initializer}
    return [value.name for value in graph.input if value.name not in constants]


# ---- verify -----------------------------------------------------------------


def _add_verify(commands) -> None:
    parser = _command(
        commands,
        "verify",
        "INPUT --data FILE",
        "Compare a program with its model",
        _verify,
        "Run a program on the simulator and its model on ONNX Runtime, and print "
        "how near they are.",
    )
    parser.add_argument(
        "input", metavar="INPUT", help="program file, or ONNX model (.onnx)"
    )
    _add_data_options(parser, required=True)
    parser.add_argument(
        "--model", metavar="FILE.onnx", help="the model of a program file"
    )
    parser.add_argument(
        "--oracle",
        action="store_true",
        help="demand equality with the NumPy model in every bit; exit status 1 if not",
    )
    _add_compile_options(parser)


def _verify(args: argparse.Namespace) -> int:
    found = _verify_from(args, load_or_compile(args), oracle=args.oracle)
    print(found)
    return 1 if found.bit_exact is False else 0
