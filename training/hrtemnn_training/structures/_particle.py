# SPDX-License-Identifier: GPL-3.0-or-later
"""An FCC nanoparticle along [110], cut at a (111) plane as if it sat on an oxide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.cluster.cubic import FaceCenteredCubic

from ._crystal import rotation_between, tilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SURFACES = [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
# [110] along the beam, the (111) interface down.
_ORIENTATION = rotation_between((1, 1, 0), (-1, 1, 1))


def make_particle(
    element: str, layers: tuple[int, int], angle: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the positions of a particle whose lowest atoms are at y = 0.

    Thesis 3.1: layers of (100), (110) and (111) planes drawn each on its own, [110]
    along z, cut at a random (111) plane below its centre, tilted about a random axis
    in the image plane.

    Parameters
    ----------
    element
        Chemical symbol of an FCC metal.
    layers
        Fewest and most planes of each kind, counted from the centre.
    angle
        Tilt of the zone axis off the beam [degrees].
    rng
        Source of all random choices.

    Returns
    -------
    Positions centred in x and z, shape (atom, 3) [Å].
    """
    counts = rng.integers(layers[0], layers[1] + 1, size=3).tolist()
    cluster = FaceCenteredCubic(element, _SURFACES, counts)
    positions = (cluster.positions - cluster.positions.mean(axis=0)) @ _ORIENTATION.T
    heights = np.unique(np.round(positions[:, 1], 3))
    below = np.flatnonzero(heights < 1e-2)
    cut = heights[rng.choice(below[len(below) // 4 :])]
    positions = positions[positions[:, 1] > cut - 1e-2]
    if rng.random() < 0.5:
        positions[:, 0] *= -1  # the twin orientation, which is as likely
    positions = positions @ tilt(angle, rng.uniform(0, 360)).T
    positions -= (positions.max(axis=0) + positions.min(axis=0)) / 2
    positions[:, 1] -= positions[:, 1].min()
    return np.asarray(positions, float)
