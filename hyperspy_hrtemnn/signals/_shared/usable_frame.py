# SPDX-License-Identifier: GPL-3.0-or-later
"""Usable frame: one frame of a movie that stands for all, without its bad pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.bad_frames import BadFrameError, check_data, reading
from hyperspy_hrtemnn.image_data import image_data

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def usable_frame(signal: Signal2D) -> NDArray[np.floating[Any]]:
    """Return the frame in the middle, or the first or the last if that is not usable.

    Parameters
    ----------
    signal
        The images, array order (..., y, x).

    Returns
    -------
    Shape (y, x), NaN where there is no data.

    Raises
    ------
    BadFrameError
        If none of the three can be used.
    """
    shape = signal.data.shape[:-2]
    total = int(np.prod(shape))
    last = BadFrameError("There is no frame.")
    for number in dict.fromkeys((total // 2, 0, total - 1)):
        place = tuple(map(int, np.unravel_index(number, shape))) if shape else ()
        try:
            with reading():
                image = np.asarray(signal.data[place])
            return _usable(image)
        except BadFrameError as error:
            last = error
    raise last


def _usable(image: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Return an image without bad pixels; raise a BadFrameError if nothing is left."""
    check_data(image)
    counts = np.asarray(image_data(image).counts()[0])
    if not np.nanmax(counts) > np.nanmin(counts):
        raise BadFrameError(
            "The image has no contrast: it is blank, constant or saturated. Give "
            "another image."
        )
    return counts
