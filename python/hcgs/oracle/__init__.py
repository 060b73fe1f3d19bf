# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An independent model of the machine's integers, for checking.

Written from docs/Spec alone, in NumPy, sharing no code with the compiler or
the simulator: it reads a program file with its own parser, unpacks weights,
indices and biases, and computes what the *layers* of the network mean
(docs/Spec/Layers.md) without ever looking at an instruction. The simulator
must agree with it in every bit. Cycles are another matter: `timing` plays the
instructions through, and its numbers must be those of the simulator and of the
compiler's estimate.

program      the file: ELF sections, checksums, descriptors, tables, metadata
unpack       block maps and weight codes out of their images
arithmetic   sat, rq, PWL tables, float to code
network      every layer's integers at every time step
tensors      ONNX-shaped tensors in and out of the network's values
quantizer    weights and biases to codes, to check the compiler's
scales       whether the shifts of a network fit the formats they join
timing       cycles, and where they went, of every unit
float_model  the same network in float with the program's weights
"""

from .network import Network, NetworkResult, run
from .program import ProgramFile, read
from .tensors import run_tensors

__all__ = ["Network", "NetworkResult", "ProgramFile", "read", "run", "run_tensors"]
