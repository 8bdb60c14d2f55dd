# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a standardized image that leave its label true (thesis 3.2 to 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def flip_and_turn(
    image: NDArray[np.float32], label: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flip and turn image and label, shape (y, x), alike; one of the eight ways."""
    turns = int(rng.integers(4)) if image.shape[0] == image.shape[1] else 0
    image, label = np.rot90(image, turns), np.rot90(label, turns)
    for axis in (0, 1):
        if rng.random() < 0.5:
            image, label = np.flip(image, axis), np.flip(label, axis)
    return image, label


def vary_intensity(
    image: NDArray[np.float32], rng: np.random.Generator, strength: float = 0.1
) -> NDArray[np.float32]:
    """Vary brightness, contrast and gamma, equations 3.2, 3.3 and 3.4.

    Parameters
    ----------
    image
        Standardized image, shape (y, x).
    rng
        Source of the draws.
    strength
        Brightness is drawn from -strength to strength, the factors of contrast and
        gamma from 1 - strength to 1 + strength.
    """
    mean, low = image.mean(), image.min()
    brightness = rng.uniform(-strength, strength)
    contrast, gamma = rng.uniform(1 - strength, 1 + strength, size=2)
    varied = (image - mean) * contrast + mean + brightness
    low = (low - mean) * contrast + mean + brightness
    return np.asarray((varied - low) * gamma + low, np.float32)
