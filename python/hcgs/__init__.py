# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""hcgs: recurrent networks on block-sparse fixed-point accelerators.

    program = hcgs.compile("model.onnx", target="hcgs-65nm", calibrate=data)
    y = program.run(x)                    # bit-exact, on the simulated machine
    print(program.stats["cycles"])
    print(hcgs.verify(program, "model.onnx", x))

compile, load   make a Program from an ONNX model or a program file
Program         run, step, reset, state, statistics
verify          compare with ONNX Runtime and with the NumPy model
analyze         where the error comes from: stages, layers, gates, steps
report_html     an HTML page about a program; write_block_maps
search_widths   the cheapest widths within a budget
oracle          the NumPy model of the machine's integers (no extension needed)
train           masks and layers for training (no extension needed)
"""

from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING

from .errors import (
    CompileError,
    Error,
    FileError,
    InputError,
    ProgramError,
    SimulationError,
)

__version__ = "0.1.0"

# Without the extension the oracle and the training kit still work.
if TYPE_CHECKING or _find_spec("hcgs._hcgs") is not None:
    from .compiler import compile
    from .program import Data, Program, TensorSpec, load
    from .verify import Divergence, OutputAgreement, Verification, verify


# Loaded when first used, for what they import in turn.
_LATER = {
    "analyze": "hcgs.analysis",
    "report_html": "hcgs.report",
    "write_block_maps": "hcgs.report",
    "search_widths": "hcgs.search",
}


def __getattr__(name: str):
    if name in ("oracle", "train"):  # loaded when first used
        return _import_module(f"hcgs.{name}")
    if name in _LATER and "compile" in globals():
        return getattr(_import_module(_LATER[name]), name)
    if name in __all__:
        raise AttributeError(
            f"hcgs.{name} needs the extension module, which is not built; "
            "install the package (pip install .) or put "
            "<build folder>/python_packages on PYTHONPATH"
        )
    raise AttributeError(f"module 'hcgs' has no attribute '{name}'")


__all__ = [
    "CompileError",
    "Data",
    "Divergence",
    "Error",
    "FileError",
    "InputError",
    "OutputAgreement",
    "Program",
    "ProgramError",
    "SimulationError",
    "TensorSpec",
    "Verification",
    "analyze",
    "compile",
    "load",
    "report_html",
    "search_widths",
    "verify",
    "write_block_maps",
]
