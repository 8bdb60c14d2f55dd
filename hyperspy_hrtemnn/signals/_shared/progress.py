# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperSpy's progress bar around a computation of dask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def is_shown(show: bool | None) -> bool:
    """Return whether progress is shown; None for what HyperSpy's preferences say."""
    if show is None:
        from hyperspy.defaults_parser import preferences

        return bool(preferences.General.show_progressbar)
    return show


def progress(show: bool | None) -> AbstractContextManager[Any]:
    """Return a context that shows dask's progress.

    Parameters
    ----------
    show
        Whether to show it; None for what HyperSpy's preferences say.
    """
    if not is_shown(show):
        return nullcontext()
    from tqdm.dask import TqdmCallback

    return TqdmCallback()
