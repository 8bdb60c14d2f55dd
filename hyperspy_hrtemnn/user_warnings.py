# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings that name the line of the user, from however deep they come."""

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


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as of the line that called into this package, or that computed its result.

    Parameters
    ----------
    message
        The text of the warning.
    category
        The class of the warning.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and _package(frame) in _BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _package(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
