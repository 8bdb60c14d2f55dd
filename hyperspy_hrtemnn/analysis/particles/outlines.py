# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of the particles of a labelled frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .boxes import boxes
from .polygons import mask_contours

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Outline(NamedTuple):
    """Outline of one particle.

    Attributes
    ----------
    id
        Label of the particle.
    contours
        Closed lines between its pixels and others, each of shape (point, 2), positions
        (y, x) [pixels]; that of a hole is a line of its own.
    center
        Mean (y, x) of its pixels [pixels].
    """

    id: int
    contours: list[NDArray[np.float64]]
    center: NDArray[np.float64]


def particle_outlines(labels: NDArray[np.integer[Any]]) -> list[Outline]:
    """Return the outline of each particle, by ascending id.

    Lines run along the edges of pixels, and across their corners; also where the border
    of the image cuts a particle.

    Parameters
    ----------
    labels
        Integer labels, shape (y, x); particles have positive labels.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((6, 9), int)
    >>> labels[1:4, 2:7] = 5
    >>> (outline,) = particle_outlines(labels)
    >>> outline.id, outline.center.tolist()
    (5, [2.0, 4.0])
    >>> (line,) = outline.contours
    >>> line.min(axis=0).tolist(), line.max(axis=0).tolist()
    ([0.5, 1.5], [3.5, 6.5])
    """
    found = []
    # The boxes of all at once: to look for each in a large frame takes seconds.
    for number, part in boxes(labels).items():
        corner = np.array([part[0].start, part[1].start], float)
        particle = labels[part] == number
        contours = [line + corner for line in mask_contours(particle)]
        center = np.mean(np.nonzero(particle), axis=1) + corner
        found.append(Outline(number, contours, center))
    return found
