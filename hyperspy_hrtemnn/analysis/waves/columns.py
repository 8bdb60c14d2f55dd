# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns of an exit wave: their positions, and the wave at each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.feature import peak_local_max

from .finite import check_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Radius of the neighborhood in which a summit is fitted, in smallest separations.
_FITTED = 0.2


@dataclass(frozen=True)
class WaveColumns:
    """Atomic columns of one wave, the strongest first.

    Parameters
    ----------
    positions
        Row and column of each atomic column [pixels]; the center of the first pixel is
        (0, 0). Shape (column, 2).
    wave
        Value of the wave at each atomic column, complex, shape (column,).
    """

    positions: NDArray[np.float64]
    wave: NDArray[np.complex128]

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.positions)


def find_wave_columns(
    wave: ArrayLike, *, min_separation: float, threshold: float = 0.1
) -> WaveColumns:
    """Find the atomic columns of an exit wave.

    They are the summits of the change of the wave, ``|wave - 1|`` (publication I,
    figure 5). A quadric is fitted around each; its summit is the position, and quadrics
    fitted to the real and the imaginary part there give the value.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    min_separation
        Smallest distance between two columns [pixels].
    threshold
        Smallest change of the wave ``|wave - 1|``, an absolute value.

    Raises
    ------
    ValueError
        If the shape is not (y, x), a number is not positive, or the wave has NaN or
        infinite pixels.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:20, :30]
    >>> column = 0.5j * np.exp(-((y - 8.3) ** 2 + (x - 12.6) ** 2) / 18)
    >>> found = find_wave_columns(1 + column, min_separation=5)
    >>> found.positions.round(1), found.wave.round(2)
    (array([[ 8.3, 12.6]]), array([1.+0.5j]))
    """
    psi = np.asarray(wave, np.complex128)
    if psi.ndim != 2:
        raise ValueError(f"A wave of shape (y, x) is needed, not {psi.shape}.")
    for name, value in (("min_separation", min_separation), ("threshold", threshold)):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} has to be positive, not {value}.")
    check_finite(psi)
    change = np.abs(psi - 1)
    peaks: NDArray[np.intp] = peak_local_max(  # type: ignore[no-untyped-call]
        change,
        footprint=np.ones((3, 3)),
        min_distance=min_separation,
        threshold_abs=threshold,
        exclude_border=False,
        p_norm=2,
    )
    radius = max(1, round(_FITTED * min_separation))
    padded = np.pad(psi, radius, mode="reflect")
    steps = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1).T
    near = padded[tuple((peaks[:, np.newaxis] + steps + radius).transpose(2, 0, 1))]
    quadrics = np.linalg.pinv(_terms(steps))
    offsets = _summits(np.abs(near - 1) @ quadrics.T, radius)
    values = np.sum(_terms(offsets) * (near @ quadrics.T), axis=-1)
    order = np.argsort(-np.abs(values - 1), kind="stable")
    return WaveColumns((peaks + offsets)[order], values[order])


def _terms(steps: NDArray[np.floating | np.integer]) -> NDArray[np.float64]:
    """Return 1, y, x, y², yx and x² of each (y, x)."""
    y, x = np.asarray(steps, float).T
    return np.stack([np.ones_like(y), y, x, y * y, y * x, x * x], axis=-1)


def _summits(quadrics: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Return (y, x) of the summits of quadrics, 0 where there is none nearby."""
    _, y, x, yy, yx, xx = quadrics.T
    determinant = 4 * yy * xx - yx**2
    found = (determinant > 0) & (yy < 0)
    scale = np.where(found, determinant, 1)
    summits = np.stack([yx * x - 2 * xx * y, yx * y - 2 * yy * x], -1)
    summits /= scale[:, np.newaxis]
    found &= np.all(np.abs(summits) <= radius, axis=-1)
    return np.where(found[:, np.newaxis], summits, 0)
