# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a series: the middle of a larger field, so that they are not periodic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hyperspy.api as hs
import numpy as np
import scipy.fft
from scipy.ndimage import fourier_shift

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hyperspy_hrtemnn.analysis import detect_electrons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import Detector
    from hyperspy_hrtemnn.signals import HRTEM

BORDER = 3.0
"""Width that is cut off on each side of the field [Å]."""

STEP = 5.0
"""Defocus from image to image in the recipes [nm]."""


def middle(pixel: float, border: float = BORDER) -> slice:
    """Return the pixels of the field that are shown."""
    pixels = round(border / pixel)
    return slice(pixels, -pixels)


def shifted(
    image: NDArray[np.float32], pixels: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return a periodic image shifted along (y, x), by its Fourier series."""
    spectrum = fourier_shift(scipy.fft.fft2(image), pixels)
    return np.asarray(np.maximum(scipy.fft.ifft2(spectrum).real, 0), np.float32)


def detected(
    intensities: list[NDArray[np.float32]],
    detector: Detector,
    rng: np.random.Generator,
    border: float = BORDER,
) -> NDArray[np.float32]:
    """Return the middle of the images as the detector reads them, (image, y, x)."""
    inside = middle(detector.sampling, border)
    images = [detect_electrons(each, detector, rng) for each in intensities]
    return np.stack([image[inside, inside] for image in images])


def focal_series(
    images: NDArray[np.float32], pixel: float, guess: float, energy: float
) -> HRTEM:
    """Return a series whose first image a user takes for one at this defocus [Å]."""
    series: HRTEM = hs.signals.Signal2D(images)
    series.set_signal_type("HRTEM")
    axis = series.axes_manager.navigation_axes[0]
    axis.name, axis.units, axis.scale = "defocus", "nm", STEP
    axis.offset = guess / 10
    for axis, name in zip(series.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, pixel / 10, "nm"
    series.metadata.set_item("Acquisition_instrument.TEM.beam_energy", energy)
    return series


def shown_wave(
    wave: NDArray[np.complexfloating],
    field: float,
    pixel: float,
    border: float = BORDER,
) -> NDArray[np.complex64]:
    """Return the exit wave, smoothed by 15 pm, on the pixels that are shown."""
    shape = (round(field / pixel),) * 2
    grid = Grid((-pixel / 2, -pixel / 2), (field, field), shape)
    inside = middle(pixel, border)
    parts = smoothed(wave, (field, field), grid)[inside, inside]
    return np.asarray(parts[..., 0] + 1j * parts[..., 1], np.complex64)
