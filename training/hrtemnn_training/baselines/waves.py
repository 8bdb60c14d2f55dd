# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves without a network: the wave of the vacuum, and the Y-scramble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hrtemnn_training.images.wave_label import exit_wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimens


def constant_wave(sample: Sample) -> NDArray[np.float32]:
    """Return the wave of the vacuum, shape (2, y, x)."""
    wave = np.zeros((2, *sample.grid.shape), np.float32)
    wave[0] = 1
    return wave


def scramble(
    data: Specimens, rng: np.random.Generator
) -> Callable[[Sample], NDArray[np.float32]]:
    """Return the Y-scramble of publication I: the true wave of another structure."""
    steps = rng.integers(1, len(data), len(data))

    def baseline(sample: Sample) -> NDArray[np.float32]:
        other = data.read_specimen(int(sample.index + steps[sample.index]) % len(data))
        return np.moveaxis(exit_wave(other.wave, other.extent, sample.grid), -1, 0)

    return baseline
