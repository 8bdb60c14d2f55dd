# SPDX-License-Identifier: GPL-3.0-or-later
"""From which dose on a segmentation can be trusted: segmented area against dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class DoseLimits:
    """What a series of rising dose tells of a network.

    Parameters
    ----------
    half
        Dose from which on at least half of the area is segmented [e-/Å²]; NaN if it
        never is.
    convergence
        Dose from which on the area stays what it is at the highest dose [e-/Å²]; NaN
        if nothing is segmented there.
    area
        Segmented area at the highest dose, in the unit that was given.
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

    Noise paper, section 3.1: half of the particle is enough to detect it, all of it to
    measure it; without a truth the segmentation at the highest dose, the last frame,
    takes its place. The paper reads convergence off the curve; here the area has
    converged where it stays within `tolerance` of its last value. Both are asked of all
    higher doses, so that a burst of noise at a low dose does not count, and are
    interpolated in the logarithm of the dose. A convergence close to the highest dose
    says that the series ended too early. Over the lowest dose nothing is known: it is
    what is returned where all doses are good.

    Parameters
    ----------
    dose
        Of each frame, in any order [e-/Å²]. The areas of frames of the same dose are
        averaged.
    area
        Segmented in each frame, in any unit.
    true_area
        Half of which is wanted, in the same unit; the area at the highest dose if None.
    tolerance
        Of the converged area, relative.

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
    """Return the dose from which on the margin is never below 0."""
    below = np.flatnonzero(margin < 0)
    if not len(below):
        return float(doses[0])
    i = below[-1]
    if i == len(doses) - 1:
        return float("nan")
    return float(np.exp(np.interp(0, margin[i : i + 2], np.log(doses[i : i + 2]))))
