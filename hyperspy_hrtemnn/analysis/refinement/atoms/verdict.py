# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdict: whether a sheet explains its images, and is the one that it is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.noise_level import is_off, warn_of_noise
from hyperspy_hrtemnn.user_warnings import warn_user

from .explanation import NotSeenError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .honeycomb import Sites
    from .occupants import Sheet

# Share of the contrast beyond which nothing is found, and beyond which something is
# wrong, if chi² is too large by this many standard deviations, too. Right fits of
# simulations leave up to 0.002, images a lattice vector off 0.006, another metal 0.007
# to 0.04, wrong lenses 0.2.
_NOTHING, _DOUBTFUL, _SIGNIFICANT = 0.5, 0.005, 5.0

# Relative difference of lattice constants above which pixel size or sheet are wrong.
_STRAINED = 0.015

# Tilts [degrees] and energies [keV] at which the product of the waves of columns was
# compared with multislice, docs/atoms_model_error.md: it is right to 0.005 of a wave of
# 1 everywhere there, so that only beyond is it not known.
_STEEPEST, _ENERGIES = 20.0, (50.0, 300.0)

# What more noise than the detector's does to the errors, which chi² scales.
_MORE_NOISE = (
    "Standard errors and probabilities are those of the noise that is found, and hold "
    "if it has the detector's spectrum."
)

# Chi² below which noise is not that of a detector.
_LEAST = 0.9

# Drift between images that is told where something is unexplained [Å].
_DRIFTED = 3.0

# Share of the columns that have to be on sites.
_ON_SITES = 0.5


def judge(optics: FittedOptics) -> None:
    """Refuse a sheet that does not explain its images, or warn.

    Parameters
    ----------
    optics
        Lenses and chi² of the refinement.

    Raises
    ------
    NotSeenError
        If more than half of the contrast is unexplained.

    Warns
    -----
    UserWarning
        If more than half a percent is, or the noise is not that of the detector.
    """
    share, alone = _unexplained(optics), _noise_alone(optics)
    if share > _NOTHING:
        raise NotSeenError(
            f"The atoms do not explain the images: {share:.0%} of their contrast is "
            "left. Are the columns those of these images, and are energy, pixel size "
            "and detector right?"
        )
    if share > _DOUBTFUL:
        warn_user(
            f"{share:.1%} of the contrast of the images is not that of the atoms (chi² "
            f"{optics.chi2:.3f}, noise alone {alone:.3g} ± "
            f"{alone * optics.chi2_error:.2g}): look at the residuals. Something else "
            "may be there, such as contamination; if it is everywhere, the lenses or "
            "the elements may be wrong: of WS2 taken for MoS2, whose lattice is the "
            f"same, metal and sulfur are exchanged.{_drift_of(optics)}"
        )
    warn_of_noise(optics.noise, _MORE_NOISE)
    if optics.chi2 < _LEAST - _SIGNIFICANT * optics.chi2_error and not (
        optics.noise.value < 1 and is_off(optics.noise)
    ):
        warn_user(
            f"chi² is {optics.chi2:.2f}, less than the noise of this detector alone: "
            "all standard errors are too large. Are mtf and readout right, and are the "
            "images as they were recorded, not rounded, filtered or compressed?"
        )


def _noise_alone(optics: FittedOptics) -> float:
    """Return chi² of what is taken for noise: more than the detector's is found."""
    more = is_off(optics.noise) and optics.noise.value > 1
    return float(optics.noise.value) if more else 1.0


def _unexplained(optics: FittedOptics) -> float:
    """Return the share of the contrast beyond noise that is left, 0 by chance."""
    alone = _noise_alone(optics)
    if optics.chi2 - alone <= _SIGNIFICANT * optics.chi2_error * alone:
        return 0.0
    # Of a wrong dose alone chi² is 10, and nothing else is there.
    return optics.unexplained * (optics.chi2 - alone) / (optics.chi2 - 1)


def _drift_of(optics: FittedOptics) -> str:
    """Return a sentence on the drift between the images, if there is much."""
    drift = np.hypot(*np.transpose(optics.drift.value))
    if drift.max() < _DRIFTED:
        return ""
    return (
        f" From the first image to image {drift.argmax()} the sample moved by "
        f"{drift.max() / 10:.1f} nm: what is at the edge of one is outside of another, "
        "and it may have moved while one was taken, too."
    )


def judge_model(normal: NDArray[np.float64], energy: float) -> None:
    """Warn if nobody knows how right the product of the waves of columns is.

    Parameters
    ----------
    normal
        Components of the normal of the sheet across the beam, shape (2,).
    energy
        Beam energy [keV].

    Warns
    -----
    UserWarning
        If tilt or energy are beyond those at which it was compared with multislice.
    """
    tilt = float(np.rad2deg(np.arcsin(min(float(np.hypot(*normal)), 1.0))))
    low, high = _ENERGIES
    if tilt <= _STEEPEST and low <= energy <= high:
        return
    warn_user(
        f"The sheet is tilted by {tilt:.0f} degrees, at {energy:g} keV. The model of "
        "the wave, which leaves out what one column scatters into another, was "
        f"compared with multislice up to {_STEEPEST:g} degrees and from {low:g} to "
        f"{high:g} keV only: compare the result with a multislice simulation of the "
        "atoms found."
    )


def check_sites(sites: Sites) -> None:
    """Refuse columns that are not on the sites of a honeycomb.

    Parameters
    ----------
    sites
        Sites of the columns.

    Raises
    ------
    ValueError
        If less than half of the columns are.
    """
    on = float(np.mean(sites.sublattice >= 0))
    if on < _ON_SITES:
        raise ValueError(
            f"Only {on:.0%} of the columns are on the sites of a honeycomb; for a "
            "hexagonal sheet such as MoS2 or graphene, seen along its normal, nearly "
            "all are. Are the columns right, and their positions in the right unit?"
        )


def judge_lattice(sites: Sites, along: float, sheet: Sheet) -> None:
    """Warn if a lattice is not that of a sheet.

    Parameters
    ----------
    sites
        Sites of the columns.
    along
        Component of the sheet's normal along the beam, by which areas look smaller.
    sheet
        The sheet that they are taken for.

    Warns
    -----
    UserWarning
        If the lattice constant differs from that of the sheet by more than 1.5 %.
    """
    constant = sites.lattice_constant / float(np.sqrt(along))
    off = constant / sheet.lattice_constant - 1
    if abs(off) > _STRAINED:
        warn_user(
            f"The lattice constant is {constant:.3f} Å, {off:+.1%} off the "
            f"{sheet.lattice_constant:.3f} Å of {sheet.name}: is the pixel size right? "
            "The lenses found are wrong with it."
        )
