# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall profile: the walls of a straightened nanotube, from its mean along the axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GAP = 3.4  # of graphite, between two walls [Å]

# Largest difference between the two walls, and least strength of another wall, as
# shares of a wall.
_UNLIKE = 0.6
_OTHER_WALL = 0.5


@dataclass(frozen=True)
class Walls:
    """Walls of a straightened tube.

    Parameters
    ----------
    diameter
        Distance of the two walls [Å].
    offset
        Distance of the axis from the middle of the strip [Å].
    reason
        Why this is not a single-walled nanotube; empty if it is.
    """

    diameter: float
    offset: float
    reason: str


def measure_walls(strip: NDArray[np.floating], pixel: float, diameter: float) -> Walls:
    """Measure the two walls of a straightened tube, and look for others.

    The walls are where the mean along the axis, less its background, is equally far on
    both sides and strongest. Fringes of the defocus are the same on both sides of a
    wall; a wall of another tube inside or outside is on one side only.

    Parameters
    ----------
    strip
        The tube along x, shape (y, x); NaN beyond the image.
    pixel
        Pixel size [Å].
    diameter
        About the distance of the walls [Å].
    """
    known = np.isfinite(strip).mean(axis=1) > 0.5
    if not known.all():
        return Walls(diameter, 0.0, "it is too near to the border of the image")
    profile = np.nanmean(strip, axis=1)
    step = 0.1
    places = np.arange(-(len(profile) - 1) / 2, len(profile) / 2) * pixel
    fine = np.arange(places[0], places[-1], step)
    profile = np.interp(fine, places, profile)
    profile = ndimage.gaussian_filter1d(profile, 0.5 / step)
    profile = profile - ndimage.gaussian_filter1d(profile, 6 / step)

    def at(place: NDArray[np.floating] | float) -> NDArray[np.floating]:
        return np.asarray(np.interp(place, fine, profile))

    offsets = np.arange(-2.5, 2.51, step)[:, np.newaxis]
    radii = np.arange(max(diameter / 2 - 1.5, 2), diameter / 2 + 1.5, step / 2)
    left, right = at(offsets - radii), at(offsets + radii)
    alike = np.where(left * right > 0, np.minimum(abs(left), abs(right)), 0)
    best = np.unravel_index(np.argmax(alike), alike.shape)
    offset, radius = float(offsets[best[0], 0]), float(radii[best[1]])
    sides = np.array([at(offset - radius), at(offset + radius)])
    wall = float(sides.mean())
    reason = ""
    if wall == 0 or abs(sides[0] - sides[1]) > _UNLIKE * abs(wall):
        reason = "its two sides are not alike"
    else:
        nearby = np.arange(_GAP - 0.6, _GAP + 0.61, step)
        inside, outside = (
            np.mean(
                [
                    _strongest(at(offset + s * (radius + d * nearby)) / wall)
                    for s in (1, -1)
                ]
            )
            for d in (-1, 1)
        )
        if abs(inside - outside) > _OTHER_WALL:
            reason = "it has more walls than one"
    return Walls(2 * radius, offset, reason)


def _strongest(values: NDArray[np.floating]) -> float:
    return float(np.max(values))
