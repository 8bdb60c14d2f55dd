# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanoparticle of a metal, as it sits on a surface below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._crystal import tilt
from ._metals import Lattice, lattice_constant
from ._shapes import (
    Orientation,
    Shape,
    make_shape_and_crystal,
)

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
        See `make_shape_and_crystal`.
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
        If the element is not an FCC metal and there is no lattice constant.
    """
    lattice = Lattice("fcc", a or lattice_constant(element))
    positions, _ = make_particle_and_crystal(
        lattice, layers, angle, rng, shape=shape, orientation=orientation, cut=cut
    )
    return positions


def make_particle_and_crystal(
    lattice: Lattice,
    layers: tuple[int, int],
    angle: float,
    rng: np.random.Generator,
    *,
    shape: Shape,
    orientation: Orientation,
    cut: bool,
    other: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return a particle as `make_particle`, and a crystal like it that is not cut.

    Parameters
    ----------
    lattice
        Lattice of the particle.
    layers, angle, rng, shape, orientation, cut
        See `make_particle`.
    other
        Lattice constant of the other crystal, if any; both are fcc [Å].

    Returns
    -------
    Positions of the particle, and of the other crystal where it is in the particle and
    around it, each of shape (atom, 3) [Å].
    """
    positions, crystal = make_shape_and_crystal(
        shape, orientation, layers, lattice, rng, other=other
    )
    if cut:
        heights = np.unique(np.round(positions[:, 1], 3))
        below = np.flatnonzero(heights < 1e-2)
        plane = heights[rng.choice(below[len(below) // 4 :])]
        positions = positions[positions[:, 1] > plane - 1e-2]
    # The twin orientation is as likely.
    mirror = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])
    frame = tilt(angle, rng.uniform(0, 360)) @ mirror
    positions = positions @ frame.T
    shift = shift_to_seat(positions)
    if crystal is not None:
        crystal = crystal @ frame.T + shift
    return np.asarray(positions + shift, float), crystal


def shift_to_seat(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shift to where the lowest atoms are at y = 0, x and z centered [Å]."""
    shift = -(positions.max(axis=0) + positions.min(axis=0)) / 2
    shift[1] = -positions[:, 1].min()
    return np.asarray(shift)
