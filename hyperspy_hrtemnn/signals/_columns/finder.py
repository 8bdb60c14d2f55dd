# SPDX-License-Identifier: GPL-3.0-or-later
"""Function that finds columns in the frames of a segmentation, with its options."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hyperspy_hrtemnn.signals._shared.calibration import pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D

Columns = TypeVar("Columns")


def finder(
    find: Callable[..., Columns],
    segmentation: Signal2D,
    min_separation: float | str | None,
    probability: float,
) -> Callable[..., Columns]:
    """Return a function of `analysis` with the options of a user.

    Options out of range are refused now, not when the movie is read.

    Parameters
    ----------
    find
        Function with the options ``min_separation`` [pixels] and ``probability``.
    segmentation
        What it is for.
    min_separation, probability
        See `Segmentation.find_columns`.
    """
    options: dict[str, Any] = {"probability": probability, "min_separation": None}
    if min_separation is not None:
        options["min_separation"] = pixels(min_separation, segmentation)
    with_options = partial(find, **options)
    with_options(np.zeros((1, 1)))
    return with_options
