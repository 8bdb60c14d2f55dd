# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit of the lenses of a focal series to its images, with a wave that is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength
from hyperspy_hrtemnn.user_warnings import warn_user

from .copied_images import check_copies, warn_of_shared_noise
from .least_squares import minimize
from .noise_level import warn_of_noise
from .optics_of_vector import optics_of_vector
from .repeated_error import repeated_error
from .residuals import SeriesResiduals
from .said_lenses import warn_of_lenses
from .series_problem import SeriesProblem, contrast
from .starts import best_start
from .wave_error import WaveError, wave_mixing, wave_power
from .working_grid import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector

    from .fitted_optics import FittedOptics
    from .least_squares import NormalEquations
    from .lens_parameters import ParameterList

# Highest frequency of the search for the right minimum [1/Å].
_COARSE = 1.0

# What a column shows of the wave around it, beside what the defocus spreads [Å].
_COLUMN = 3.0

# Share of the contrast above which nothing is found.
_NOTHING = 0.5

# Share above which the lenses may be wrong.
_DOUBTFUL = 0.08

_ITERATIONS = 20

# Three times the noise makes standard errors twice too large.
_MORE_NOISE = (
    "All standard errors are too large, for more noise is taken for an error of the "
    "wave."
)


def fit_optics(
    wave: NDArray[np.complexfloating],
    images: NDArray[np.floating],
    detector: Detector,
    energy: float,
    defocus: Sequence[float],
    *,
    Cs: float = 0.0,
    smoothing: float = 0.15,
    margin: float | None = None,
    valid: NDArray[np.bool_] | None = None,
    wave_error: WaveError | None = None,
) -> FittedOptics:
    """Fit the lenses of a focal series to its images, with a wave that is held.

    The images that lenses make of the wave are compared with those of the detector, in
    units of their noise, frequency by frequency up to 2 /Å: shot noise behind the MTF
    and readout noise. Defocus, shift and dose of each image and the aberrations, focal
    spread and blur of all of them change by the method of Levenberg and Marquardt with
    exact derivatives, first from several starts at low frequencies. Then differences
    that an error of the wave would make in all images alike count less (`wave_error`).

    The standard errors are of the curvature, that is, of noise and of the error of the
    wave as the residuals show it, and of `wave_error` for what they cannot show.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x); 1 = vacuum.
    images
        Electrons in each pixel, shape (image, y, x), two images or more on the pixels
        of the wave.
    detector
        Pixel size, MTF and readout noise; its dose is not used.
    energy
        Beam energy [keV].
    defocus
        Guess of the defocus of each image, positive = underfocus [Å], right to 20 Å.
    Cs
        Guess of the spherical aberration [Å], right to 1.5 µm.
    smoothing
        Standard deviation of the Gaussian by which the wave is smoothed [Å]; lenses
        would blur the images as it does.
    margin
        Width of the border that is not compared, because a defocused image shows what
        is beyond the wave [Å]; 0 for images that are periodic. The default is how far
        the largest defocus carries 1 /Å, and 3 Å.
    valid
        Pixels of the images that are data, shape (y, x); by default all.
    wave_error
        Standard errors of the wave that no image of it shows; by default none, so that
        all errors are relative to the wave.

    Raises
    ------
    ValueError
        If shapes do not fit, two images are the same, a number is out of range, the
        images show nothing above their noise, or no lens makes such images of the wave.

    Warns
    -----
    UserWarning
        If more than 8 % of the contrast is unexplained, the lenses are farther from
        the guess than it has to be right, or the noise is not that of the detector, or
        the same in two images.
    """
    centers = np.asarray(defocus, np.float64)
    if len(images) != len(centers) or len(images) < 2:
        raise ValueError(
            f"There are {len(images)} images and {len(centers)} values of the defocus; "
            "a focal series of two images or more is needed, and a guess for each."
        )
    if valid is None:
        valid = np.ones(wave.shape, bool)
    if margin is None:
        margin = wavelength(energy) * float(np.max(np.abs(centers))) + _COLUMN
    problem = SeriesProblem(wave, images, detector, energy, valid, margin)
    check_copies(images, valid)
    coarse = problem.residuals(_COARSE)
    guess = problem.guess(centers, Cs, smoothing)
    vector = best_start(coarse, guess, contrast(coarse, guess))
    parameters = coarse.model.parameters
    places = [*parameters.places("shift_y"), *parameters.places("shift_x")]
    fine = problem.residuals(HIGHEST, float(np.abs(vector[places]).max()))
    vector, equations = _minimum(fine, vector)
    visible, freedom = contrast(fine, vector), fine.series.freedom
    _refuse(equations.chi2 - freedom, visible)
    vector, covariance = _with_wave_error(fine, vector)
    _add(covariance, parameters, WaveError() if wave_error is None else wave_error)
    chi2, freedom = fine.chi2(vector), freedom - len(vector)
    _refuse(chi2 - freedom, visible)
    fitted = optics_of_vector(
        vector,
        covariance,
        fine,
        energy=energy,
        smoothing=smoothing,
        sampling=detector.sampling,
        chi2=chi2 / freedom,
        unexplained=(chi2 - freedom) / visible,
    )
    _warn(fitted, uncertain=float(np.sqrt(2 * freedom)) / visible)
    warn_of_lenses(fitted, centers.tolist(), Cs)
    left = [each for each in fine.compared(fine.spectra(vector)) if each is not None]
    warn_of_shared_noise(left, fine.series.grid.field)
    return fitted


def _minimum(
    residuals: SeriesResiduals, vector: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NormalEquations]:
    return minimize(
        residuals,
        vector,
        residuals.model.parameters.steps,
        iterations=_ITERATIONS,
        tolerance=0.02,
    )


def _with_wave_error(
    residuals: SeriesResiduals, vector: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the parameters where errors of the wave count less, and covariance."""
    for _ in range(2):
        power = wave_power(residuals, vector)
        mixing = wave_mixing(residuals, vector, power)
        mixed = SeriesResiduals(residuals.model, residuals.series, mixing)
        vector, equations = _minimum(mixed, vector)
    covariance = equations.covariance(residuals.model.parameters.steps)
    return vector, covariance + repeated_error(mixed, vector, power, covariance)


def _add(
    covariance: NDArray[np.float64], parameters: ParameterList, error: WaveError
) -> None:
    """Add the errors of the wave that no image shows to a covariance, in place."""
    for name, value in (
        ("defocus", error.plane),
        ("shift_y", error.place),
        ("shift_x", error.place),
        ("log_electrons", error.brightness),
    ):
        places = parameters.places(name)
        covariance[np.ix_(places, places)] += value**2
    for name in ("blur_squared", "focal_spread_squared"):
        place = parameters.place(name)
        covariance[place, place] += getattr(error, name) ** 2


def _warn(fitted: FittedOptics, uncertain: float) -> None:
    """Warn if the lenses may be wrong, or the noise is not the detector's.

    `uncertain` is the standard error that noise gives the unexplained share.
    """
    if fitted.unexplained > _DOUBTFUL + 2 * uncertain:
        warn_user(
            f"{fitted.unexplained:.0%} of the contrast of the images is not in those "
            "of the wave, where waves of networks with the right lenses leave 1 to 7 "
            "%: the lenses may be wrong. Try another guess of defocus and Cs, or a "
            "better wave."
        )
    warn_of_noise(fitted.noise, _MORE_NOISE)


def _refuse(remaining: float, visible: float) -> None:
    """Raise a ValueError if too much of what is visible remains unexplained."""
    if remaining > _NOTHING * visible:
        raise ValueError(
            f"No lens makes such images of this wave: {remaining / visible:.0%} of "
            "their contrast is left unexplained. Is the wave of these images, in their "
            "orientation, and smoothed by no more than 'smoothing'? Are the energy, "
            "the pixel size and the detector right, and the defocus (positive = "
            "underfocus) to 2 nm and Cs to 1.5 µm?"
        )
