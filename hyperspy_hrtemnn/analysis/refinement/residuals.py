# SPDX-License-Identifier: GPL-3.0-or-later
"""Residuals: the images of a wave less those of the camera, in units of their noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.cores import on_all_cores

from .least_squares import NormalEquations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .forward import ForwardModel
    from .lensed_wave import LensedWave
    from .whitening import WhitenedSeries

    Spectra = list[NDArray[np.complex64] | None]
    """Whitened half spectrum of each image; None is 0."""


class SeriesResiduals:
    """Residuals of a focal series, a `Problem` of least squares.

    Parameters
    ----------
    model
        Model of the images.
    series
        The images.
    mixing
        Lower triangular matrices, shape (image, image, y, x // 2 + 1), that make noise
        white which the images have in common; by default they have none.
    """

    def __init__(
        self,
        model: ForwardModel,
        series: WhitenedSeries,
        mixing: NDArray[np.complex64] | None = None,
    ) -> None:
        self.model = model
        self.series = series
        self.mixing = mixing

    def of_wave(self, spectrum: NDArray[np.complex64]) -> SeriesResiduals:
        """Return the residuals of another wave.

        Parameters
        ----------
        spectrum
            Spectrum of the wave on the grid.
        """
        return SeriesResiduals(self.model.of_wave(spectrum), self.series, self.mixing)

    def spectra(self, vector: NDArray[np.float64]) -> Spectra:
        """Return the whitened half spectra of the residuals, not mixed."""
        return on_all_cores(
            lambda image: self.expected(vector, image) - self.series.measured[image],
            range(len(self.series)),
        )

    def expected(
        self,
        vector: NDArray[np.float64],
        image: int,
        lensed: LensedWave | None = None,
    ) -> NDArray[np.complex64]:
        """Return the whitened half spectrum of an image; as `ForwardModel.image`."""
        return np.asarray(
            self.series.weights[image] * self.model.image(vector, image, lensed),
            np.complex64,
        )

    def derivatives(self, vector: NDArray[np.float64]) -> list[Spectra]:
        """Return the derivatives of `spectra` by each parameter."""
        count = len(self.series)
        found: list[Spectra] = [
            [None] * count for _ in range(len(self.model.parameters))
        ]

        def of_image(image: int) -> None:
            weights = self.series.weights[image]
            for place, derivative in self.model.derivatives(vector, image):
                found[place][image] = weights * derivative

        on_all_cores(of_image, range(count))
        return found

    def compared(
        self, spectra: Sequence[NDArray[np.complex64] | None]
    ) -> list[NDArray[np.float32] | None]:
        """Return half spectra, mixed, as images of what is compared."""
        return on_all_cores(
            lambda each: None if each is None else self.series.compared(each),
            self._mixed(spectra),
        )

    def chi2(self, vector: NDArray[np.float64]) -> float:
        """Return the sum of the squared residuals."""
        images = self.compared(self.spectra(vector))
        return sum(_dot(image, image) for image in images if image is not None)

    def normal_equations(self, vector: NDArray[np.float64]) -> NormalEquations:
        """Return the normal equations at a vector of parameters."""
        residuals = self.compared(self.spectra(vector))
        mixed = [self._mixed(each) for each in self.derivatives(vector)]
        size = len(mixed)

        def of_image(image: int) -> NormalEquations:
            residual = residuals[image]
            assert residual is not None  # noqa: S101 - each image has a residual
            # Other images' own parameters do not change this one.
            places = [p for p in range(size) if mixed[p][image] is not None]
            jacobian = np.stack(
                [self.series.compared(mixed[p][image]).ravel() for p in places]  # type: ignore[arg-type]
            )
            gradient, matrix = np.zeros(size), np.zeros((size, size))
            gradient[places] = jacobian @ residual.ravel()
            matrix[np.ix_(places, places)] = jacobian @ jacobian.T
            return NormalEquations(_dot(residual, residual), gradient, matrix)

        parts = on_all_cores(of_image, range(len(residuals)))
        return NormalEquations(
            sum(each.chi2 for each in parts),
            np.sum([each.gradient for each in parts], axis=0),
            np.sum([each.matrix for each in parts], axis=0),
        )

    def gradient(
        self, vector: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64], NDArray[np.complex64]]:
        """Return half the sum of squares and its gradients; the noise is not mixed.

        Parameters
        ----------
        vector
            All parameters.

        Returns
        -------
        The value, the gradient by all parameters, and the spectrum of that by the wave,
        as of `ForwardModel.gradient`.
        """
        series, model = self.series, self.model

        def of_image(
            image: int,
        ) -> tuple[float, NDArray[np.float64], NDArray[np.complex64]]:
            lensed = model.lensed(vector, image)
            expected = self.expected(vector, image, lensed)
            residual = series.compared(expected - series.measured[image])
            by_image = series.by_image(residual, image)
            gradients = model.gradient(vector, image, by_image, lensed)
            return _dot(residual, residual) / 2, *gradients

        values, by_vector, by_wave = zip(
            *on_all_cores(of_image, range(len(series))), strict=True
        )
        return sum(values), sum(by_vector), sum(by_wave)

    def _mixed(self, spectra: Sequence[NDArray[np.complex64] | None]) -> Spectra:
        if self.mixing is None:
            return list(spectra)
        mixed: Spectra = []
        for row in range(len(spectra)):
            parts = [
                self.mixing[row, column] * each
                for column, each in enumerate(spectra[: row + 1])
                if each is not None
            ]
            mixed.append(sum(parts[1:], parts[0]) if parts else None)
        return mixed


def _dot(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.sum(one * other, dtype=np.float64))
