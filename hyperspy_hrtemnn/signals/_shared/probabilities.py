# SPDX-License-Identifier: GPL-3.0-or-later
"""Probabilities: check of their range, and the threshold of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.networks import Card

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

BACKGROUND = "background"
"""Name of the class of what is not an object, which networks of others may have."""

_TASK = "HRTEMNN.Segmentation.task"

# Blending and resampling may leave the interval by rounding.
_ROUNDING = 1e-3

# Of masks, and of segmentations that no network of ours made.
_OF_OTHERS = 0.5


def holds_atoms(segmentation: Signal2D) -> bool:
    """Return whether the values are the atoms of columns instead of probabilities."""
    return bool(segmentation.metadata.get_item(_TASK, None) == "regression")


def threshold_of(segmentation: Signal2D, probability: float | None) -> float:
    """Return the least probability of a pixel that is an object's.

    Parameters
    ----------
    segmentation
        Its ``metadata.HRTEMNN.Segmentation.threshold`` is the network's threshold of
        unbiased area. Without it, it is 0.9 if a network of ours made the segmentation
        and 0.5 if not.
    probability
        Threshold that the user asked for, in place of all that.

    Raises
    ------
    ValueError
        If it holds the atoms of columns, which have no such threshold.
    """
    if holds_atoms(segmentation):
        raise ValueError(
            "This segmentation holds the atoms of columns, not the probability of "
            "particles. Its columns are in the table of find_columns; particles are "
            "what a network for particles finds."
        )
    if probability is not None:
        return probability
    made = segmentation.metadata.get_item("HRTEMNN.Segmentation", None)
    if made is None or "network" not in made:
        return _OF_OTHERS
    return float(made.get_item("threshold", Card.OLD_THRESHOLD))


def in_range(data: Any) -> Any:
    """Return data that `check_range` passed; of dask, it does so when it is read."""
    _refuse_colors(data.dtype)
    if not isinstance(data, np.ndarray):
        return data.map_blocks(in_range, dtype=data.dtype, meta=data._meta)
    check_range(data)
    return data


def check_range(data: NDArray[Any]) -> None:
    """Raise a ValueError unless all values are from 0 to 1, or NaN: no data."""
    _refuse_colors(data.dtype)
    # NaN, where there is no data, is passed over.
    low, high = (bound.reduce(data, axis=None) for bound in (np.fmin, np.fmax))
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(
            f"A segmentation holds probabilities from 0 to 1, and this one values from "
            f"{low:.6g} to {high:.6g}. Scale it, for example a mask of 0 and 255 by "
            "dividing it by 255, and sums of pixels, as of rebin, by their number."
        )


def _refuse_colors(dtype: np.dtype[Any]) -> None:
    if dtype.names is not None:
        raise ValueError(
            "The signal is a color image; make one of a single channel, for example "
            "hs.signals.Signal2D(signal.data['R'] / 255)."
        )
