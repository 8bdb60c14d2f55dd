# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation: flips, turns and intensities of training images (thesis 3.2 to 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw_turn(
    shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[int, tuple[int, ...]]:
    """Draw one of the eight ways in which an image can be flipped and turned.

    Parameters
    ----------
    shape
        Shape of the image, (y, x, image); it is turned only if it is square.
    rng
        Source of the draws.

    Returns
    -------
    Quarter turns, from y to x as `numpy.rot90` has them, and the axes that are flipped
    after them, see `turn`.
    """
    turns = int(rng.integers(4)) if shape[0] == shape[1] else 0
    return turns, tuple(axis for axis in (0, 1) if rng.random() < 0.5)


def turn(array: NDArray[Any], turns: int, flips: tuple[int, ...]) -> NDArray[Any]:
    """Return an image, or a label with the same pixels, turned and flipped.

    A flipped or turned image is that of the flipped or turned wave with aberrations at
    other angles. The angles are drawn from the full circle, so that all labels of
    pixels stay true, exit waves too; only a value that is itself an angle would not.

    Parameters
    ----------
    array
        Shape (y, x, channel).
    turns, flips
        See `draw_turn`.
    """
    return np.flip(np.rot90(array, turns), flips)


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
