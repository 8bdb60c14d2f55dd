# SPDX-License-Identifier: GPL-3.0-or-later
"""Assembly of support and particles in one box, with sites and outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._outlines import find_outline
from ._sites import find_sites
from ._structure import Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

VACUUM = 2.0
"""Vacuum at every edge of a box, against its periodicity [Å]."""

Group = tuple["NDArray[np.float64]", "NDArray[np.uint8]"]
"""Positions, shape (atom, 3) [Å], and atomic numbers of atoms that belong together."""


def assemble(
    support: Group | None,
    particles: Sequence[Group],
    field: float,
    *,
    kinds: Sequence[str] | None = None,
    names: tuple[str, ...] = ("column",),
    classify: Callable[[NDArray[np.uint8], NDArray[np.uint16]], NDArray[np.integer]]
    | None = None,
    radius: float = 0.3,
    values: Mapping[str, float | str] | None = None,
    particles_of: str = "",
    support_of: str = "",
    phase_at: float | None = None,
) -> Structure:
    """Put groups of atoms into a box and describe the particles among them.

    Atoms nearer than 2 Å to the edges of the field are left out (thesis 3.1); a
    particle of which less than three columns remain is not a particle.

    Parameters
    ----------
    support
        Atoms that belong to no particle, if any.
    particles
        The particles.
    field
        Side of the field of view, which begins at x = y = 0 [Å].
    kinds
        Kind of each particle; "nanoparticle" where not given.
    names, classify
        Classes of the columns, see `find_sites`.
    radius
        Radius of a column, see `column_of_atoms` [Å].
    values
        Values that are true of the whole structure.
    particles_of, support_of
        Names of what the particles and the support are of. With one of them the values
        get a `material`, of what is shown in the field: "Au on CeO2", "bare CeO2".
    phase_at
        Energy at which outlines are contours of the phase, see `find_outline` [keV];
        convex hulls if None. What has no outline is left out.
    """
    kinds = kinds or ("nanoparticle",) * len(particles)
    groups = [] if support is None else [(*shown(support, field), 0)]
    outlines: list[NDArray[np.float32]] = []
    kept = []
    for particle, kind in zip(particles, kinds, strict=True):
        positions, numbers = shown(particle, field)
        corners = find_outline(positions, numbers, phase_at)
        if corners is not None:
            outlines.append(corners)
            kept.append(kind)
            groups.append((positions, numbers, len(outlines)))
    groups = groups or [(np.zeros((0, 3)), np.zeros(0, np.uint8), 0)]
    positions = np.concatenate([p for p, _, _ in groups])
    numbers = np.concatenate([n for _, n, _ in groups])
    owners = np.concatenate([np.full(len(n), i, np.uint8) for _, n, i in groups])
    values = dict(values or {})
    if particles_of or support_of:
        has_support = support is not None and len(groups[0][0]) > 0
        values["material"] = _material(
            particles_of if kept else "", support_of if has_support else ""
        )
    if len(positions):
        positions[:, 2] += VACUUM - positions[:, 2].min()
    return Structure(
        positions=positions.astype(np.float32),
        numbers=numbers,
        particles=owners,
        box=(field, field, float(positions[:, 2].max(initial=0)) + VACUUM),
        sites=find_sites(
            positions, numbers, owners, names=names, classify=classify, radius=radius
        ),
        outlines=tuple(outlines),
        kinds=tuple(kept),
        values=values,
    )


def _material(particles: str, support: str) -> str:
    """Return what a field shows; an empty name is of what it does not show."""
    if particles and support:
        return f"{particles} on {support}"
    return particles or (f"bare {support}" if support else "vacuum")


def shown(group: Group, field: float) -> Group:
    """Return the atoms that are not nearer than `VACUUM` to the edges of a field."""
    flat = group[0][:, :2]
    inside = np.all((flat > VACUUM) & (flat < field - VACUUM), axis=1)
    return group[0][inside], group[1][inside]
