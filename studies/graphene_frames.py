# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of real images of graphene: their pixels, noise and columns.

Not a script: `real_graphene.py` fits lenses and atoms to what this reads. The images
are stretched to 8 bits, their zero, gain and MTF unknown, and their pixel size is that
of the lattice, 0.213 nm from line to line.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import hyperspy.api as hs
import numpy as np
from scipy.ndimage import gaussian_filter

from hyperspy_hrtemnn.analysis import Detector, NoiseSpectrum, fit_mtf
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals import HRTEM

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NETWORK = "graphene-atoms"

# Width of the Gaussian that is uneven illumination, not graphene [Å].
ILLUMINATION = 8.0

# How far around a region the network looks [Å].
AROUND = 12.0

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Region:
    """A part of an image, in electrons.

    Parameters
    ----------
    image
        Electrons in each pixel, shape (y, x), of which shot noise has this mean.
    valid
        Pixels without contamination.
    detector
        Pixel size, MTF and dose.
    columns
        What the network finds: ``x``, ``y`` [Å] and ``class``.
    """

    image: np.ndarray
    valid: np.ndarray
    detector: Detector
    columns: pd.DataFrame

    def without(self, hidden: np.ndarray) -> Region:
        """Return the region with more pixels that are not compared."""
        return replace(self, valid=self.valid & ~hidden)


def stretched_region(folder: Path, name: str, sampling: float, box: Box) -> Region:
    """Return a region of a stretched image with a hand mask of its contamination.

    Its noise is white, as far as the spectrum tells between the reflections and beyond:
    shot noise that no MTF has weakened. That of the signal is in the blur then. Counts
    are scaled so that their variance is their mean; the zero is left to the contrast.

    Parameters
    ----------
    folder
        Folder of the images.
    name
        Name without ending.
    sampling
        Pixel size [Å].
    box
        First row and column, height and width [pixels].
    """
    counts = hs.load(folder / f"{name}.png").data.astype(float)
    dirty = hs.load(folder / f"{name}_LABEL.png").data > 127
    width = ILLUMINATION / sampling
    share = gaussian_filter((~dirty).astype(float), width)
    local = gaussian_filter(np.where(dirty, 0, counts), width) / np.maximum(share, 1e-3)
    part = _part(box)
    even = (counts - local + counts[~dirty].mean())[part]
    noise = between_reflections(even, 0.8, 1.0).power.mean()
    image = even * even.mean() / noise
    detector = Detector(sampling, image.mean() / sampling**2, has_mtf=False)
    clean = np.where(dirty, counts[~dirty].mean(), counts)
    return Region(image, ~dirty[part], detector, _columns(clean, sampling, box))


def boundary_region(path: Path, sampling: float, box: Box) -> Region:
    """Return a region of the image of a grain boundary, whose mean is 1.

    MTF and dose are those of the noise between the reflections, from 0.6 to 2.2 /Å.

    Parameters
    ----------
    path
        File of the image.
    sampling, box
        As of `stretched_region`.
    """
    image = hs.load(path).data.astype(float)
    low, high = (2 * sampling * each for each in (0.6, 2.2))
    noise = fit_mtf(between_reflections(image, low, high))
    electrons = noise.c1**-2
    detector = Detector(sampling, electrons / sampling**2, noise.c0, noise.c3)
    region = electrons * image[_part(box)]
    everywhere = np.ones(region.shape, bool)
    return Region(region, everywhere, detector, _columns(image, sampling, box))


def between_reflections(image: np.ndarray, low: float, high: float) -> NoiseSpectrum:
    """Return the spectrum of the noise of an image of a crystal.

    The median of a ring does not see its reflections.

    Parameters
    ----------
    image
        Counts, shape (y, x).
    low, high
        Lowest and highest frequency [Nyquist frequencies].
    """
    window = np.outer(*(np.hanning(n) for n in image.shape))
    spectrum = np.fft.rfft2((image - image.mean()) * window)
    power = np.abs(spectrum) ** 2 / np.sum(window**2)
    frequency = np.hypot(
        np.fft.fftfreq(image.shape[0], 0.5)[:, np.newaxis],
        np.fft.rfftfreq(image.shape[1], 0.5),
    )
    edges = np.linspace(low, high, max(round((high - low) * min(image.shape) / 4), 2))
    rings = [(frequency >= a) & (frequency < b) for a, b in pairwise(edges)]
    return NoiseSpectrum(
        np.array([frequency[ring].mean() for ring in rings]),
        # Powers of noise are exponential, and the median is the mean times ln 2.
        np.array([np.median(power[ring]) / np.log(2) for ring in rings]),
        # A Hann window makes neighbors alike.
        np.array([ring.sum() / 2.25 for ring in rings]),
    )


def _columns(counts: np.ndarray, sampling: float, box: Box) -> pd.DataFrame:
    row, column, height, width = box
    around = round(AROUND / sampling)
    top, left = max(row - around, 0), max(column - around, 0)
    seen = counts[top : row + height + around, left : column + width + around]
    image = HRTEM(seen)
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = sampling / 10, "nm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pixels as large as 0.5 Å
        network = load(NETWORK).averaged()
        found = image.segment(network, show_progressbar=False).find_columns()
    moved = 10 * found[["x", "y"]] - np.array([column - left, row - top]) * sampling
    last = (np.array([width, height]) - 0.5) * sampling
    inside = ((moved > -sampling / 2) & (moved < last)).all(axis=1)
    return moved[inside].assign(**{"class": "C"}).reset_index(drop=True)


def _part(box: Box) -> tuple[slice, slice]:
    row, column, height, width = box
    return slice(row, row + height), slice(column, column + width)
