# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of metal particles, and how they lie to the beam."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.cluster import Decahedron, Icosahedron

from ._crystal import random_rotation, rotation_between
from ._metals import Lattice, Symmetry
from ._single_crystals import single_crystal, single_crystal_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms
    from numpy.typing import NDArray

Shape = Literal["single crystal", "twin", "decahedron", "icosahedron"]
Orientation = Literal[
    "[110]", "[100]", "[111]", "[112]", "[0001]", "[11-20]", "[10-10]", "any"
]

_GOLDEN = (1 + sqrt(5)) / 2
_TWIN_PLANE = np.array([1, -1, 1]) / sqrt(3)

# Rotations to what `make_shape` documents. ASE has the five-fold axis of a decahedron
# along z, a twin plane normal to x, and a side at -y; the two-fold axes of an
# icosahedron are x, y and z.
_OF_FCC: dict[Shape, dict[str, NDArray[np.float64]]] = {
    "twin": {k: v for k, v in single_crystal_frames("fcc").items() if k != "[100]"},
    "decahedron": {
        "[110]": rotation_between((0, 0, 1), (0, 1, 0)),
        "[111]": rotation_between((1, 0, 0), (0, 1, 0)),
    },
    "icosahedron": {
        "[110]": rotation_between((0, 0, 1), (2 * _GOLDEN + 1, _GOLDEN, 0)),
        "[111]": rotation_between((1, 1, 1), (_GOLDEN - 1, -_GOLDEN, 1)),
    },
}


def check_orientation(
    shape: Shape, orientation: Orientation, symmetry: Symmetry = "fcc"
) -> None:
    """Refuse an orientation in which a shape is not known.

    Raises
    ------
    ValueError
        If it is none of the table of `make_shape_and_crystal`, or the shape is not one
        of this lattice.
    """
    if shape != "single crystal" and symmetry != "fcc":
        raise ValueError(f"there is no {symmetry} {shape}, only a single crystal")
    frames = _frames(shape, symmetry)
    if orientation != "any" and orientation not in frames:
        of = "" if symmetry == "fcc" else f"{symmetry} "
        raise ValueError(
            f"there is no {of}{shape} along {orientation}, only along "
            f"{', '.join(frames)} and any"
        )


def _frames(shape: Shape, symmetry: Symmetry) -> dict[str, NDArray[np.float64]]:
    if shape == "single crystal":
        return single_crystal_frames(symmetry)
    return _OF_FCC[shape]


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
    lattice = Lattice("fcc", a)
    return make_shape_and_crystal(shape, orientation, layers, lattice, rng)[0]


def make_shape_and_crystal(
    shape: Shape,
    orientation: Orientation,
    layers: tuple[int, int],
    lattice: Lattice,
    rng: np.random.Generator,
    *,
    other: float | None = None,
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
    along "[100]", with (110) down. Those of bcc metals have (110) down along all four;
    those of hcp metals are seen along "[0001]", with (10-10) down, and along "[11-20]"
    and "[10-10]", with (0001) down. All other shapes are of fcc metals.

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
    lattice
        Lattice of the particle.
    rng
        Source of all random choices.
    other
        Lattice constant of the other crystal, if any; both are fcc [Å].

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
    check_orientation(shape, orientation, lattice.symmetry)
    draw, build = _BUILDERS[shape]
    counts = draw(layers, rng)
    positions = build(counts, lattice)
    if orientation == "any":
        frame = random_rotation(rng)
    else:
        frame = _frames(shape, lattice.symmetry)[orientation]
    middle = positions.mean(axis=0)
    crystal = None
    if other is not None:
        crystal = build(_grown(counts, lattice.a / other), Lattice("fcc", other))
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


def _single_crystal(counts: Counts, lattice: Lattice) -> NDArray[np.float64]:
    return _centered(single_crystal(counts[:3], lattice))


def _twin(counts: Counts, lattice: Lattice) -> NDArray[np.float64]:
    """Replace the half above the twin plane by the mirror image of the half below."""
    positions = _single_crystal(counts, lattice)
    heights = positions @ _TWIN_PLANE
    below = heights < -1e-3
    mirrored = positions[below] - 2 * heights[below, np.newaxis] * _TWIN_PLANE
    return np.concatenate([positions[heights < 1e-3], mirrored])


def _decahedron(counts: Counts, lattice: Lattice) -> NDArray[np.float64]:
    return _centered(Decahedron("X", *counts, lattice.a))


def _icosahedron(counts: Counts, lattice: Lattice) -> NDArray[np.float64]:
    return _centered(Icosahedron("X", counts[0] + 1, lattice.a))


def _centered(cluster: Atoms) -> NDArray[np.float64]:
    """Return the positions about the middle of a cluster, which all have."""
    positions = np.asarray(cluster.positions)
    return np.asarray(positions - positions.mean(axis=0))


_BUILDERS: dict[
    Shape,
    tuple[
        Callable[[tuple[int, int], np.random.Generator], Counts],
        Callable[[Counts, Lattice], NDArray[np.float64]],
    ],
] = {
    "single crystal": (_draw_planes, _single_crystal),
    "twin": (_draw_planes, _twin),
    "decahedron": (_draw_rings, _decahedron),
    "icosahedron": (_draw_shells, _icosahedron),
}
