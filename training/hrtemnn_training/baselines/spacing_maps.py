# SPDX-License-Identifier: GPL-3.0-or-later
"""Spacing maps: the chemical order of a particle without a network.

Silver is darker than cobalt and its planes are farther apart. Both the brightness and
the local spacing of the planes are compared between the middle of a particle and its
rim, and between its two sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from hrtemnn_training.images.particle_views import view_of_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

    from .baseline import Baseline

_CLASSES = 3
_SMOOTH = 4.0  # standard deviation of what is called local [Å]
_PLANES = 1.65, 2.55  # distances from below those of Co (200) to above Ag (111) [Å]
_SURROUNDINGS = 6.0  # that a view has around the particle [Å]
_RIDGE = 0.05  # added to the covariance, in that of all samples


def tune_spacing_maps(samples: Sequence[Sample], truth: Sequence[int]) -> Baseline:
    """Return Fisher's linear discriminant of the measures of `spacing_measures`.

    Parameters
    ----------
    samples
        Samples that it is tuned on.
    truth
        Number of the order of each.

    Returns
    -------
    Predicts a probability for each order, shape (order,).
    """
    known = np.array([_measures(sample) for sample in samples])
    scale = known.std(axis=0) + 1e-9
    shift = known.mean(axis=0)
    known = (known - shift) / scale
    numbers = np.asarray(truth)
    means = np.array(
        [
            known[numbers == i].mean(axis=0) if np.any(numbers == i) else 0 * shift
            for i in range(_CLASSES)
        ]
    )
    apart = known - means[numbers]
    covariance = apart.T @ apart / len(apart) + _RIDGE * np.eye(len(shift))
    precision = np.linalg.inv(covariance)

    def predict(sample: Sample) -> NDArray[np.float64]:
        off = (_measures(sample) - shift) / scale - means
        logarithms = -np.einsum("ij,jk,ik->i", off, precision, off) / 2
        shares = np.exp(logarithms - logarithms.max())
        return np.asarray(shares / shares.sum())

    return predict


def _measures(sample: Sample) -> NDArray[np.float64]:
    return spacing_measures(view_of_sample(sample), sample.sampling)


def spacing_measures(
    view: NDArray[np.floating], sampling: float
) -> NDArray[np.float64]:
    """Return how brightness and spacing differ inside a particle.

    Parameters
    ----------
    view
        Particle as of `particle_view`, shape (y, x).
    sampling
        Pixel size [Å].

    Returns
    -------
    Of the brightness, of the frequency of the planes [1/Å] and of their strength: the
    middle less the rim, and the difference of the two sides; then the mean frequency.
    """
    # Beyond the surroundings a view is 0.
    depth = distance_transform_edt(view != 0) * sampling - _SURROUNDINGS
    inside = depth > 0
    if not inside.any():
        return np.zeros(7)
    near = _SMOOTH / sampling
    weight = np.maximum(gaussian_filter((view != 0).astype(float), near), 1e-6)
    brightness = gaussian_filter(np.asarray(view, float), near) / weight
    frequency, strength = _planes(view, sampling, near)
    strength = strength / max(float(strength[inside].mean()), 1e-12)
    found: list[float] = []
    for values, weights in (
        (brightness, np.ones_like(strength)),
        (frequency, strength),
        (strength, np.ones_like(strength)),
    ):
        found += _differences(values, weights, depth, inside)
    mean = np.average(frequency[inside], weights=strength[inside] + 1e-12)
    return np.array([*found, float(mean)])


def _planes(
    view: NDArray[np.floating], sampling: float, near: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean frequency of lattice planes at each place, and their strength.

    The square of a frequency is the energy of the slope over that of the image.
    """
    ky, kx = (np.fft.fftfreq(n, sampling) for n in view.shape)
    squared = ky[:, np.newaxis] ** 2 + kx**2
    low, high = 1 / _PLANES[1] ** 2, 1 / _PLANES[0] ** 2
    kept = np.fft.fft2(view) * ((squared > low) & (squared < high))
    image = np.fft.ifft2(kept).real
    slopes = [
        np.fft.ifft2(kept * k).imag
        for k in (ky[:, np.newaxis] + 0 * kx, kx + 0 * ky[:, np.newaxis])
    ]
    strength = gaussian_filter(image**2, near)
    steep = gaussian_filter(sum(slope**2 for slope in slopes), near)
    frequency = np.sqrt(steep / np.maximum(strength, 1e-12))
    return np.clip(frequency, np.sqrt(low), np.sqrt(high)), strength


def _differences(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    depth: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> tuple[float, float]:
    """Return the middle less the rim, and the difference of the two sides."""
    own, weight = values[inside], weights[inside] + 1e-12
    own = own - np.average(own, weights=weight)
    # Half of a disc is within 0.29 radii of its rim.
    deep = depth[inside] > 0.29 * depth.max()
    parts = [
        float(np.average(own[part], weights=weight[part])) if part.any() else 0.0
        for part in (deep, ~deep)
    ]
    places = np.argwhere(inside).astype(float)
    places -= places.mean(axis=0)
    places /= np.sqrt(np.mean(np.sum(places**2, axis=1)))
    side = np.average(places * own[:, np.newaxis], axis=0, weights=weight)
    return parts[0] - parts[1], float(np.linalg.norm(side))
