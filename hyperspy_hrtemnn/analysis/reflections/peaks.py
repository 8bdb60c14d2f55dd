# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of one amplitude spectrum, as symmetric pairs above the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.feature import peak_local_max

from hyperspy_hrtemnn.options import ReflectionOptions

from .noise import find_noise
from .search_area import search_area

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Smallest distance of two reflections [speckles]: farther away, the side lobes of the
# Fourier transform of a particle's outline are below 0.5 % of the reflection.
_APART = 2.0


def find_reflections(
    spectrum: ArrayLike,
    step: tuple[float, float],
    *,
    max_spacing: float = ReflectionOptions.max_spacing,
    false_alarms: float = ReflectionOptions.false_alarms,
    square: float = ReflectionOptions.square,
) -> pd.DataFrame:
    """Find the reflections of one image, or of one particle.

    A reflection is a maximum that noise of its spatial frequency does not reach, see
    `hyperspy_hrtemnn.analysis.reflections.noise`. The spectrum of a real image is
    symmetric, so that each reflection stands for a pair at k and -k. Its position is
    the vertex of parabolas through the logarithms of the amplitude and its neighbors.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx), zero frequency at the index ``n // 2``; from
        `local_spectrum`.
    step
        Step from pixel to pixel, (ky, kx) [1/nm].
    max_spacing
        Largest lattice spacing in the search [nm]. The lower frequencies show the shape
        of the particle.
    false_alarms
        Expected number of reflections found in a spectrum of noise.
    square
        Side of the square in which `intensity` is averaged [1/nm]; the thesis takes 30
        pixels.

    Returns
    -------
    A row for each pair, the brightest first: ``spacing`` in nm; ``angle`` of k in
    degrees, 0 to 180, from x towards y; ``intensity``, the mean of the squared
    amplitude in the square, as a fraction of the largest of the whole spectrum;
    ``amplitude`` of the peak, with an error of up to 10 %, or 20 % if the crop is as
    small as the particle; ``noise``, the root mean square of noise there.

    Raises
    ------
    ValueError
        If the spectrum is not one symmetric image of finite, positive amplitudes, or a
        number is out of range.

    References
    ----------
    Thesis, section 6.2 (intensity and angle); figures 6.5 (b) and (c).
    """
    amplitude = _checked(spectrum)
    ReflectionOptions(max_spacing, false_alarms, square)  # checks them
    if not (min(step) > 0 and np.isfinite(min(step))):
        raise ValueError(f"The smaller step has to be positive, not {min(step)}.")
    area = search_area(amplitude.shape, (step[0], step[1]), max_spacing)
    half = amplitude[area.first_row :]
    intensity = half.ravel()[area.order] ** 2
    if not intensity.any():
        return _table([], amplitude, step, square)
    noise = find_noise(intensity, area)
    above = np.zeros(half.shape, bool)
    above.ravel()[area.order] = noise.is_below(intensity, false_alarms)
    # In the row of zero frequency each pixel has its partner.
    above[0, : amplitude.shape[1] // 2] = False
    if not above.any():
        return _table([], amplitude, step, square)
    apart = max(1, round(_APART * noise.speckle))
    # Rows before those that are searched decide on what is a maximum.
    first = max(area.first_row - apart, 0)
    peaks = peak_local_max(  # type: ignore[no-untyped-call]
        amplitude[first:],
        min_distance=apart,
        # Most maxima are noise, so that only those above the threshold are compared.
        threshold_abs=np.nextafter(half[above].min(), 0),
        exclude_border=1,
        p_norm=2,
    )
    peaks[:, 0] += first - area.first_row
    peaks = peaks[peaks[:, 0] >= 0]
    peaks = peaks[above[tuple(peaks.T)]]
    means = area.map(noise.intensity)[tuple(peaks.T)]
    found = [
        (*_vertex(amplitude, area.first_row + row, column), float(mean))
        for (row, column), mean in zip(peaks, means, strict=True)
    ]
    return _table(found, amplitude, step, square)


def measure_reflections(
    spectrum: ArrayLike,
    step: tuple[float, float],
    spacing: ArrayLike,
    angle: ArrayLike,
    *,
    square: float = 0.5,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure intensity and amplitude where reflections should be.

    The amplitude is the largest of the 3 x 3 pixels there; for noise, this is about
    1.5 times its root mean square.

    Parameters
    ----------
    spectrum, step, square
        See `find_reflections`.
    spacing, angle
        Spacing [nm] and angle [degrees] of each reflection.

    Returns
    -------
    Intensity and amplitude as in `find_reflections`, shape (reflection,); NaN beyond
    the spectrum.

    Raises
    ------
    ValueError
        See `find_reflections`.
    """
    amplitude = _checked(spectrum)
    turn = np.radians(np.asarray(angle, float))
    k = np.stack([np.sin(turn), np.cos(turn)]) / np.asarray(spacing, float)
    center = np.array(amplitude.shape)[:, np.newaxis] // 2
    places = center + k / np.array(step)[:, np.newaxis]
    largest = ndimage.maximum_filter(amplitude, 3)
    height = ndimage.map_coordinates(largest, places, order=0, cval=np.nan)
    return _means(amplitude, places, step, square), height


def _checked(spectrum: ArrayLike) -> NDArray[np.float64]:
    amplitude = np.asarray(spectrum, float)
    if amplitude.ndim != 2 or min(amplitude.shape) < 3:
        raise ValueError(
            f"One spectrum of shape (ky, kx) is needed, not {amplitude.shape}."
        )
    # Written so that NaN is refused, too: the comparison is False for NaN.
    if not (amplitude >= 0).all() or not np.isfinite(amplitude).all():
        raise ValueError("Amplitudes have to be finite and not negative.")
    # The first row and column of an even size have no partner.
    inner = amplitude[1 - amplitude.shape[0] % 2 :, 1 - amplitude.shape[1] % 2 :]
    if np.abs(inner - inner[::-1, ::-1]).max() > 1e-2 * amplitude.max():
        raise ValueError(
            "The spectrum is not symmetric about the index n // 2: it is not that of a "
            "real image, or it is not shifted (np.fft.fftshift)."
        )
    return amplitude


def _vertex(
    amplitude: NDArray[np.float64], row: int, column: int
) -> tuple[float, float, float]:
    """Return row, column and height of a maximum, between pixels."""
    peak = np.log(amplitude[row, column])
    place, height = [float(row), float(column)], peak
    beside = (
        amplitude[row - 1 : row + 2 : 2, column],
        amplitude[row, column - 1 : column + 2 : 2],
    )
    for axis, pair in enumerate(beside):
        low, high = np.log(np.maximum(pair, 1e-12 * amplitude[row, column]))
        curvature = 2 * peak - low - high
        if curvature > 0:
            offset = (high - low) / (2 * curvature)
            place[axis] += offset
            height += curvature * offset**2 / 2
    return place[0], place[1], float(np.exp(height))


def _table(
    found: list[tuple[float, float, float, float]],
    amplitude: NDArray[np.float64],
    step: tuple[float, float],
    square: float,
) -> pd.DataFrame:
    found = sorted(found, key=lambda peak: -peak[2])
    row, column, height, noise = np.reshape(found, (-1, 4)).T
    y, x = (
        (p - n // 2) * d
        for p, n, d in zip((row, column), amplitude.shape, step, strict=True)
    )
    return pd.DataFrame(
        {
            "spacing": 1 / np.hypot(x, y),
            "angle": np.degrees(np.arctan2(y, x)) % 180,
            "intensity": _means(amplitude, np.stack([row, column]), step, square),
            "amplitude": height,
            "noise": np.sqrt(noise),
        }
    )


def _means(
    amplitude: NDArray[np.float64],
    places: NDArray[np.float64],
    step: tuple[float, float],
    square: float,
) -> NDArray[np.float64]:
    """Return the mean intensity in squares, as a fraction of the largest."""
    sides = [2 * round(square / d / 2) + 1 for d in step]
    largest = max(float(amplitude.max()), np.finfo(float).tiny)
    means = []
    for row, column in np.rint(places).astype(int).T:
        corner = (row - sides[0] // 2, column - sides[1] // 2)
        parts = [
            slice(max(start, 0), max(start + side, 0))
            for start, side in zip(corner, sides, strict=True)
        ]
        part = amplitude[tuple(parts)]
        means.append(((part / largest) ** 2).mean() if part.size else np.nan)
    return np.array(means, float)
