# SPDX-License-Identifier: GPL-3.0-or-later
"""File of a network: its bytes, if its kind and size are allowed, and its place."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ._errors import NetworkError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_FILE = 2**30
"""Largest size of a file [bytes]; the networks that are shipped have 5 MB."""


def read_file(path: Path) -> bytes:
    """Return the bytes of a network's file.

    Raises
    ------
    NetworkError
        If it is missing, is a folder, a pipe or a device, cannot be read, or is larger
        than `LARGEST_FILE`.
    """
    try:
        # Before it is opened: to open a pipe is to wait for who writes to it.
        _check_kind(path, path.stat())
        with path.open("rb") as file:
            _check_kind(path, os.fstat(file.fileno()))
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise NetworkError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        why = getattr(error, "strerror", None) or error
        raise NetworkError(f"{path} cannot be read: {why}.") from None
    if len(content) > LARGEST_FILE:
        raise _too_large(path)
    return content


def _check_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise NetworkError(
            f"{path} cannot be read: it is {kind}; give the path of a file."
        )
    if status.st_size > LARGEST_FILE:
        raise _too_large(path)


def _too_large(path: Path) -> NetworkError:
    return NetworkError(
        f"{path} is larger than the limit of {LARGEST_FILE >> 20} MiB for the file of "
        "a network, and was not read."
    )


def check_output(out: Path, suffix: str) -> None:
    """Raise a NetworkError unless a file could be written, with the suffix it needs."""
    if out.suffix.lower() != suffix:
        raise NetworkError(f"{out} has to end with {suffix}.")
    if not out.parent.is_dir():
        raise NetworkError(
            f"There is no folder {out.parent} for {out.name}; make it first."
        )
