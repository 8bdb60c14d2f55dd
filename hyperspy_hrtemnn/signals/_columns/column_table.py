# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns of every frame: what `Segmentation.find_columns` does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import find_columns
from hyperspy_hrtemnn.signals._shared.choice import CLASSES, meaning
from hyperspy_hrtemnn.signals._shared.probabilities import check_range

from .columns_of_particles import fitting, particles_of
from .finder import finder
from .point_table import point_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import SegmentedColumns

_BACKGROUND = "background"


def column_table(
    segmentation: Signal2D,
    min_separation: float | str | None,
    probability: float,
    instances: Signal2D | None = None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> pd.DataFrame:
    """Return the columns of all frames; see `Segmentation.find_columns`."""
    axes = segmentation.axes_manager
    class_axis = next((a for a in axes.navigation_axes if a.name == "class"), None)
    names = _class_names(segmentation, class_axis)
    find = finder(find_columns, segmentation, min_separation, probability)
    table = point_table(
        segmentation,
        partial(_table, names=names, find=find),
        class_axis,
        instances=None if instances is None else fitting(instances, segmentation),
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    # Also those of which there is none.
    table.attrs["classes"] = [name for name in names if name != _BACKGROUND]
    return table


def _class_names(segmentation: Signal2D, class_axis: Any) -> list[Any]:
    """Return the name of each channel, its number where it has none."""
    known = meaning(segmentation, CLASSES)
    if class_axis is None and known is not None and len(known) == 1:
        return [known[0] if isinstance(known[0], str) else int(known[0])]
    # Of sliced classes the axis says which they were.
    numbers = [0] if class_axis is None else np.rint(class_axis.axis).astype(int)
    if known is None or class_axis is None:
        return [int(number) for number in numbers]
    return [str(known[number]) for number in numbers]


def _table(
    maps: NDArray[Any],
    *particles: NDArray[Any] | None,
    names: list[Any],
    find: Callable[..., SegmentedColumns],
) -> pd.DataFrame:
    """Return the columns of one frame, in pixels.

    Parameters
    ----------
    maps
        Probabilities, shape (class, y, x).
    particles
        Their particles, shape (y, x), if they are wanted.
    names, find
        Names of the classes, and the function that finds columns.
    """
    check_range(maps)
    kept = [i for i, name in enumerate(names) if name != _BACKGROUND]
    found = find(maps[kept])
    named = np.array(names, object)[kept]
    ids, outside = particles_of(found.positions, *particles)
    return pd.DataFrame(
        {
            **ids,
            "class": named[found.classes],
            "x": found.positions[:, 1],
            "y": found.positions[:, 0],
            "confidence": found.confidence,
            "filling": found.filling,
            **outside,
        }
    )
