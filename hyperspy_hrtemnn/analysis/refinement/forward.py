# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward model: the images of a wave, and their derivatives by all lens parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .lens_parameters import OWN, SHARED, ParameterList, parameter_maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .working_grid import WorkingGrid

# Largest logarithm of an amplification, where a square is negative during a fit.
_LARGEST = np.float32(3.0)


class ForwardModel:
    """The images that lenses make of a wave.

    Parameters
    ----------
    spectrum
        Spectrum of the wave on the grid, shape (y, x).
    grid
        The grid.
    energy
        Beam energy [keV].
    images
        Number of images.
    """

    def __init__(
        self,
        spectrum: NDArray[np.complex64],
        grid: WorkingGrid,
        energy: float,
        images: int,
    ) -> None:
        self.grid = grid
        self.spectrum = spectrum
        self.parameters = ParameterList(images)
        self._maps = parameter_maps(grid, energy)

    def transfer(
        self, vector: NDArray[np.float64], image: int
    ) -> NDArray[np.complex64]:
        """Return the transfer function of an image, its shift included, shape (y, x).

        Parameters
        ----------
        vector
            All parameters, in the order of `ParameterList`.
        image
            Number of the image.
        """
        exponent = np.zeros(self.grid.shape, np.complex64)
        for place, name in self._lens_parameters(image):
            exponent -= np.float32(vector[place]) * self._maps[name]
        np.minimum(exponent.real, _LARGEST, out=exponent.real)
        return np.asarray(np.exp(exponent) * self.grid.band, np.complex64)

    def electrons(self, vector: NDArray[np.float64], image: int) -> np.float32:
        """Return the electrons a pixel of an image in vacuum."""
        place = self.parameters.place("log_electrons", image)
        return np.float32(np.exp(vector[place]))

    def passed(self, vector: NDArray[np.float64], image: int) -> NDArray[np.complex64]:
        """Return the wave behind the lenses, shape (y, x)."""
        return _wave(self.transfer(vector, image) * self.spectrum)

    def image(self, vector: NDArray[np.float64], image: int) -> NDArray[np.complex64]:
        """Return the half spectrum of an image [electrons a pixel].

        Parameters
        ----------
        vector, image
            As of `transfer`.

        Returns
        -------
        Shape (y, x // 2 + 1), as of `scipy.fft.rfft2`.
        """
        wave = self.passed(vector, image)
        return self.electrons(vector, image) * _half_spectrum(
            wave.real**2 + wave.imag**2
        )

    def derivatives(
        self, vector: NDArray[np.float64], image: int
    ) -> Iterator[tuple[int, NDArray[np.complex64]]]:
        """Yield the place of each parameter of an image, and its derivative.

        Parameters
        ----------
        vector, image
            As of `image`, whose half spectrum is differentiated.
        """
        electrons = self.electrons(vector, image)
        spectrum = self.transfer(vector, image) * self.spectrum
        wave = _wave(spectrum)
        brightness = wave.real**2 + wave.imag**2
        yield (
            self.parameters.place("log_electrons", image),
            electrons * _half_spectrum(brightness),
        )
        for place, name in self._lens_parameters(image):
            turned = _wave(self._maps[name] * spectrum)
            darker = 2 * (wave.real * turned.real + wave.imag * turned.imag)
            yield place, -electrons * _half_spectrum(darker)

    def _lens_parameters(self, image: int) -> Iterator[tuple[int, str]]:
        """Yield place and name of the parameters of an image's transfer function."""
        for name in SHARED:
            yield self.parameters.place(name), name
        for name in OWN:
            if name in self._maps:
                yield self.parameters.place(name, image), name


def _wave(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    wave: NDArray[np.complex64] = scipy.fft.ifft2(spectrum, norm="forward", workers=-1)
    return wave


def _half_spectrum(image: NDArray[np.float32]) -> NDArray[np.complex64]:
    spectrum: NDArray[np.complex64] = scipy.fft.rfft2(image, norm="forward", workers=-1)
    return spectrum
