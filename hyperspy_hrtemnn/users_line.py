# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings as of the line of the user, however many of our own are in between.

Ground: it is imported by analysis and signals.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

# Between a line of the user and a warning are only lines of these.
_BETWEEN = {"concurrent", "contextlib", "functools", "threading", "tqdm"} | {
    "dask",
    "distributed",
    "h5py",
    "hyperspy",
    "hyperspy_hrtemnn",
    "rsciio",
    "zarr",
}


def warn(message: str) -> None:
    """Give a UserWarning that names the line of the user."""
    warnings.warn(message, stacklevel=_users_level())


def _users_level() -> int:
    """Return the stack level of the user's line, as of the caller of this."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _package(frame) in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level


def _package(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
