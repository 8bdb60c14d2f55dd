# SPDX-License-Identifier: GPL-3.0-or-later
"""Novelty of a segmentation: where its images are foreign to the network.

It is kept for squares of half a region of the guard, so that it takes a thousandth of
the memory of the segmentation.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from hyperspy.signals import BaseSignal

from .beside import signal_beside

if TYPE_CHECKING:
    import dask.array as da
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network, Novelty


@dataclass
class KeptNovelty:
    """The novelty of the frames of a signal, which follows when frames are chosen."""

    signal: Signal2D

    def _slicer(self, slices: Any, isNavigation: bool) -> KeptNovelty | None:
        # What HyperSpy calls of whatever is sliced together with a signal. The squares
        # of a part of a frame would be others.
        if not isNavigation:
            return None
        return KeptNovelty(self.signal._slicer(slices, isNavigation))


class KeepsNovelty:
    """A signal with the novelty of the images that it was made from, if any.

    What is chosen from it by ``inav`` has that of its frames. All else that is made of
    it, a copy or a file too, has none.
    """

    axes_manager: Any
    _novelty: KeptNovelty | None = None
    _additional_slicing_targets: ClassVar[list[str]] = [
        *BaseSignal._additional_slicing_targets,
        "_novelty",
    ]

    @property
    def novelty(self) -> Signal2D:
        """How unlike the images of its training the network finds each region.

        Distance from them, as a share of that which 1 % of such images exceed: above 1
        a region is foreign to the network. A signal of the same frames, with a value
        for each square of half a region; NaN is no data. It is saved by itself.

        Raises
        ------
        AttributeError
            If there is none.
        """
        kept = self._novelty
        frames = self.axes_manager.navigation_shape
        if kept is None or kept.signal.axes_manager.navigation_shape != frames:
            raise AttributeError(
                "There is no novelty: it is beside what a network with a guard has "
                "segmented, and what inav chooses from that, but not in copies, parts "
                "of frames or files. Save it by itself. The card of a network says "
                "whether it has a guard; see docs/guard.md."
            )
        return kept.signal


def novelty_signal(
    source: Signal2D,
    data: da.Array,
    axes: list[dict[str, Any]],
    network: Network,
    step: float,
) -> KeptNovelty:
    """Return a lazy signal of the novelty.

    Parameters
    ----------
    source
        The images.
    data
        Novelty of each pixel, shape (..., y, x).
    axes
        The axes of the data.
    network
        The network.
    step
        Side of the squares of which it is the mean [pixels].
    """
    height, width = data.shape[-2:]
    sizes = tuple(max(1, round(side / step)) for side in (height, width))
    squares = data.map_blocks(
        partial(mean_of_squares, shape=sizes),
        dtype=np.float32,
        meta=np.empty((0,) * data.ndim, np.float32),
        chunks=(*data.chunks[:-2], *((n,) for n in sizes)),
    )
    coarse = copy.deepcopy(axes)
    for axis, pixels, size in zip(coarse[-2:], (height, width), sizes, strict=True):
        scale = axis["scale"] * pixels / size
        # The middle of the first square, from the middle of the first pixel.
        axis["offset"] += (scale - axis["scale"]) / 2
        axis |= {"scale": scale, "size": size}
    return KeptNovelty(
        signal_beside(
            source, squares, coarse, network, name="Novelty", quantity="Novelty"
        )
    )


def step_of(network: Network, pixel_size: float | None) -> float:
    """Return the step between regions in pixels of an image.

    Parameters
    ----------
    network
        A network with a guard.
    pixel_size
        Pixel size of the image [Å]; None if its pixels are those of the network.
    """
    card = network.card
    novelty: Novelty | None = card.novelty
    if novelty is None:
        raise ValueError(f"The network {card.name!r} has no guard.")
    return novelty.step * (1 if pixel_size is None else card.sampling / pixel_size)


def mean_of_squares(
    data: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the mean of what is data in each square, shape (..., row, column).

    Parameters
    ----------
    data
        Shape (..., y, x).
    shape
        Number of squares, (row, column), into which the image is divided evenly.
    """
    known = np.isfinite(data)
    sums, counts = (
        _sums(values, shape)
        for values in (np.where(known, data, 0), known.astype(float))
    )
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts, np.float32)


def _sums(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    for axis, size in zip((-2, -1), shape, strict=True):
        starts = np.linspace(0, values.shape[axis], size + 1).round().astype(int)[:-1]
        values = np.add.reduceat(values, starts, axis=axis)
    return values


def at_pixels(squares: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[Any]:
    """Return the value of the square that each pixel is in, shape (y, x)."""
    rows, columns = (
        np.arange(size) * count // size
        for size, count in zip(shape, squares.shape, strict=True)
    )
    return np.asarray(squares[rows[:, np.newaxis], columns])


def computed_novelty(signal: Any) -> list[NDArray[np.float32]] | None:
    """Return the novelty of each frame, None if it is not known yet.

    To compute that of a lazy signal would be to run the network a second time.
    """
    try:
        novelty = signal.novelty
    except AttributeError:
        return None
    if novelty._lazy:
        return None
    return list(novelty.data.reshape(-1, *novelty.data.shape[-2:]))
