# SPDX-License-Identifier: GPL-3.0-or-later
"""Brightness ratio: whether a particle is on a zone axis, without a network."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from hrtemnn_training.images.spectrum import particle_spectrum
from hyperspy_hrtemnn.analysis import (
    brightness_ratio,
    find_reflections,
    follow_reflections,
)
from hyperspy_hrtemnn.crystals import as_crystal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample


def tune_brightness_ratio(
    validation: Sequence[Sample], truth: NDArray[np.bool_]
) -> Callable[[Sample], NDArray[np.float64]]:
    """Return `brightness_ratio` of single spectra, its threshold the most accurate one.

    The prediction is one half at the threshold, and 0 where there are no reflections
    in two directions.

    Parameters
    ----------
    validation
        Samples that the threshold is tuned on.
    truth
        Whether each shows a particle on a zone axis.
    """
    evenness = np.array([_evenness(sample) for sample in validation])
    # Between neighbors, and beyond both ends.
    edges = np.concatenate([[0.0], np.sort(evenness), [1.0]])
    thresholds = (edges[1:] + edges[:-1]) / 2
    agreed = [np.mean((evenness > t) == truth) for t in thresholds]
    threshold = float(thresholds[int(np.argmax(agreed))])

    def baseline(sample: Sample) -> NDArray[np.float64]:
        even = _evenness(sample)
        # Of nothing in nothing there is no share.
        return np.array([even / (even + threshold) if even else 0.0])

    return baseline


def _evenness(sample: Sample) -> float:
    """Return the inverse of the brightness ratio; 0 without two directions."""
    spectrum, step = particle_spectrum(sample)
    found = find_reflections(spectrum, step).assign(frame=0)
    if not len(found):
        return 0.0
    element = chemical_symbols[sample.specimen.sites.elements[0]]
    peaks = follow_reflections(found, [0], _crystal(element)).assign(id=0)
    ratio = brightness_ratio(peaks)["brightness_ratio"].item()
    return 1 / ratio if np.isfinite(ratio) else 0.0


_crystal = cache(as_crystal)
