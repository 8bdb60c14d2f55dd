# SPDX-License-Identifier: GPL-3.0-or-later
"""Single crystals of fcc, bcc and hcp metals: their faces, and how they are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ase.cluster import BodyCenteredCubic, FaceCenteredCubic
from ase.cluster.hexagonal import HexagonalClosedPacked

from ._crystal import rotation_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from ase import Atoms
    from ase.cluster.factory import ClusterFactory
    from numpy.typing import NDArray

    from ._metals import Lattice, Symmetry


class _Habit(NamedTuple):
    """Faces of a crystal, and rotations to its orientations.

    Parameters
    ----------
    cluster
        What builds it.
    surfaces
        Indices of the faces.
    per_plane
        How many of the planes of each face count as one, about.
    frames
        Rotation that turns a direction onto the beam, and a face down.
    """

    cluster: ClusterFactory
    surfaces: Sequence[tuple[int, ...]]
    per_plane: tuple[float, float, float]
    frames: dict[str, NDArray[np.float64]]


# Faces of hcp and bcc are those of lowest energy (Tran et al., Sci. Data 3 (2016)
# 160080). ASE has a along x and c along z in hcp.
_HABITS: dict[Symmetry, _Habit] = {
    "fcc": _Habit(
        FaceCenteredCubic,
        [(1, 0, 0), (1, 1, 0), (1, 1, 1)],
        (1, 1, 1),
        {
            "[110]": rotation_between((1, 1, 0), (-1, 1, 1)),
            "[111]": rotation_between((1, -1, 1), (1, 1, 0)),
            "[112]": rotation_between((1, -1, -2), (1, -1, 1)),
            "[100]": rotation_between((1, 0, 0), (0, 1, 1)),
        },
    ),
    "bcc": _Habit(
        BodyCenteredCubic,
        [(1, 0, 0), (1, 1, 0), (2, 1, 1)],
        (1, 1, 1),
        {
            "[110]": rotation_between((1, 1, 0), (1, -1, 0)),
            "[111]": rotation_between((1, 1, 1), (1, -1, 0)),
            "[112]": rotation_between((1, 1, 2), (1, -1, 0)),
            "[100]": rotation_between((1, 0, 0), (0, 1, 1)),
        },
    ),
    "hcp": _Habit(
        HexagonalClosedPacked,
        [(0, 0, 0, 1), (1, 0, -1, 0), (1, 0, -1, 1)],
        # (0001) planes lie twice as far apart as the others.
        (2, 1, 1),
        {
            "[0001]": rotation_between((0, 0, 1), (0, 1, 0)),
            "[11-20]": rotation_between((1, 0, 0), (0, 0, 1)),
            "[10-10]": rotation_between((0, 1, 0), (0, 0, 1)),
        },
    ),
}


def single_crystal_frames(symmetry: Symmetry) -> dict[str, NDArray[np.float64]]:
    """Return the rotations of a single crystal to its orientations, by their names."""
    return _HABITS[symmetry].frames


def single_crystal(planes: Sequence[int], lattice: Lattice) -> Atoms:
    """Return a single crystal, as ASE builds it.

    Parameters
    ----------
    planes
        Planes of each of three kinds, counted from the center: (100), (110) and (111)
        of fcc; (100), (110) and (211) of bcc; (0001), (10-10) and (10-11) of hcp, where
        half as many are (0001).
    lattice
        Lattice of the metal.
    """
    habit = _HABITS[lattice.symmetry]
    counts = [
        max(round(n / each), 1) for n, each in zip(planes, habit.per_plane, strict=True)
    ]
    constants = lattice.a if lattice.c is None else (lattice.a, lattice.c)
    # ASE shortens the indices of hexagonal faces in the list that it is given.
    return habit.cluster("X", list(habit.surfaces), counts, constants)
