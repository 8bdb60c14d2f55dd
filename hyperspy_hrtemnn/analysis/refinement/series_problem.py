# SPDX-License-Identifier: GPL-3.0-or-later
"""Series problem: a wave and the images of a focal series, to be compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .forward import ForwardModel
from .residuals import SeriesResiduals
from .whitening import WhitenedSeries
from .working_grid import WorkingGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector

# Guesses of what is found from any [Å].
_FOCAL_SPREAD, _BLUR = 12.0, 0.16

# Share of the field's shorter side that a margin may take.
_LARGEST_MARGIN = 0.25

# Contrast below which there is nothing to fit [standard deviations of chi²].
_LEAST_CONTRAST = 10.0


@dataclass(frozen=True)
class SeriesProblem:
    """A wave and images of it, of which residuals up to any frequency are made.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    images
        Electrons in each pixel, shape (image, y, x).
    detector
        Pixel size, MTF and readout noise.
    energy
        Beam energy [keV].
    valid
        Pixels that are data, shape (y, x).
    margin
        Width of the border that is not compared [Å], up to a quarter of the field.
    any_contrast
        Whether the contrast of the images is fitted.

    Raises
    ------
    ValueError
        If the shapes do not fit or a pixel is not finite.
    """

    wave: NDArray[np.complexfloating]
    images: NDArray[np.floating]
    detector: Detector
    energy: float
    valid: NDArray[np.bool_]
    margin: float
    any_contrast: bool = False

    def __post_init__(self) -> None:
        wave, images = self.wave, self.images
        if wave.ndim != 2 or images.ndim != 3 or images.shape[1:] != wave.shape:
            raise ValueError(
                f"The wave has the shape {wave.shape}, the images have {images.shape}; "
                "a wave (y, x) and images (image, y, x) of its pixels are needed."
            )
        for name, array in (("wave has", wave), ("images have", images)):
            if not np.isfinite(array).all():
                raise ValueError(f"The {name} NaN or infinite pixels; replace them.")
        for name in ("sampling", "readout"):
            value = getattr(self.detector, name)
            if not (value >= 0 and math.isfinite(value)) or name == value == 0:
                raise ValueError(f"{name} of the detector cannot be {value}.")
        if not self.margin >= 0:
            raise ValueError(f"margin cannot be negative, as {self.margin} is.")

    def residuals(self, highest: float, moved: float = 0.0) -> SeriesResiduals:
        """Return the residuals up to a frequency.

        Parameters
        ----------
        highest
            The frequency [1/Å]; that of Nyquist, if it is lower.
        moved
            Largest shift of an image [Å], by which the margin is wider.
        """
        sampling = self.detector.sampling
        height, width = self.wave.shape
        grid = WorkingGrid(
            (height * sampling, width * sampling), min(highest, 0.5 / sampling)
        )
        compared = self._compared((self.margin + moved) / sampling)
        series = WhitenedSeries(self.images, compared, self.detector, grid)
        spectrum = grid.spectrum(np.asarray(self.wave, np.complex64))
        model = ForwardModel(
            spectrum,
            grid,
            self.energy,
            len(self.images),
            any_contrast=self.any_contrast,
        )
        return SeriesResiduals(model, series)

    def guess(
        self, defocus: NDArray[np.float64], Cs: float, smoothing: float
    ) -> NDArray[np.float64]:
        """Return the parameters of a user's guess, lengths in Å."""
        residuals = self.residuals(1.0)
        parameters = residuals.model.parameters
        guess = np.zeros(len(parameters))
        guess[parameters.place("Cs")] = Cs
        guess[parameters.place("focal_spread_squared")] = _FOCAL_SPREAD**2
        guess[parameters.place("blur_squared")] = _BLUR**2 - smoothing**2
        guess[parameters.places("defocus")] = defocus
        brightness = float(np.mean(np.abs(self.wave[self.valid]) ** 2))
        electrons = np.maximum(residuals.series.mean, 1e-6) / brightness
        guess[parameters.places("log_electrons")] = np.log(electrons)
        return guess

    def _compared(self, margin: float) -> NDArray[np.bool_]:
        """Return the valid pixels that are not in a margin [pixels]."""
        border = math.ceil(min(margin, _LARGEST_MARGIN * min(self.valid.shape)))
        inside = np.zeros_like(self.valid)
        rows, columns = (slice(border, n - border) for n in self.valid.shape)
        inside[rows, columns] = self.valid[rows, columns]
        if not inside.any():
            raise ValueError(
                f"No pixel of the images is data beyond {border} pixels from their "
                "border; give a smaller margin, or images of more data."
            )
        return inside


def contrast(residuals: SeriesResiduals, vector: NDArray[np.float64]) -> float:
    """Return chi² of images without contrast, less that of noise.

    Parameters
    ----------
    residuals
        Residuals without mixing.
    vector
        Parameters of the lenses, the damping of which counts.

    Raises
    ------
    ValueError
        If there is none.
    """
    series, model = residuals.series, residuals.model
    flat = np.zeros_like(model.spectrum)
    flat[0, 0] = 1
    vector = vector.copy()
    vector[model.parameters.places("log_electrons")] = np.log(series.mean)
    empty = ForwardModel(flat, series.grid, 1.0, len(series))
    power = SeriesResiduals(empty, series).chi2(vector) - series.freedom
    if power < _LEAST_CONTRAST * math.sqrt(2 * series.freedom):
        raise ValueError(
            "The images show nothing above the noise of this detector, so that no lens "
            "can be fitted. Are dose, counts_per_electron and readout right?"
        )
    return power
