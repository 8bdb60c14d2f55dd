# SPDX-License-Identifier: GPL-3.0-or-later
"""Support and particles into one box: cut to the field, with sites and outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ._columns import cluster_columns
from ._structure import Structure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VACUUM = 2.0
"""At every edge of a box, against its periodicity [Å]."""

Group = tuple["NDArray[np.float64]", "NDArray[np.uint8]"]
"""Positions, shape (atom, 3) [Å], and atomic numbers of atoms that belong together."""


def assemble(
    support: Group | None, particles: Sequence[Group], field: float
) -> Structure:
    """Put groups of atoms into a box and describe the particles among them.

    Atoms nearer than 2 Å to the edges of the field are left out (thesis 3.1); a
    particle of which less than three columns remain is no particle.

    Parameters
    ----------
    support
        Atoms that are no particle, if any.
    particles
        The particles.
    field
        Side of the field of view, which begins at x = y = 0 [Å].
    """
    first = 0 if support is not None else 1
    groups = [*([support] if support is not None else []), *particles]
    if not groups:
        groups = [(np.zeros((0, 3)), np.zeros(0, np.uint8))]
    positions = np.concatenate([p for p, _ in groups])
    numbers = np.concatenate([n for _, n in groups])
    owners = np.repeat(
        np.arange(first, first + len(groups), dtype=np.uint8),
        [len(n) for _, n in groups],
    )
    positions[:, 2] += VACUUM - positions[:, 2].min(
        initial=np.inf if len(positions) else 0
    )
    shown = np.all(
        (positions[:, :2] > VACUUM) & (positions[:, :2] < field - VACUUM), axis=1
    )
    return _describe(positions[shown], numbers[shown], owners[shown], field)


def _describe(
    positions: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    owners: NDArray[np.uint8],
    field: float,
) -> Structure:
    sites, site_particles, outlines = [], [], []
    kept = np.zeros_like(owners)
    for owner in np.unique(owners[owners > 0]):
        atoms = positions[owners == owner]
        try:
            hull = ConvexHull(atoms[:, :2])
        except (QhullError, ValueError):
            continue  # cut to less than three columns by the edge of the box
        # Of all atoms rather than of the sites: off the zone axis the middles of the
        # columns lie inside the particle's silhouette; on it the two are the same.
        outlines.append(atoms[hull.vertices, :2].astype(np.float32))
        kept[owners == owner] = len(outlines)
        columns = cluster_columns(atoms)
        sites.append(columns)
        site_particles.append(np.full(len(columns), len(outlines), np.uint8))
    real = (kept > 0) | (owners == 0)
    return Structure(
        positions=positions[real].astype(np.float32),
        numbers=numbers[real],
        particles=kept[real],
        box=(field, field, float(positions[:, 2].max(initial=0)) + VACUUM),
        sites=np.concatenate([np.zeros((0, 2), np.float32), *sites]),
        site_particles=np.concatenate([np.zeros(0, np.uint8), *site_particles]),
        outlines=tuple(outlines),
    )
