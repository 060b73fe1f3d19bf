# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exceptions of the package. Each carries the tool's own message."""


class Error(Exception):
    """Base of everything hcgs raises on purpose."""


class CompileError(Error):
    """A model was refused, or an option of the compiler makes no sense."""


class ProgramError(Error):
    """A program file is malformed, damaged or of another format version."""


class InputError(Error, ValueError):
    """Data does not fit the program: wrong shape, type, name or NaN."""


class SimulationError(Error):
    """The simulated machine trapped, or has no such entry point."""


class FileError(Error, OSError):
    """A file cannot be read or written; `filename` and `errno` say which and
    why. Also an OSError, for callers that handle all files alike."""

    def __init__(self, action: str, path: object, cause: OSError):
        """action: what could not be done, as in "read"; cause: the system's own
        error about whichever name (a temporary one, say) it met."""
        reason = cause.strerror or str(cause)
        super().__init__(f"cannot {action} '{path}': {reason}")
        self.errno, self.filename = cause.errno, str(path)

    def __str__(self) -> str:
        return str(self.args[0])
