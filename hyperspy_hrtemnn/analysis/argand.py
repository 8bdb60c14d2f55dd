# SPDX-License-Identifier: GPL-3.0-or-later
"""What the complex values of atomic columns tell: their mass and their height.

Channelling theory, thesis section 1.4: the wave at a column is
``1 + c (exp(i theta) - 1)``, equation 1.30, with an angle that grows with the mass of
the column. The columns of a flat sample lie on a circle through vacuum, the mass
circle; one that ends at another height lies off it, on its defocus circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.vq import kmeans2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def classify_by_argand(values: ArrayLike, count: int) -> NDArray[np.intp]:
    """Return the class of each column by its place in the complex plane.

    The places are clustered by k-means, which starts from equal steps between the
    weakest and the strongest column.

    Parameters
    ----------
    values
        The wave at each column, complex, shape (column,).
    count
        Number of classes.

    Returns
    -------
    From 0, the class nearest to vacuum, to ``count - 1``, shape (column,).

    Raises
    ------
    ValueError
        If there are more classes than columns, or less than one class.
    """
    psi = np.asarray(values, np.complex128)
    if not 1 <= count <= len(psi):
        raise ValueError(
            f"There are {len(psi)} columns; they cannot be of {count} classes."
        )
    change = np.abs(psi - 1)
    levels = np.linspace(change.min(), change.max(), count)
    first = psi[np.argmin(np.abs(change - levels[:, np.newaxis]), axis=1)]
    centers, labels = kmeans2(_plane(psi), _plane(first), minit="matrix")
    rank = np.argsort(np.argsort(np.hypot(centers[:, 0] - 1, centers[:, 1])))
    return np.asarray(rank[labels], np.intp)


def mass_circle(values: ArrayLike) -> tuple[complex, float]:
    """Return the center and the radius of the mass circle of columns.

    It goes through vacuum, 1, with its center on the real axis, and of all such circles
    comes nearest to the columns (least squares of equation 1.30's
    ``|wave - 1|² = 2 c Re(1 - wave)``).

    Parameters
    ----------
    values
        The wave at each column, complex, shape (column,).

    Raises
    ------
    ValueError
        If no circle fits: there is no column, or the waves at them are not retarded.
    """
    away = 1 - np.asarray(values, np.complex128)
    weight = np.sum(4 * away.real**2)
    radius = np.sum(2 * away.real * np.abs(away) ** 2) / weight if weight else 0.0
    if not radius > 0:
        raise ValueError("No mass circle fits: the columns do not lie beside vacuum.")
    return complex(1 - radius), float(radius)


def defocus_circle(value: complex) -> tuple[complex, float]:
    """Return the center and the radius of the defocus circle of a column.

    Away from its exit plane the wave of a column spreads. In the middle of a Gaussian
    one, what it changes of the wave becomes ``(value - 1) / (1 + i z / z0)`` at the
    distance z: a circle whose diameter is the line from vacuum to the value.

    Parameters
    ----------
    value
        The wave at a column that is in focus.
    """
    return (1 + value) / 2, abs(value - 1) / 2


def _plane(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.stack([values.real, values.imag], axis=-1)
