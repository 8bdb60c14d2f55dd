# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes of a mask: pinholes in one particle, or gaps between touching particles.

Pinholes, which noise makes, spoil the distance map, because each is an edge. Gaps have
to stay edges: without them, a film of particles is one wide region without necks. Their
size does not distinguish them. Three tangent discs of radius r leave 0.161 r², but only
0.01 r² where they overlap by 9 % of their distance, and the pinholes of a mask in which
one pixel in ten is missing have 0.2 r² of the discs that fit between them. The parts on
both sides do distinguish them: a gap lies between round parts that are connected by
narrow necks.
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

# Depth of a neck beside a gap, as a share of the half-width of the parts. Between three
# equal discs, necks are half as wide as the discs or less; a fifth more, 0.6, allows
# for pixels and other shapes. The passages between pinholes are nearly always wider.
_GAP_DEPTH = 0.4

# Smallest share of a round part that the largest disc in it fills: about 1 for a disc,
# 0.8 for a square, 0.5 for an ellipse of 1:2. It is lower for the parts between
# pinholes; with 0.4 one noisy disc in 16 was cut (patches of missing pixels, 3 and 10 %
# of them).
_ROUND = 0.5

# Holes that are filled in the same round differ in area by up to this factor. Small
# holes come first, so that particles are without pinholes when their gaps are judged.
_ALIKE = 8

# A film has so many round parts at least, which are so much of its area. The pieces of
# particles along its edge are not round where it was cut, by the border of an aligned
# image for example; taken for pinholes, the gaps beside them were filled one after the
# other, until of 70 particles 2 were left. Noise of up to 30 % makes no such film.
_FILM = 4
_MOSTLY = 0.6


def without_pinholes(region: Mask, min_separation: float, unknown: Mask) -> Mask:
    """Fill the holes of a connected region that are not gaps between particles.

    Parameters
    ----------
    region
        Mask of the region, shape (y, x). A hole that reaches the border of the array
        does not count as a hole.
    min_separation
        Smallest distance of the centers of two particles [pixels]. Holes with the area
        of its square or more are not filled.
    unknown
        Pixels without data. A region of them is not a hole.
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
    """Return labels of the holes below an area, and the area of each label, or 0."""
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
    # The map has the distance to the center of the next pixel, half a pixel too much.
    disc = np.pi * (half_width - 0.5) ** 2
    is_round = (disc >= _ROUND * size) & (size > 0)
    is_film = is_round.sum() >= _FILM and size[is_round].sum() >= _MOSTLY * size.sum()
    hole, part = touching(holes, parts)
    beside = np.bincount(hole, minlength=count)
    round_beside = np.bincount(hole, is_round[part], minlength=count)
    return np.asarray((beside >= 2) & (round_beside >= (1 if is_film else 2)))
