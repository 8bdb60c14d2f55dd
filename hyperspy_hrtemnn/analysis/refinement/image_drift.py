# SPDX-License-Identifier: GPL-3.0-or-later
"""Image drift: by how much an image is not where the wave makes it.

On a crystal a wrong lens finds images a lattice vector off, where they fit nearly as
well. So chi² is compared for all shifts at once, exactly: of what is compared, the
expected image is known beyond its border, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.ndimage import minimum_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .residuals import SeriesResiduals

# Largest drift between wave and images that is looked for [Å].
_LARGEST = 12.0

# Shifts that are compared to a fraction of a pixel: the best ones of the map.
_CANDIDATES = 8


def find_image_drift(
    residuals: SeriesResiduals,
    vector: NDArray[np.float64],
    image: int,
    alike: float = 0.0,
) -> tuple[float, float]:
    """Return how far (y, x) an image is from where the wave makes it [Å].

    Parameters
    ----------
    residuals
        Residuals without mixing.
    vector
        Parameters of the lenses.
    image
        Number of the image.
    alike
        Share of the depth of chi² by which a nearer shift may be worse: images of a
        crystal look alike a vector of the lattice off, and a small drift is likelier.

    Returns
    -------
    The shift with the least chi² within 12 Å.
    """
    chi2 = _chi2_of_shifts(residuals, vector, image)
    y, x = (
        scipy.fft.fftfreq(n, 1 / length)
        for n, length in zip(chi2.shape, residuals.series.grid.field, strict=True)
    )
    near = np.hypot(y[:, np.newaxis], x) <= _LARGEST
    valleys = near & (chi2 == minimum_filter(chi2, 3, mode="wrap"))
    places = np.argwhere(valleys)
    lowest = np.argsort(chi2[valleys])[:_CANDIDATES]
    found = [_bottom(chi2, *place) for place in places[lowest]]
    if not found:
        return 0.0, 0.0
    least = min(found)[0]
    limit = least + alike * max(float(np.median(chi2)) - least, 0.0)
    shifts = [
        (float(row * (y[1] - y[0])), float(column * (x[1] - x[0])))
        for value, row, column in found
        if value <= limit
    ]
    return min(shifts, key=lambda shift: np.hypot(*shift))


def _chi2_of_shifts(
    residuals: SeriesResiduals, vector: NDArray[np.float64], image: int
) -> NDArray[np.float64]:
    """Return chi², less a constant, for shifts in steps of half a pixel of the grid."""
    series = residuals.series
    shape = series.grid.shape
    expected = scipy.fft.irfft2(
        residuals.expected(vector, image),
        shape,
        norm="ortho",
        workers=-1,
    )
    measured = series.compared(series.measured[image])
    together = scipy.fft.rfft2(measured) * scipy.fft.rfft2(expected).conj()
    power = scipy.fft.rfft2(series.mask) * scipy.fft.rfft2(expected**2).conj()
    spectrum = power - 2 * together
    finer = np.zeros((2 * shape[0], shape[1] + 1), spectrum.dtype)
    positive, negative = (shape[0] + 1) // 2, shape[0] // 2
    finer[:positive, : spectrum.shape[1]] = spectrum[:positive]
    finer[-negative:, : spectrum.shape[1]] = spectrum[-negative:]
    doubled = (2 * shape[0], 2 * shape[1])
    return np.asarray(4 * scipy.fft.irfft2(finer, doubled, workers=-1), np.float64)


def _bottom(
    chi2: NDArray[np.float64], row: int, column: int
) -> tuple[float, float, float]:
    """Return chi² at the bottom of a valley, and where it is (row, column) from 0."""
    height, width = chi2.shape
    value, place = float(chi2[row, column]), []
    for before, after, at, n in (
        (chi2[row - 1, column], chi2[(row + 1) % height, column], row, height),
        (chi2[row, column - 1], chi2[row, (column + 1) % width], column, width),
    ):
        slope = float(after - before) / 2
        curvature = float(after + before - 2 * chi2[row, column])
        step = -slope / curvature if curvature > 0 else 0.0
        value += slope * step / 2
        place.append((at + n // 2) % n - n // 2 + step)
    return value, place[0], place[1]
