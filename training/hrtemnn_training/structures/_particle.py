# SPDX-License-Identifier: GPL-3.0-or-later
"""A metal nanoparticle as it sits on a surface below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._crystal import tilt
from ._shapes import Orientation, Shape, lattice_constant, make_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


def make_particle(
    element: str,
    layers: tuple[int, int],
    angle: float,
    rng: np.random.Generator,
    *,
    shape: Shape = "single crystal",
    orientation: Orientation = "[110]",
    a: float | None = None,
    cut: bool = True,
) -> NDArray[np.float64]:
    """Return the positions of a particle whose lowest atoms are at y = 0.

    Thesis 3.1: cut at a random plane below its center, parallel to the surface it sits
    on, and tilted about a random axis in the image plane.

    Parameters
    ----------
    element
        Chemical symbol of the metal.
    layers
        Fewest and most planes of each kind, counted from the center.
    angle
        Tilt off the orientation [degrees].
    rng
        Source of all random choices.
    shape, orientation
        See `make_shape`.
    a
        Lattice constant; ASE's of an FCC metal if not given [Å].
    cut
        Whether to cut it.

    Returns
    -------
    Positions centered in x and z, shape (atom, 3) [Å].

    Raises
    ------
    ValueError
        If the element is no FCC metal and there is no lattice constant.
    """
    a = a or lattice_constant(element)
    positions = make_shape(shape, orientation, layers, a, rng)
    if cut:
        heights = np.unique(np.round(positions[:, 1], 3))
        below = np.flatnonzero(heights < 1e-2)
        plane = heights[rng.choice(below[len(below) // 4 :])]
        positions = positions[positions[:, 1] > plane - 1e-2]
    if rng.random() < 0.5:
        positions[:, 0] *= -1  # the twin orientation, which is as likely
    positions = positions @ tilt(angle, rng.uniform(0, 360)).T
    positions -= (positions.max(axis=0) + positions.min(axis=0)) / 2
    positions[:, 1] -= positions[:, 1].min()
    return np.asarray(positions, float)
