# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import FileError


def check_writable(path: str | os.PathLike) -> None:
    """FileError if `write_file` could not write `path`; to be asked before long
    work. Leaves nothing behind."""
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        os.unlink(temporary)
    except OSError as error:
        raise FileError("write", path, error) from None


def write_file(path: str | os.PathLike, content: str | bytes) -> None:
    """Put `content` (text as UTF-8) at `path`, replacing what was there.

    It is written beside it under another name first and then moved, so that a
    full disk or an interrupt leaves the old file as it was. Raises FileError.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    path = Path(path)
    temporary = None
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise FileError("write", path, error) from None
        raise
