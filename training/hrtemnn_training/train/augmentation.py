# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a standardized image that leave its label true (thesis 3.2 to 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def flip_and_turn(
    image: NDArray[np.float32], label: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Flip and turn image and label alike; one of the eight ways.

    A flipped or turned image is that of the flipped or turned wave with aberrations at
    other angles. The angles are drawn from the full circle, so that all labels stay
    true, exit waves too; only a value that is itself an angle would not.

    Parameters
    ----------
    image
        Shape (y, x, image); turned only if it is square.
    label
        Shape (y, x, class), or (class,), which is left as it is.
    rng
        Source of the draws.
    """
    turns = int(rng.integers(4)) if image.shape[0] == image.shape[1] else 0
    flips = tuple(axis for axis in (0, 1) if rng.random() < 0.5)

    def move(array: NDArray[Any]) -> NDArray[Any]:
        return np.flip(np.rot90(array, turns), flips)

    return move(image), label if label.ndim == 1 else move(label)


def vary_intensity(
    image: NDArray[np.float32], rng: np.random.Generator, strength: float = 0.1
) -> NDArray[np.float32]:
    """Vary brightness, contrast and gamma, equations 3.2, 3.3 and 3.4.

    Parameters
    ----------
    image
        Standardized images of one input, shape (y, x, image). All change alike, so that
        a focal series keeps its relative contrast.
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
