# SPDX-License-Identifier: GPL-3.0-or-later
"""Region of vacuum in the images of a signal, given or found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_hrtemnn.analysis.detector.vacuum import find_vacuum
from hyperspy_hrtemnn.bad_frames import BadFrameError, reading
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.image_data.scaling import real_numbers
from hyperspy_hrtemnn.signals._shared.calibration import edges_of
from hyperspy_hrtemnn.signals._shared.entrance import given, in_one_form, is_turned

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

# Frames whose mean is searched; more show the specimen better.
_FRAMES = 16


@dataclass(frozen=True)
class Vacuum:
    """A region of a signal.

    Parameters
    ----------
    signal
        The signal, cropped.
    edges
        left, top, right and bottom as ``hs.roi.RectangularROI`` takes them: in the
        unit of each axis, the middle of the first pixel that is in and of the first
        that is not. The same region if it is given again.
    """

    signal: Signal2D
    edges: tuple[float, float, float, float]


def vacuum(signal: Signal2D, roi: Any = None) -> Vacuum:
    """Return the region of vacuum in all frames of a signal.

    Parameters
    ----------
    signal
        The images.
    roi
        ``hs.roi.RectangularROI`` in the unit of the signal axes; by default what
        `hyperspy_hrtemnn.analysis.find_vacuum` finds in the mean of 16 frames.

    Raises
    ------
    ValueError
        If `roi` is not a rectangle or not inside the images, or no vacuum is found.
    """
    # A ROI is drawn on the signal of the user, whose axes may have units of their own.
    source = given(signal)
    x, y = source.axes_manager.signal_axes
    if roi is None:
        mean = image_data(_mean_frame(signal))
        counts = mean.counts(no_data=0)[0].astype(np.float64)
        rows, columns = find_vacuum(counts, mean.valid if mean.no_data else None)
        if is_turned((x, y)):
            rows, columns = columns, rows
    else:
        try:
            # By name: a tuple may be in the order of the ROI, or in that of an extent.
            left, right, top, bottom = (
                float(getattr(roi, edge)) for edge in ("left", "right", "top", "bottom")
            )
        except (AttributeError, TypeError, ValueError):
            raise ValueError(
                f"roi is {roi!r}; give hs.roi.RectangularROI(left, top, right, bottom) "
                "in the unit of the signal axes."
            ) from None
        columns, rows = _pixels(x, left, right), _pixels(y, top, bottom)
    (left, right), (top, bottom) = _ends(x, columns), _ends(y, rows)
    cropped = in_one_form(source.isig[columns, rows])
    return Vacuum(cropped, (left, top, right, bottom))


def _pixels(axis: Any, *ends: float) -> slice:
    """Return the pixels of an axis between two coordinates."""
    first, last = sorted(edges_of(axis))
    # A ROI drawn to the rim ends at the middle of the last pixel, or at its edge.
    slack = 0.501 * abs(axis.scale)
    if not first - slack <= min(ends) < max(ends) <= last + slack:
        raise ValueError(
            f"The roi goes from {ends[0]:g} to {ends[1]:g} along {axis.name!s}, the "
            f"image from {first:g} to {last:g} {axis.units!s}."
        )
    # Half a pixel counts up, so that it does not matter whether ends are the middles of
    # pixels, as HyperSpy has them, or edges; rounding errors are not to choose.
    places = [(end - axis.offset) / axis.scale + 0.5 + 1e-6 for end in ends]
    start, stop = sorted(math.floor(place) for place in places)
    return slice(max(start, 0), min(stop, axis.size))


def _ends(axis: Any, pixels: slice) -> tuple[float, float]:
    """Return the ends of some pixels as a ROI has them, the lower one first."""
    low, high = sorted(
        axis.offset + axis.scale * place for place in (pixels.start, pixels.stop)
    )
    return float(low), float(high)


def _mean_frame(signal: Signal2D) -> NDArray[np.floating]:
    """Return the mean of some frames, evenly spaced, each chunk of them read once."""
    data = signal.data
    if not signal._lazy:
        # Without a name dask would hash the whole movie to find one.
        data = da.from_array(data, chunks=data.shape, name=False)
    shape = data.shape[:-2]
    chosen = np.linspace(0, np.prod(shape, dtype=int) - 1, _FRAMES).astype(int)
    places = [np.unravel_index(number, shape) for number in np.unique(chosen)]
    # Frames cut at the chunks, and added up there: whole ones would need all chunks.
    meta = np.empty((0, 0), np.float64)
    parts = [data[place].map_blocks(_doubles, meta=meta) for place in places]
    mean: NDArray[np.floating] = sum(parts) / len(parts)
    try:
        with reading():
            return np.asarray(mean)
    except BadFrameError:
        for place in places:
            number = int(np.ravel_multi_index(place, shape)) if shape else 0
            _check_readable(data[place], number)
        raise


def _check_readable(frame: Any, number: int) -> None:
    """Raise an error that names the frame if it cannot be read."""
    try:
        with reading():
            np.asarray(frame)
    except BadFrameError as error:
        raise BadFrameError(f"Frame {number}: {error}", error.reason) from error


def _doubles(part: NDArray[Any]) -> NDArray[np.float64]:
    return real_numbers(part).astype(np.float64)
