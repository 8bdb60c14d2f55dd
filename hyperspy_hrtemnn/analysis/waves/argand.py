# SPDX-License-Identifier: GPL-3.0-or-later
r"""What the wave at atomic columns tells: their mass, whatever their height.

Channelling theory, thesis section 1.4: in its exit plane the wave in the middle of a
column is :math:`e^{i\theta}`, equation 1.30 with an excitation of 1, and
:math:`\theta` grows with the mass of the column. In the complex plane such waves lie on
the unit circle, the mass circle. At the distance z from its exit plane a column has
spread, and what it changes of the wave in its middle is, if it is Gaussian,

.. math:: \psi - 1 = \frac{e^{i\theta} - 1}{1 + i z / z_0}

With z this goes around a circle whose diameter is the line from vacuum to
:math:`e^{i\theta}`, the defocus circle. Which one a column is on tells its mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BINS = 500  # in which angles are told apart


def mass_angle(values: ArrayLike) -> NDArray[np.float64]:
    r"""Return :math:`\theta` of columns, that of the defocus circle each lies on.

    Parameters
    ----------
    values
        The wave at each column, complex, of any shape; 1 = vacuum.

    Returns
    -------
    The phase that a column would have in focus [rad], of the same shape. A column so
    far away that the line from vacuum to it has turned by 90° and half of that phase is
    taken for a lighter one.
    """
    change = np.asarray(values, np.complex128) - 1
    # Waves are retarded: from -90 to 270 degrees.
    direction = np.angle(change / 1j) + np.pi / 2
    # Re((exp(i theta) - 1) / change) = 1, solved for theta.
    across = np.clip(np.abs(change) + np.cos(direction), -1, 1)
    return np.asarray(direction - np.arccos(across), np.float64)


def defocus_circle(angle: float) -> tuple[complex, float]:
    r"""Return center and radius of the circle on which columns of one mass lie.

    Parameters
    ----------
    angle
        Their :math:`\theta` [rad].
    """
    focused = complex(np.exp(1j * angle))
    return (1 + focused) / 2, abs(focused - 1) / 2


def classify_by_mass(values: ArrayLike, count: int) -> NDArray[np.intp]:
    """Return the class of each column by its place in the complex plane.

    Columns are of one class if they lie on the same defocus circle: their angles
    (`mass_angle`) are put into those clusters that vary least in themselves, however
    rare one is: the best k-means.

    Parameters
    ----------
    values
        The wave at each column, complex, shape (column,).
    count
        Number of classes.

    Returns
    -------
    From 0, the lightest, to ``count - 1``, shape (column,).

    Raises
    ------
    ValueError
        If there are more classes than columns, or less than one class.
    """
    angles = mass_angle(values)
    if not 1 <= count <= len(angles):
        raise ValueError(
            f"There are {len(angles)} columns; they cannot be of {count} classes."
        )
    bounds = _tightest(angles, count)
    return np.searchsorted(bounds, angles, side="right")


def _tightest(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the values at which all clusters but the first begin.

    By dynamic programming, which finds the least sum of squares; other than k-means,
    it needs no start (Fisher, J. Am. Stat. Assoc. 53 (1958) 789).
    """
    edges = np.histogram_bin_edges(values, _BINS)
    bins = np.digitize(values, edges[1:-1])
    first = np.full(_BINS, np.inf)
    np.minimum.at(first, bins, values)
    used = np.isfinite(first)
    number, total, square = (
        np.append(0, np.cumsum(np.bincount(bins, values**power, _BINS)[used]))
        for power in (0, 1, 2)
    )
    first = first[used]
    start, end = np.triu_indices(len(number), 1)
    cost = np.full((len(number), len(number)), np.inf)
    sums = total[end] - total[start]
    cost[start, end] = (
        square[end] - square[start] - sums**2 / (number[end] - number[start])
    )
    least = cost[0]
    begins = []
    for _ in range(1, min(count, len(first))):
        through = least[:, np.newaxis] + cost
        begins.append(through.argmin(axis=0))
        least = through.min(axis=0)
    bounds, place = [], len(first)
    for begin in reversed(begins):
        place = begin[place]
        bounds.append(first[place])
    return np.array(bounds[::-1])
