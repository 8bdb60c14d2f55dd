# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdict: whether a sheet explains its images, and is the one that it is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.noise_level import (
    expected_noise,
    warn_of_noise,
)
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    import pandas as pd
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

# Probability of something else above which a column is strange, and difference of the
# mean occupancy from 1 above which all are, beyond this many standard errors of one: of
# right sheets in images of two other simulators it was up to 0.05, of one of WS2 0.10.
_STRANGE, _ALL_STRANGE, _BEYOND = 0.5, 0.05, 3.0

# Drift between images that is told where something is unexplained [Å].
_DRIFTED = 3.0

# Share of the columns that have to be on sites.
_ON_SITES = 0.5


def judge(optics: FittedOptics, *, any_contrast: bool = False) -> None:
    """Refuse a sheet that does not explain its images, or warn.

    Parameters
    ----------
    optics
        Lenses and chi² of the refinement.
    any_contrast
        Whether the contrast of the images was fitted.

    Raises
    ------
    ValueError
        If more than half of the contrast is unexplained.

    Warns
    -----
    UserWarning
        If more than half a percent is, or the noise is not that of the detector.
    """
    noise = expected_noise(optics.noise, any_contrast=any_contrast)
    significant = optics.chi2 - noise > _SIGNIFICANT * optics.chi2_error * noise
    if optics.unexplained > _NOTHING and significant:
        raise ValueError(
            f"The atoms do not explain the images: {optics.unexplained:.0%} of their "
            "contrast is left. Are the columns those of these images? Are the energy, "
            "the pixel size and the detector right, and the defocus (positive = "
            "underfocus) to 2 nm and Cs to 1.5 µm?"
        )
    if optics.unexplained > _DOUBTFUL and significant:
        warn_user(
            f"{optics.unexplained:.1%} of the contrast of the images is not that of "
            f"the atoms (chi² {optics.chi2:.3f}, noise alone {noise:.3g} ± "
            f"{noise * optics.chi2_error:.2g}): look at the residuals. Something else "
            "may be there, such as contamination; if it is everywhere, the lenses or "
            f"the elements may be wrong.{_drift_of(optics)}"
        )
    if not any_contrast:
        warn_of_noise(optics.noise)


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


def judge_columns(columns: pd.DataFrame) -> None:
    """Warn of columns that are probably none of the classes that were allowed.

    Something that nobody asked for stands there, such as a dopant, or an atom on the
    sheet: the nearest class that was allowed is taken.

    Parameters
    ----------
    columns
        Table with ``x`` and ``y`` [Å], ``occupancy``, ``sigma_occupancy`` and
        ``probability_other``.

    Warns
    -----
    UserWarning
        If there are such columns, or if all are so in the mean.
    """
    off, sigma = columns["occupancy"] - 1, columns["sigma_occupancy"]
    strange = columns["probability_other"] > _STRANGE
    if strange.any():
        worst = columns.iloc[int(np.argmax((off / sigma).abs() * strange))]
        warn_user(
            f"{strange.sum()} of {len(columns)} columns are not what any class is that "
            "was allowed, as their probability_other says: their occupancy is far "
            f"from 1, as {worst['occupancy']:.2f} ± {worst['sigma_occupancy']:.2f} of "
            f"that at x {worst['x']:.1f} Å, y {worst['y']:.1f} Å from the first pixel. "
            "Name other elements in dopants, or look for what lies there."
        )
    mean = float(off.mean())
    # Errors of columns are in part those of the lenses, which all columns have alike.
    if abs(mean) > max(_ALL_STRANGE, _BEYOND * float(sigma.median())):
        warn_user(
            f"All columns are {abs(mean):.0%} {'stronger' if mean > 0 else 'weaker'} "
            "than their elements are. Are the beam energy, the offset of the counts "
            "and the elements right?"
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
