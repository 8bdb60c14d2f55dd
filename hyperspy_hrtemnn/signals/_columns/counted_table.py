# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns of every frame with the number of their atoms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import count_atoms
from hyperspy_hrtemnn.signals._shared.derived import derived_signal
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames

from .columns_of_particles import fitting, particles_of
from .finder import finder
from .point_table import point_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import CountedColumns

_CLASS = "column"
_OUTPUT = "output"  # axis along which the atoms and their spread are


def counted_table(
    segmentation: Signal2D,
    min_separation: float | str | None,
    probability: float,
    instances: Signal2D | None = None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the columns of all frames; see `Segmentation.find_columns`."""
    find = finder(count_atoms, segmentation, min_separation, probability)
    spread = getattr(segmentation, "spread", None)
    maps, axis = segmentation, None
    if spread is not None:
        maps = _beside_each_other(segmentation, spread)
        axis = next(a for a in maps.axes_manager.navigation_axes if a.name == _OUTPUT)
    table = point_table(
        maps,
        partial(_table, find=find),
        axis,
        instances=None if instances is None else fitting(instances, segmentation),
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    table.attrs["classes"] = [_CLASS]
    return table


def _beside_each_other(segmentation: Signal2D, spread: Signal2D) -> Signal2D:
    """Return a lazy signal of the atoms and of their spread."""
    axes = axis_dicts(segmentation)
    axes.insert(-2, {"name": _OUTPUT, "size": 2, "navigate": True})
    # Each frame has one channel, the atoms or their spread.
    parts = [frames(segmentation), frames(spread)]
    both: Signal2D = derived_signal(
        segmentation, da.concatenate(parts, axis=-3), "", axes
    )
    return both


def _table(
    maps: NDArray[Any],
    *particles: NDArray[Any] | None,
    find: Callable[..., CountedColumns],
) -> pd.DataFrame:
    """Return the columns of one frame, in pixels.

    Parameters
    ----------
    maps
        Atoms and, if it is known, their spread, shape (1 or 2, y, x).
    particles
        Their particles, shape (y, x), if they are wanted.
    find
        Function that finds columns in both.
    """
    found = find(*maps)
    ids, outside = particles_of(found.positions, *particles)
    errors = {"atoms_error": found.errors} if len(maps) > 1 else {}
    return pd.DataFrame(
        {
            **ids,
            "class": np.full(len(found), _CLASS, object),
            "x": found.positions[:, 1],
            "y": found.positions[:, 0],
            "atoms": found.atoms,
            **errors,
            "confidence": found.confidence,
            "filling": found.filling,
            **outside,
        }
    )
