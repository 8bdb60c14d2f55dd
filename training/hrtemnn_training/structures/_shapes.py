# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of metal particles, and how they lie to the beam."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.cluster import Decahedron, FaceCenteredCubic, Icosahedron
from ase.data import atomic_numbers, reference_states
from scipy.spatial.transform import Rotation

from ._crystal import rotation_between

if TYPE_CHECKING:
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


def lattice_constant(element: str) -> float:
    """Return ASE's lattice constant of an FCC metal [Å].

    Raises
    ------
    ValueError
        If the element is no FCC metal.
    """
    state = reference_states[atomic_numbers.get(element, 0)] or {}
    if state.get("symmetry") != "fcc":
        raise ValueError(
            f"{element!r} is not known as an FCC metal; give its lattice_constant in Å."
        )
    return float(state["a"])


def make_shape(
    shape: Shape,
    orientation: Orientation,
    layers: tuple[int, int],
    a: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the positions of a whole particle in its orientation to the beam.

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
        What is along the beam, see above.
    layers
        Fewest and most planes of each kind, counted from the center (thesis 3.1).
        Decahedra and icosahedra have half as many shells: they lie about twice as far
        apart as the (110) planes, which end most of the single crystals.
    a
        Lattice constant of the FCC crystal [Å].
    rng
        Source of all random choices.

    Returns
    -------
    Positions around their mean, shape (atom, 3) [Å].

    Raises
    ------
    ValueError
        If the shape is not known in the orientation.
    """
    check_orientation(shape, orientation)
    match shape:
        case "single crystal":
            positions = _single_crystal(layers, a, rng)
        case "twin":
            positions = _twin(_single_crystal(layers, a, rng))
        case "decahedron":
            positions = _decahedron(_shells(layers, rng), a, rng)
        case "icosahedron":
            positions = Icosahedron("X", _shells(layers, rng) + 1, a).positions
    if orientation == "any":
        frame = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    else:
        frame = _FRAMES[shape][orientation]
    return np.asarray((positions - positions.mean(axis=0)) @ frame.T)


def _single_crystal(
    layers: tuple[int, int], a: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    counts = rng.integers(layers[0], layers[1] + 1, size=3).tolist()
    return np.asarray(FaceCenteredCubic("X", _SURFACES, counts, a).positions)


def _twin(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace the half above the twin plane by the mirror image of the half below."""
    heights = (positions - positions.mean(axis=0)) @ _TWIN_PLANE
    below = heights < -1e-3
    mirrored = positions[below] - 2 * heights[below, np.newaxis] * _TWIN_PLANE
    return np.concatenate([positions[heights < 1e-3], mirrored])


def _shells(layers: tuple[int, int], rng: np.random.Generator) -> int:
    return int(rng.integers(layers[0], layers[1] + 1) + 1) // 2


def _decahedron(rings: int, a: float, rng: np.random.Generator) -> NDArray[np.float64]:
    reentrance = int(rng.integers(0, rings // 3 + 1))
    ends = rings + 1 - 2 * reentrance
    sides = int(rng.integers(1, rings + 1))
    return np.asarray(Decahedron("X", ends, sides, reentrance, a).positions)
