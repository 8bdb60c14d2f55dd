# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics of a vector: from fitted parameters and their covariance to lenses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .fitted_optics import FittedOptics, Measured
from .lens_parameters import ParameterList
from .noise_level import noise_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .residuals import SeriesResiduals


def optics_of_vector(
    vector: NDArray[np.float64],
    covariance: NDArray[np.float64],
    residuals: SeriesResiduals,
    *,
    energy: float,
    smoothing: float,
    sampling: float,
    chi2: float,
    unexplained: float,
) -> FittedOptics:
    """Return lenses and their errors.

    Parameters
    ----------
    vector, covariance
        Parameters in the order of `ParameterList`, and their covariance.
    residuals
        Residuals without mixing.
    energy
        Beam energy [keV].
    smoothing
        Standard deviation of the Gaussian by which the wave was smoothed [Å].
    sampling
        Pixel size of the images [Å].
    chi2, unexplained
        As of `FittedOptics`.
    """
    parameters = residuals.model.parameters
    errors = np.sqrt(np.diag(covariance))

    def of_images(name: str) -> Measured:
        places = parameters.places(name)
        return Measured(vector[places], errors[places])

    def of_all(name: str) -> Measured:
        place = parameters.place(name)
        return Measured(float(vector[place]), float(errors[place]))

    polar: dict[str, Measured] = {}
    for name, m in (("12", 2), ("21", 1), ("23", 3)):
        places = [parameters.place(f"C{name}_{axis}") for axis in "xy"]
        polar[f"C{name}"], polar[f"phi{name}"] = magnitude_and_angle(
            vector[places], covariance[np.ix_(places, places)], m
        )
    spread, blur = of_all("focal_spread_squared"), of_all("blur_squared")
    shift, drift = _shift_and_drift(vector, covariance, parameters)
    logarithm = of_images("log_electrons")
    dose = np.exp(logarithm.value) / sampling**2
    stronger = of_images("log_contrast")
    contrast = np.exp(stronger.value)
    return FittedOptics(
        energy=energy,
        defocus=of_images("defocus"),
        Cs=of_all("Cs"),
        **polar,
        focal_spread=root(spread.value, spread.error),
        blur=root(blur.value + smoothing**2, blur.error),
        shift=shift,
        drift=drift,
        dose=Measured(dose, dose * logarithm.error),
        contrast=Measured(contrast, contrast * stronger.error),
        chi2=chi2,
        chi2_error=math.sqrt(2 / residuals.series.freedom),
        unexplained=unexplained,
        noise=noise_level(residuals, vector),
    )


def vector_of_optics(
    optics: FittedOptics, smoothing: float, sampling: float
) -> NDArray[np.float64]:
    """Return the parameters of lenses, the inverse of `optics_of_vector`.

    Parameters
    ----------
    optics
        The lenses.
    smoothing, sampling
        As of `optics_of_vector`.
    """
    images = len(optics.defocus.value)
    parameters = ParameterList(images)
    vector = np.zeros(len(parameters))
    vector[parameters.place("Cs")] = optics.Cs.value
    for name, m in (("12", 2), ("21", 1), ("23", 3)):
        size = getattr(optics, f"C{name}").value
        turned = m * getattr(optics, f"phi{name}").value
        vector[parameters.place(f"C{name}_x")] = size * np.cos(turned)
        vector[parameters.place(f"C{name}_y")] = size * np.sin(turned)
    vector[parameters.place("focal_spread_squared")] = optics.focal_spread.value**2
    vector[parameters.place("blur_squared")] = optics.blur.value**2 - smoothing**2
    vector[parameters.places("defocus")] = optics.defocus.value
    shifts = optics.shift.value + optics.drift.value
    vector[parameters.places("shift_y")] = shifts[:, 0]
    vector[parameters.places("shift_x")] = shifts[:, 1]
    electrons = optics.dose.value * sampling**2
    vector[parameters.places("log_electrons")] = np.log(electrons)
    vector[parameters.places("log_contrast")] = np.log(optics.contrast.value)
    return vector


def _shift_and_drift(
    vector: NDArray[np.float64],
    covariance: NDArray[np.float64],
    parameters: ParameterList,
) -> tuple[Measured, Measured]:
    """Return the shift of the first image, and the drift of each relative to it."""
    images = parameters.images
    values = np.zeros((2, images, 2))
    from_first = np.eye(images)
    from_first[:, 0] -= 1
    for axis, name in enumerate(("shift_y", "shift_x")):
        places = parameters.places(name)
        own = covariance[np.ix_(places, places)]
        variance = np.diag(from_first @ own @ from_first.T)
        values[0, :, axis] = from_first @ vector[places]
        values[1, :, axis] = np.sqrt(np.maximum(variance, 0))
    first = [parameters.place(name, 0) for name in ("shift_y", "shift_x")]
    errors = np.sqrt(np.diag(covariance)[first])
    return Measured(vector[first], errors), Measured(*values)


def root(square: float, error: float) -> Measured:
    """Return the root of a square that noise may make negative.

    Parameters
    ----------
    square, error
        The square and its standard error. The error of the root is its upper one, so
        that 0 is not certain.
    """
    value = float(np.sqrt(max(square, 0.0)))
    return Measured(value, float(np.sqrt(value**2 + error)) - value)


def magnitude_and_angle(
    components: NDArray[np.float64], covariance: NDArray[np.float64], m: int
) -> tuple[Measured, Measured]:
    """Return magnitude and azimuth [rad] of an aberration from its components.

    The magnitude is without the bias by which noise makes it too large.

    Parameters
    ----------
    components
        Components along x and y, magnitude times cosine and sine of m times azimuth.
    covariance
        Their covariance, shape (2, 2).
    m
        Symmetry of the aberration.
    """
    squares = float(components @ components)
    noise = float(np.trace(covariance))
    spread = 4 * components @ covariance @ components + 2 * np.sum(covariance**2)
    magnitude = root(squares - noise, math.sqrt(max(float(spread), 0.0)))
    along = np.arctan2(components[1], components[0])
    across = np.array([-np.sin(along), np.cos(along)])
    lateral = float(np.sqrt(across @ covariance @ across))
    # That of an angle of which nothing is known.
    unknown = np.pi / np.sqrt(3)
    turned = min(lateral / max(np.sqrt(squares), 1e-12), unknown)
    return magnitude, Measured(float(along) / m, float(turned) / m)
