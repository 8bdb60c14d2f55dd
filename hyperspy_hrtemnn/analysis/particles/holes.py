# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes of a mask: pinholes of one particle, or gaps that touching particles leave.

Pinholes, which noise makes, spoil the distance map: each is an edge. Gaps are edges:
without them, a film of particles is one wide region without necks. Size does not tell
them apart. Three tangent discs of radius r leave 0.161 r², but where they overlap by
9 % of their distance only 0.01 r², and the pinholes of a mask in which one pixel in ten
is missing are 0.2 r² of the discs that fit between them. What is on both sides does: a
gap is between parts that are round, and that hang together by narrow necks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .necks import cut_at_necks, touching

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

# Beside a gap the necks are narrow: of three equal discs that leave one, half as wide
# as the discs, or less, where a fifth more allows for pixels and other shapes. Between
# pinholes there is a passage of more than this share almost always.
_GAP_DEPTH = 0.4

# Share of a part that the largest disc in it fills: about 1 of a disc, 0.8 of a square,
# 0.5 of an ellipse of 1:2. Of what noise leaves between its pinholes it is less; with
# 0.4 one noisy disc in 16 was cut (patches of missing pixels, 3 and 10 % of them).
_ROUND = 0.5

# A film has so many round parts at least, which are so much of its area. The pieces of
# particles along its edge are not round where it was cut, by the border of an aligned
# image for example; taken for pinholes, the gaps beside them were filled one after the
# other, until of 70 particles 2 were left. Noise of up to 30 % makes no such film.
_FILM = 4
_MOSTLY = 0.6

# Holes that are filled at the same time differ in area by up to this factor. Pinholes
# go first, so that the particles are whole when it comes to the gaps between them.
_ALIKE = 8


def without_pinholes(region: Mask, min_separation: float, unknown: Mask) -> Mask:
    """Fill the holes of a connected region that are not gaps between particles.

    Parameters
    ----------
    region
        Shape (y, x). A hole that reaches the border of the array is none.
    min_separation
        Smallest distance of the centers of two particles in pixels. Holes of its square
        or more stay.
    unknown
        Pixels without data. A hole with some of them is none.
    """
    holes, area = _small_holes(region, min_separation**2, unknown)
    solid = region.copy()
    while holes.any():
        pinhole = ~_between_particles(holes, len(area), solid, min_separation, unknown)
        pinhole[0] = False
        pinhole &= area > 0
        if not pinhole.any():
            break
        pinhole &= area <= _ALIKE * area[pinhole].min()
        filled = pinhole[holes]
        solid |= filled
        holes[filled] = 0
        area[pinhole] = 0
    return solid


def _small_holes(
    region: Mask, max_area: float, unknown: Mask
) -> tuple[Labels, NDArray[np.intp]]:
    """Return labels of the holes below an area, and the area by label, 0 for others."""
    labels, _ = ndimage.label(~region)
    area = np.bincount(labels.ravel())
    area[area >= max_area] = 0
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        area[edge] = 0
    area[labels[unknown]] = 0
    area[0] = 0  # the region itself
    number_of = np.where(area > 0, np.arange(len(area)), 0).astype(np.int32)
    return number_of[labels], area


def _between_particles(
    holes: Labels, count: int, solid: Mask, min_separation: float, unknown: Mask
) -> NDArray[np.bool_]:
    """Return which of the holes touch two round parts or more, in a film one."""
    parts, half_width = cut_at_necks(solid, min_separation, _GAP_DEPTH, unknown)
    size = np.bincount(parts.ravel(), minlength=len(half_width))
    size[0] = 0  # outside
    # The map has the distance to the next pixel's center, half a pixel too much.
    disc = np.pi * (half_width - 0.5) ** 2
    is_round = (disc >= _ROUND * size) & (size > 0)
    is_film = is_round.sum() >= _FILM and size[is_round].sum() >= _MOSTLY * size.sum()
    hole, part = touching(holes, parts)
    beside = np.bincount(hole, minlength=count)
    round_beside = np.bincount(hole, is_round[part], minlength=count)
    return np.asarray((beside >= 2) & (round_beside >= (1 if is_film else 2)))
