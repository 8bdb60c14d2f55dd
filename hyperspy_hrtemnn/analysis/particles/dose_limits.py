# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose limits: the dose above which a segmentation can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class DoseLimits:
    """Limits of the dose for a network, from a series of rising dose.

    Parameters
    ----------
    half
        Lowest dose above which at least half of the area is segmented [e-/Å²]; NaN if
        this is never so.
    convergence
        Lowest dose above which the area is the same as at the highest dose [e-/Å²];
        NaN if nothing is segmented there.
    area
        Segmented area at the highest dose, in the unit of the areas given.
    """

    half: float
    convergence: float
    area: float


def dose_limits(
    dose: ArrayLike,
    area: ArrayLike,
    true_area: float | None = None,
    tolerance: float = 0.1,
) -> DoseLimits:
    """Return the dose of half the area and the dose of convergence.

    Noise paper, section 3.1: half of the particle is enough to detect it, all of it is
    needed to measure it. Without a true area, the segmented area at the highest dose is
    taken. The paper reads convergence off the curve; here the area has converged where
    it stays within `tolerance` of its last value. Both conditions have to hold at all
    higher doses, so that a burst of noise at a low dose does not count. Both doses are
    interpolated in the logarithm of the dose. A convergence close to the highest dose
    means that the series ended too early. If all doses are good, the lowest one is
    returned, because nothing is known below it.

    Parameters
    ----------
    dose
        Dose of each frame, in any order [e-/Å²]. The areas of frames with the same dose
        are averaged.
    area
        Segmented area of each frame, in any unit.
    true_area
        True area, in the same unit; by default the area at the highest dose.
    tolerance
        Relative tolerance of the converged area.

    Raises
    ------
    ValueError
        If there are not as many doses as areas, fewer than two different ones, or one
        is not positive or not finite.
    """
    doses, areas = np.asarray(dose, float), np.asarray(area, float)
    if doses.shape != areas.shape or doses.ndim != 1:
        raise ValueError(
            f"Give one dose for each area; there are {doses.size} doses and "
            f"{areas.size} areas."
        )
    if not (np.isfinite(doses).all() and np.isfinite(areas).all()):
        raise ValueError("A dose or an area is NaN or infinite; leave its frame out.")
    steps, frame = np.unique(doses, return_inverse=True)
    if len(steps) < 2 or steps[0] <= 0:
        raise ValueError("Give frames of two doses or more, all above 0.")
    means = np.bincount(frame, areas) / np.bincount(frame)
    last = float(means[-1])
    wanted = last if true_area is None else true_area
    half = _lasting(steps, means - wanted / 2) if wanted > 0 else float("nan")
    convergence = float("nan")
    if last > 0:
        convergence = _lasting(steps, tolerance * last - np.abs(means - last))
    return DoseLimits(half, convergence, last)


def _lasting(doses: NDArray[np.floating], margin: NDArray[np.floating]) -> float:
    """Return the lowest dose above which the margin is never below 0."""
    below = np.flatnonzero(margin < 0)
    if not len(below):
        return float(doses[0])
    i = below[-1]
    if i == len(doses) - 1:
        return float("nan")
    return float(np.exp(np.interp(0, margin[i : i + 2], np.log(doses[i : i + 2]))))
