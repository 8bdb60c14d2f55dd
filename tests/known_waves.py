# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves without multislice, whose columns are known."""

from __future__ import annotations

import numpy as np

from hyperspy_hrtemnn.analysis import Optics

SHAPE = (128, 120)
SAMPLING = 0.1
EXTENT = (12.8, 12.0)
ENERGY = 50.0

ANGLES = {"1S": 0.36, "2S": 0.53, "1Mo": 0.7}
"""Phase in the middle of a column [rad]."""

_WIDTH = 0.35  # standard deviation of a column [Å]


def flake() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a flake of MoS2 in vacuum as a phase object.

    Returns
    -------
    The wave, complex64, the places (x, y) of its columns in Å, and their classes.
    """
    a, middle = 3.16, np.array([6.1, 6.5])
    i, j = np.mgrid[-3:4, -3:4].reshape(2, -1)
    mo = np.stack([a * i + a / 2 * j, a * np.sqrt(3) / 2 * j], axis=1)
    sulfur = mo + np.array([a / 2, a / np.sqrt(12)])
    places = np.concatenate([mo, sulfur])
    classes = np.repeat(np.array(["1Mo", "2S"], object), len(mo))
    inside = np.hypot(*places.T) < 3.8
    places, classes = places[inside] + middle, classes[inside]
    classes[np.flatnonzero(classes == "2S")[0]] = "1S"
    return phase_object(places, [ANGLES[name] for name in classes]), places, classes


def phase_object(places, angles) -> np.ndarray:
    """Return a wave whose phase is a Gaussian at each place (x, y) [Å]."""
    y, x = (np.arange(n)[:, np.newaxis] * SAMPLING for n in SHAPE)
    phase = np.zeros(SHAPE)
    for (px, py), angle in zip(places, angles, strict=True):
        along_y, along_x = (
            np.exp(-((at - p) ** 2) / (2 * _WIDTH**2)) for at, p in ((y, py), (x, px))
        )
        phase += angle * along_y * along_x.T
    return np.exp(1j * phase).astype(np.complex64)


def lenses(defocus, **changes) -> list[Optics]:
    """Return the lenses of a series, defocus in Å."""
    known = {"Cs": 1e5, "focal_spread": 10.0, "blur": 0.08, **changes}
    return [Optics(ENERGY, defocus=float(each), **known) for each in defocus]
