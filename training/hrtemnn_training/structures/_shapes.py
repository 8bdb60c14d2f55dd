# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of metal particles, and how they lie to the beam."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.cluster import Decahedron, FaceCenteredCubic, Icosahedron
from scipy.spatial.transform import Rotation

from ._crystal import rotation_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms
    from numpy.typing import NDArray

Shape = Literal["single crystal", "twin", "decahedron", "icosahedron"]
Orientation = Literal["[110]", "[100]", "[111]", "[112]", "any"]

_SURFACES = [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
_GOLDEN = (1 + sqrt(5)) / 2
_TWIN_PLANE = np.array([1, -1, 1]) / sqrt(3)

# Rotations to what `make_shape` documents. ASE has the five-fold axis of a decahedron
# along z, a twin plane normal to x, and a side at -y; the two-fold axes of an
# icosahedron are x, y and z.
_FCC = {
    "[110]": rotation_between((1, 1, 0), (-1, 1, 1)),
    "[111]": rotation_between((1, -1, 1), (1, 1, 0)),
    "[112]": rotation_between((1, -1, -2), (1, -1, 1)),
}
_FRAMES = {
    "single crystal": {**_FCC, "[100]": rotation_between((1, 0, 0), (0, 1, 1))},
    "twin": _FCC,
    "decahedron": {
        "[110]": rotation_between((0, 0, 1), (0, 1, 0)),
        "[111]": rotation_between((1, 0, 0), (0, 1, 0)),
    },
    "icosahedron": {
        "[110]": rotation_between((0, 0, 1), (2 * _GOLDEN + 1, _GOLDEN, 0)),
        "[111]": rotation_between((1, 1, 1), (_GOLDEN - 1, -_GOLDEN, 1)),
    },
}


def check_orientation(shape: Shape, orientation: Orientation) -> None:
    """Refuse an orientation in which a shape is not known.

    Raises
    ------
    ValueError
        If it is none of `make_shape`'s table.
    """
    if orientation != "any" and orientation not in _FRAMES[shape]:
        raise ValueError(
            f"there is no {shape} along {orientation}, only along "
            f"{', '.join(_FRAMES[shape])} and any"
        )


def make_shape(
    shape: Shape,
    orientation: Orientation,
    layers: tuple[int, int],
    a: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the positions of a whole particle in its orientation to the beam.

    See `make_shape_and_crystal` for what is along the beam.

    Parameters
    ----------
    shape, orientation, layers, a, rng
        As in `make_shape_and_crystal`.

    Returns
    -------
    Positions around their mean, shape (atom, 3) [Å].

    Raises
    ------
    ValueError
        If the shape is not known in the orientation.
    """
    return make_shape_and_crystal(shape, orientation, layers, (a, None), rng)[0]


def make_shape_and_crystal(
    shape: Shape,
    orientation: Orientation,
    layers: tuple[int, int],
    constants: tuple[float, float | None],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return a whole particle, and a crystal of another lattice constant around it.

    What is along the beam, and the normal of the plane that faces down (-y):

    ==============  =============================  ===================================
    shape           "[110]"                        "[111]"
    ==============  =============================  ===================================
    single crystal  [110]; (111)                   [111]; (110)
    twin            in the twin plane; (111)       normal of the twin plane; (110)
    decahedron      five-fold axis; side (100)     normal of a twin plane; side (100)
    icosahedron     two-fold axis; face (111)      three-fold axis; an edge
    ==============  =============================  ===================================

    So "[110]" shows close-packed rows end on and twin planes edge on, "[111]" a
    close-packed plane from above; "any" is any rotation. Single crystals and twins are
    also seen along "[112]", in the twin plane, with (111) down; single crystals also
    along "[100]", with (110) down.

    Parameters
    ----------
    shape
        Twins have one (111) twin plane through the center; decahedra have Marks'
        re-entrant corners of random depth (Marks, Rep. Prog. Phys. 57 (1994) 603).
    orientation
        Direction along the beam, see above.
    layers
        Fewest and most planes of each kind, counted from the center (thesis 3.1).
        Decahedra and icosahedra have half as many shells: they lie about twice as far
        apart as the (110) planes, which end most of the single crystals.
    constants
        Lattice constants of the particle and of the other crystal, if any [Å].
    rng
        Source of all random choices.

    Returns
    -------
    Positions of the particle around their mean, shape (atom, 3) [Å], and those of the
    other crystal, if any: with the same center, orientation and twin planes, and at
    least as large as the particle.

    Raises
    ------
    ValueError
        If the shape is not known in the orientation.
    """
    check_orientation(shape, orientation)
    draw, build = _BUILDERS[shape]
    counts = draw(layers, rng)
    a, other = constants
    positions = build(counts, a)
    if orientation == "any":
        frame = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    else:
        frame = _FRAMES[shape][orientation]
    middle = positions.mean(axis=0)
    crystal = None
    if other is not None:
        crystal = build(_grown(counts, a / other), other)
        crystal = (crystal - middle) @ frame.T
    return (positions - middle) @ frame.T, crystal


Counts = tuple[int, ...]
"""Planes or shells of a shape, which `_grown` may add to, and its re-entrance last."""


def _grown(counts: Counts, ratio: float) -> Counts:
    """Return the counts of a shape that is `ratio` times as large, if that is more."""
    *sizes, reentrance = counts
    # Even, so that a decahedron has the same in the middle of its axis.
    most = max(sizes) + 2 * reentrance
    more = 2 * max(ceil(most * (ratio - 1) / 2), 0)
    return (*(size + more for size in sizes), reentrance)


def _draw_planes(layers: tuple[int, int], rng: np.random.Generator) -> Counts:
    return (*rng.integers(layers[0], layers[1] + 1, size=3).tolist(), 0)


def _draw_shells(layers: tuple[int, int], rng: np.random.Generator) -> Counts:
    return int(rng.integers(layers[0], layers[1] + 1) + 1) // 2, 0


def _draw_rings(layers: tuple[int, int], rng: np.random.Generator) -> Counts:
    rings, _ = _draw_shells(layers, rng)
    reentrance = int(rng.integers(0, rings // 3 + 1))
    sides = int(rng.integers(1, rings + 1))
    return rings + 1 - 2 * reentrance, sides, reentrance


def _single_crystal(counts: Counts, a: float) -> NDArray[np.float64]:
    return _centered(FaceCenteredCubic("X", _SURFACES, counts[:3], a))


def _twin(counts: Counts, a: float) -> NDArray[np.float64]:
    """Replace the half above the twin plane by the mirror image of the half below."""
    positions = _single_crystal(counts, a)
    heights = positions @ _TWIN_PLANE
    below = heights < -1e-3
    mirrored = positions[below] - 2 * heights[below, np.newaxis] * _TWIN_PLANE
    return np.concatenate([positions[heights < 1e-3], mirrored])


def _decahedron(counts: Counts, a: float) -> NDArray[np.float64]:
    return _centered(Decahedron("X", *counts, a))


def _icosahedron(counts: Counts, a: float) -> NDArray[np.float64]:
    return _centered(Icosahedron("X", counts[0] + 1, a))


def _centered(cluster: Atoms) -> NDArray[np.float64]:
    """Return the positions about the middle of a cluster, which all have."""
    positions = np.asarray(cluster.positions)
    return np.asarray(positions - positions.mean(axis=0))


_BUILDERS: dict[
    Shape,
    tuple[
        Callable[[tuple[int, int], np.random.Generator], Counts],
        Callable[[Counts, float], NDArray[np.float64]],
    ],
] = {
    "single crystal": (_draw_planes, _single_crystal),
    "twin": (_draw_planes, _twin),
    "decahedron": (_draw_rings, _decahedron),
    "icosahedron": (_draw_shells, _icosahedron),
}
