# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperSpy's progress bar around a computation of dask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def progress(show: bool | None) -> AbstractContextManager[Any]:
    """Return a context that shows dask's progress.

    Parameters
    ----------
    show
        Whether to show it; None for what HyperSpy's preferences say.
    """
    if show is None:
        from hyperspy.defaults_parser import preferences

        show = bool(preferences.General.show_progressbar)
    if not show:
        return nullcontext()
    from tqdm.dask import TqdmCallback

    return TqdmCallback()
