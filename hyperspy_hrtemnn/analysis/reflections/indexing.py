# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexing: planes, lattices and zone axis of the reflections of a particle."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .crystal import Crystal, Planes, ZonePattern, reflecting_planes, zone_patterns
from .rotation import (
    Reflections,
    Tolerance,
    common_rotation,
    in_two_directions,
    same_reflections,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

# A lattice is found from the reflections with spacings of at least this fraction of the
# largest one: farther out they are so dense that any pattern fits some of them.
_INNER = 0.6

# Planes are made for the smallest spacing of each of these ratios, and kept: the
# particles of a movie have the same crystal and nearly the same resolution.
_SPACINGS = 1.1

# Margin by which a zone axis has to fit better than one with a shorter translation.
_BETTER = 0.1


def index_reflections(
    reflections: pd.DataFrame,
    crystal: Crystal,
    together: NDArray[np.bool_] | None = None,
    *,
    spacing_tolerance: float = 0.04,
    angle_tolerance: float = 4.0,
) -> pd.DataFrame:
    """Index the reflections of one particle.

    Of all zone axes up to [333] in all rotations, the one is taken that explains most
    of the inner reflections by their spacings and the angles between them, and at least
    two of different directions; if no zone axis explains two inner ones, all
    reflections count. The particle is a twin with two lattices if two more such
    reflections remain, are seen together with some of the first, and are explained by
    the same zone axis in another rotation, or mirrored. If no zone axis explains two
    reflections, inner reflections get a family from their spacing alone.

    Parameters
    ----------
    reflections
        Table from `find_reflections`, with ``spacing`` in nm, ``angle`` in degrees and
        ``amplitude``, and one row for each reflection.
    crystal
        Crystal of the particle.
    together
        True for two reflections that are in one image, shape (reflection, reflection);
        by default all are.
    spacing_tolerance
        Largest relative difference of a spacing from the crystal's; it includes the
        error of the calibration.
    angle_tolerance
        Largest difference of an angle from the crystal's [degrees].

    Returns
    -------
    The table with ``family``, such as ``"{111}"``, empty where there is none;
    ``lattice``, ``"1"``, ``"2"`` or, for a reflection of both, ``"1+2"``; and
    ``zone_axis``, such as ``"[110]"``.

    Raises
    ------
    ValueError
        If a tolerance is out of range.
    """
    tolerance = Tolerance(spacing_tolerance, angle_tolerance).checked()
    family = np.full(len(reflections), "", object)
    lattice = family.copy()
    zone_axis = ""
    if len(reflections):
        columns = ("spacing", "angle", "amplitude")
        seen = Reflections(*(reflections[c].to_numpy(float) for c in columns))
        smallest = seen.spacing.min() * (1 - tolerance.spacing)
        planes, patterns = _known_reflections(
            crystal, int(np.floor(np.log(smallest) / np.log(_SPACINGS)))
        )
        nearest = _by_spacing(seen, planes, tolerance)
        inner = nearest >= 0
        inner &= seen.spacing >= _INNER * seen.spacing.max(where=inner, initial=0)
        if together is None:
            together = np.ones((len(reflections),) * 2, bool)
        explained = partial(
            _lattices,
            seen,
            patterns=patterns,
            planes=planes,
            together=together,
            tolerance=tolerance,
        )
        lattices = explained(inner) or explained(nearest >= 0)
        for number, (zone, rows, members) in enumerate(lattices, 1):
            zone_axis = zone
            family[rows] = [planes.names[planes.family[m]] for m in members]
            lattice[rows] = [
                f"{s}+{number}" if s else str(number) for s in lattice[rows]
            ]
        if not lattices:
            family[inner] = [planes.names[planes.family[m]] for m in nearest[inner]]
    return reflections.assign(family=family, lattice=lattice, zone_axis=zone_axis)


@lru_cache(maxsize=64)
def _known_reflections(
    crystal: Crystal, power: int
) -> tuple[Planes, tuple[ZonePattern, ...]]:
    """Return the planes down to a spacing, a power of `_SPACINGS`, and their zones."""
    planes = reflecting_planes(crystal, _SPACINGS**power)
    return planes, tuple(zone_patterns(crystal, planes))


class _Fit(NamedTuple):
    """A rotated pattern, and the reflections that it explains."""

    pattern: ZonePattern
    rows: NDArray[np.intp]
    members: NDArray[np.intp]
    score: float


def _lattices(
    seen: Reflections,
    inner: NDArray[np.bool_],
    *,
    patterns: tuple[ZonePattern, ...],
    planes: Planes,
    together: NDArray[np.bool_],
    tolerance: Tolerance,
) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """Return zone axis, reflections and their planes of one or two lattices."""
    first = _best(patterns, seen, inner, planes, tolerance)
    if first is None:
        return []
    left = inner & together[first.rows].any(axis=0)
    left[first.rows] = False
    same = [p for p in patterns if p.zone_axis == first.pattern.zone_axis]
    second = _best(same, seen, left, planes, tolerance)
    fits = [first] if second is None else [first, second]
    return [(f.pattern.zone_axis, f.rows, f.members) for f in fits]


def _best(
    patterns: Sequence[ZonePattern],
    seen: Reflections,
    counted: NDArray[np.bool_],
    planes: Planes,
    tolerance: Tolerance,
) -> _Fit | None:
    """Return the pattern that explains most of the reflections that count."""
    best = None
    for pattern in patterns:
        fit = _fitted(pattern, seen, counted, planes, tolerance)
        angles = seen.angle[fit.rows[counted[fit.rows]]]
        better = best is None or fit.score > best.score + _BETTER
        if better and in_two_directions(angles):
            best = fit
    return best


def _fitted(
    pattern: ZonePattern,
    seen: Reflections,
    counted: NDArray[np.bool_],
    planes: Planes,
    tolerance: Tolerance,
) -> _Fit:
    spacing = planes.spacing[pattern.planes]
    ideal = Reflections(spacing, pattern.angle, np.ones(len(spacing)))
    turn = common_rotation(ideal, seen.only(counted), 90.0, tolerance)
    ideal = ideal.turned(turn)
    members, rows, weight = same_reflections(ideal, seen, tolerance)
    score = float(weight[counted[rows]].sum())
    return _Fit(pattern, rows, pattern.planes[members], score)


def _by_spacing(
    seen: Reflections, planes: Planes, tolerance: Tolerance
) -> NDArray[np.intp]:
    """Return the plane with the nearest spacing, -1 where none is near enough."""
    strain = np.abs(np.log(seen.spacing[:, np.newaxis] / planes.spacing))
    if not strain.shape[1]:
        return np.full(len(seen.spacing), -1)
    nearest = strain.argmin(axis=1)
    return np.where(strain.min(axis=1) <= tolerance.spacing, nearest, -1)
