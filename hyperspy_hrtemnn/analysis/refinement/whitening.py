# SPDX-License-Identifier: GPL-3.0-or-later
"""Whitening: images of a camera against expected ones, in units of their noise.

Shot noise passes the MTF, readout noise comes after it. A frequency of an image of N
electrons a pixel and readout noise N0 has the variance (N MTF² + N0) a pixel, and
differences over its root are white: their squares add up to chi².
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.ndimage import distance_transform_edt

from hyperspy_hrtemnn.analysis.microscope.detector import parametric_mtf

from .working_grid import half

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector

    from .working_grid import WorkingGrid


class WhitenedSeries:
    """The images of a focal series, over their noise.

    Parameters
    ----------
    images
        Electrons a pixel, shape (image, y, x).
    valid
        Pixels that are compared, shape (y, x).
    detector
        Pixel size, MTF and readout noise.
    grid
        Working grid over the images.

    Attributes
    ----------
    weights
        Factor by which the half spectrum of an expected image is brought into units of
        noise, float32, shape (image, y, x // 2 + 1).
    measured
        Half spectra of the images in these units.
    mean
        Mean of each image over the compared pixels [electrons a pixel].
    freedom
        Number of independent values that are compared.
    """

    def __init__(
        self,
        images: NDArray[np.floating],
        valid: NDArray[np.bool_],
        detector: Detector,
        grid: WorkingGrid,
    ) -> None:
        self.grid = grid
        self.mask = grid.on_grid(valid).astype(np.float32)
        self.mean = np.array([image[valid].mean() for image in images], np.float64)
        response = _response(detector, grid)
        power = self.mean[:, np.newaxis, np.newaxis] * response**2 + detector.readout
        noise = np.sqrt(power / valid.size)
        band = half(grid.band)
        self.weights = np.asarray(band * response / noise, np.float32)
        spectra = np.stack([half(grid.spectrum(image)) for image in images])
        self.measured = np.asarray(spectra * (band / noise), np.complex64)
        share = float(self.mask.mean())
        self.freedom = len(images) * int(grid.band.sum()) * share

    def __len__(self) -> int:
        return len(self.weights)

    def away(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far positions (y, x) are from the compared pixels [Å].

        Parameters
        ----------
        positions
            Positions from the first pixel of the grid [Å], shape (place, 2).
        """
        pixel = np.array(self.grid.field) / self.grid.shape
        distances = distance_transform_edt(self.mask == 0, sampling=pixel)
        nearest = np.round(positions / pixel).astype(int)
        rows, columns = np.clip(nearest, 0, np.array(self.grid.shape) - 1).T
        return np.asarray(distances[rows, columns])

    def compared(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return a whitened half spectrum as an image, 0 where nothing is compared."""
        image = scipy.fft.irfft2(spectrum, self.grid.shape, norm="ortho", workers=-1)
        return np.asarray(self.mask * image, np.float32)

    def spectrum(self, image: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return the half spectrum of a whitened image, the inverse of `compared`."""
        whole: NDArray[np.complex64] = scipy.fft.rfft2(image, norm="ortho", workers=-1)
        return whole

    def by_image(
        self, residual: NDArray[np.float32], image: int
    ) -> NDArray[np.float32]:
        """Return half the gradient of the sum of squares by the pixels of an image.

        Parameters
        ----------
        residual
            What is compared of the whitened residual, as of `compared`.
        image
            Number of the image.
        """
        # Whitening is a convolution with an even kernel, its own adjoint.
        spectrum = self.weights[image] * scipy.fft.rfft2(residual, workers=-1)
        pixels = scipy.fft.irfft2(spectrum, self.grid.shape, workers=-1)
        return np.asarray(pixels / np.sqrt(residual.size), np.float32)


def _response(detector: Detector, grid: WorkingGrid) -> NDArray[np.float64]:
    """Return the MTF on a grid, shape (y, x // 2 + 1)."""
    if not detector.has_mtf:
        return np.ones_like(half(grid.squared), np.float64)
    nyquist = np.sqrt(half(grid.squared).astype(np.float64)) * 2 * detector.sampling
    c0, c3, floor = detector.mtf_c0, detector.mtf_c3, detector.mtf_floor
    return np.asarray(parametric_mtf(nyquist, c0, c3, floor))
