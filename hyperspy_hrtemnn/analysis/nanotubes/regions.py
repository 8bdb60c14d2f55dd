# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of nanotubes: straight pieces that are free of others, with their spectra."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .finding import SHORTEST, Tube, find_tubes
from .straightening import cut_regions, straighten
from .strip_spectrum import STRIP_WIDTH, strip_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Distance from the wall of another tube where its fringes end [Å].
_FRINGES = 5.0


@dataclass(frozen=True)
class TubeRegion:
    """A straight piece of a tube.

    Parameters
    ----------
    tube
        Number of the tube in the list, from 0.
    center
        Middle of the piece, (y, x) [pixels].
    direction
        Direction of the axis from x towards y, 0 to 180 [degrees].
    length
        Length [Å].
    spectrum, step
        Spectrum of the straightened piece, see `strip_spectrum`.
    """

    tube: int
    center: tuple[float, float]
    direction: float
    length: float
    spectrum: NDArray[np.float32]
    step: tuple[float, float]


def measure_tubes(
    image: NDArray[np.floating], pixel: float
) -> tuple[list[Tube], list[TubeRegion]]:
    """Find the nanotubes of an image, and cut them into regions.

    Parameters
    ----------
    image
        Image, shape (y, x).
    pixel
        Pixel size [Å].

    Returns
    -------
    The tubes, see `find_tubes`; and the regions, of up to 96 Å, of those that were not
    refused. A tube without one is refused.

    Raises
    ------
    ValueError
        If the pixels are too large to see walls.
    """
    tubes = find_tubes(image, pixel)
    regions: list[TubeRegion] = []
    for number, tube in enumerate(tubes):
        if tube.reason:
            continue
        cut = _cut(image, pixel, number, tubes)
        regions += cut
        if not cut:
            tubes[number] = replace(
                tube,
                reason=f"no piece of {SHORTEST:g} Å of it is free of others, with "
                f"{STRIP_WIDTH / 20:.1f} nm of the image on both sides",
            )
    return tubes, regions


def _cut(
    image: NDArray[np.floating], pixel: float, number: int, tubes: list[Tube]
) -> list[TubeRegion]:
    tube = tubes[number]
    strip = straighten(image, tube.axis, round(STRIP_WIDTH / pixel))
    steps = np.linalg.norm(np.diff(tube.axis, axis=0), axis=1)
    arc = np.concatenate([[0], np.cumsum(steps)])
    along = np.arange(strip.shape[1])
    places = np.stack([np.interp(along, arc, part) for part in tube.axis.T], axis=1)
    for other in tubes:
        if other is not tube:
            away = np.linalg.norm(places[:, np.newaxis] - other.axis, axis=2)
            near = (tube.diameter + other.diameter) / 2 + _FRINGES
            strip[:, away.min(axis=1) * pixel < near] = np.nan
    regions = []
    for part, piece in cut_regions(strip, pixel, SHORTEST):
        first, last = places[part.start], places[part.stop - 1]
        y, x = (first + last) / 2
        dy, dx = last - first
        spectrum, step = strip_spectrum(piece, pixel)
        regions.append(
            TubeRegion(
                tube=number,
                center=(float(y), float(x)),
                direction=float(np.degrees(np.arctan2(dy, dx)) % 180),
                length=piece.shape[1] * pixel,
                spectrum=spectrum,
                step=step,
            )
        )
    return regions
