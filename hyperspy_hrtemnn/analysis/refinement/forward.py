# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward model: the images of a wave, and their derivatives by all lens parameters.

The focal spread adds up intensities, as in a microscope: an image is that of few waves.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from .focal_shells import FocalShells
from .lens_parameters import OWN, SHARED, ParameterList, parameter_maps
from .lensed_wave import LensedWave, wave_of

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
    any_contrast
        Whether the contrast of the images is fitted: of stretched images, or behind a
        background, the zero is not known.
    """

    def __init__(
        self,
        spectrum: NDArray[np.complex64],
        grid: WorkingGrid,
        energy: float,
        images: int,
        *,
        any_contrast: bool = False,
    ) -> None:
        self.grid = grid
        self.spectrum = spectrum
        self.parameters = ParameterList(images, any_contrast)
        self._maps = parameter_maps(grid, energy)
        self._focal = FocalShells(grid, energy)
        turning = [n for n, each in self._maps.items() if np.iscomplexobj(each)]
        damping = [n for n in self._maps if n not in turning]
        # Of the frequencies in the band only, which are less than half of all.
        self._turning = _in_band(grid, {n: self._maps[n].imag for n in turning})
        self._damping = _in_band(grid, {n: self._maps[n].real for n in damping})

    def of_wave(self, spectrum: NDArray[np.complex64]) -> ForwardModel:
        """Return the model of another wave on the same grid.

        Parameters
        ----------
        spectrum
            Spectrum of the wave, shape (y, x).
        """
        other = copy(self)
        other.spectrum = spectrum
        return other

    def transfer(
        self, vector: NDArray[np.float64], image: int
    ) -> NDArray[np.complex64]:
        """Return the transfer function of an image, its shift included, shape (y, x).

        With the temporal envelope: it makes the linear part of the image.

        Parameters
        ----------
        vector
            All parameters, in the order of `ParameterList`.
        image
            Number of the image.
        """
        turned = self._values(vector, image, self._turning) @ self._turning.maps
        damped = self._values(vector, image, self._damping) @ self._damping.maps
        size = np.exp(np.minimum(-damped, _LARGEST))
        inside = np.empty(turned.shape, np.complex64)
        np.multiply(size, np.cos(turned), out=inside.real)
        np.multiply(size, -np.sin(turned), out=inside.imag)
        transfer = np.zeros(self.grid.shape, np.complex64)
        transfer[self.grid.band] = inside
        return transfer

    def electrons(self, vector: NDArray[np.float64], image: int) -> np.float32:
        """Return the electrons a pixel of an image in vacuum."""
        place = self.parameters.place("log_electrons", image)
        return np.float32(np.exp(vector[place]))

    def stretch(self, vector: NDArray[np.float64], image: int) -> np.float32:
        """Return by what the brightness of a wave is multiplied [electrons a pixel].

        Electrons a pixel, times the factor by which the contrast is stronger.
        """
        place = self.parameters.place("log_contrast", image)
        return np.float32(self.electrons(vector, image) * np.exp(vector[place]))

    def lensed(self, vector: NDArray[np.float64], image: int) -> LensedWave:
        """Return the waves behind the lenses; as `transfer`."""
        transfer = self.transfer(vector, image)
        spectrum = transfer * self.spectrum
        place = self.parameters.place("focal_spread_squared")
        focal = self._focal.terms(float(vector[place]))
        return LensedWave(transfer, spectrum, focal, wave_of(focal.factors * spectrum))

    def image(
        self,
        vector: NDArray[np.float64],
        image: int,
        lensed: LensedWave | None = None,
    ) -> NDArray[np.complex64]:
        """Return the half spectrum of an image [electrons a pixel].

        Parameters
        ----------
        vector, image
            As of `transfer`.
        lensed
            What `lensed` returns for them, if it is known.

        Returns
        -------
        Shape (y, x // 2 + 1), as of `scipy.fft.rfft2`.
        """
        lensed = lensed or self.lensed(vector, image)
        electrons, stretch = self.electrons(vector, image), self.stretch(vector, image)
        return _half_spectrum(stretch * lensed.brightness() + (electrons - stretch))

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
        lensed = self.lensed(vector, image)
        stretch = self.stretch(vector, image)
        contrast = stretch * (lensed.brightness() - 1)
        yield (
            self.parameters.place("log_electrons", image),
            _half_spectrum(electrons + contrast),
        )
        yield (
            self.parameters.place("log_contrast", image),
            _half_spectrum(contrast),
        )
        for place, name in self._lens_parameters(image):
            brighter = -lensed.change(self._maps[name] * lensed.spectrum)
            if name == "focal_spread_squared":
                brighter += lensed.focal_change()
            yield place, stretch * _half_spectrum(brighter)

    def gradient(
        self,
        vector: NDArray[np.float64],
        image: int,
        by_image: NDArray[np.float32],
        lensed: LensedWave | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.complex64]]:
        """Return the gradients by parameters and by the wave from that by an image.

        Parameters
        ----------
        vector, image, lensed
            As of `image`.
        by_image
            Gradient by the pixels of the image, shape (y, x).

        Returns
        -------
        Shape (parameter,), and the spectrum of the gradient by the wave, shape (y, x):
        `scipy.fft.ifft2` makes of it the array whose conjugate, times a change of the
        wave, sums up to the change of the value.
        """
        lensed = lensed or self.lensed(vector, image)
        by_brightness = self.stretch(vector, image) * by_image
        pulls = lensed.pulls(by_brightness)
        by_spectrum = lensed.pull(pulls)
        pull = (by_spectrum.conj() * lensed.spectrum)[self.grid.band]
        found = np.zeros(len(self.parameters))
        for maps, along in ((self._turning, pull.imag), (self._damping, -pull.real)):
            found[self._places(image, maps)] = maps.maps @ along
        place = self.parameters.place("focal_spread_squared")
        found[place] += lensed.focal_pull(by_brightness, pulls)
        contrast = by_brightness * (lensed.brightness() - 1)
        stronger = float(np.sum(contrast, dtype=np.float64))
        found[self.parameters.place("log_contrast", image)] = stronger
        brighter = self.electrons(vector, image) * np.sum(by_image, dtype=np.float64)
        place = self.parameters.place("log_electrons", image)
        found[place] = stronger + float(brighter)
        return found, lensed.transfer.conj() * by_spectrum

    def _places(self, image: int, maps: _Maps) -> list[int]:
        """Return the places of the parameters of maps in the vector."""
        return [
            self.parameters.place(name, None if name in SHARED else image)
            for name in maps.names
        ]

    def _values(
        self, vector: NDArray[np.float64], image: int, maps: _Maps
    ) -> NDArray[np.float32]:
        return np.asarray(vector[self._places(image, maps)], np.float32)

    def _lens_parameters(self, image: int) -> Iterator[tuple[int, str]]:
        """Yield place and name of the parameters of an image's transfer function."""
        for name in SHARED:
            yield self.parameters.place(name), name
        for name in OWN:
            if name in self._maps:
                yield self.parameters.place(name, image), name


@dataclass(frozen=True)
class _Maps:
    """Maps of parameters in the band, shape (parameter, frequency)."""

    names: tuple[str, ...]
    maps: NDArray[np.float32]


def _in_band(grid: WorkingGrid, maps: dict[str, NDArray[np.floating]]) -> _Maps:
    inside = [each[grid.band] for each in maps.values()]
    return _Maps(tuple(maps), np.asarray(inside, np.float32))


def _half_spectrum(image: NDArray[np.float32]) -> NDArray[np.complex64]:
    spectrum: NDArray[np.complex64] = scipy.fft.rfft2(image, norm="forward", workers=-1)
    return spectrum
