# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of a refinement, from states and parameters to tables and waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.fft

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength
from hyperspy_hrtemnn.analysis.refinement.fitted_optics import Measured
from hyperspy_hrtemnn.analysis.refinement.optics_of_vector import optics_of_vector
from hyperspy_hrtemnn.analysis.refinement.series_problem import contrast

from .problem import SMOOTHING
from .refined_atoms import RefinedAtoms
from .something_else import OTHER, common_strength, with_something_else

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.lens_parameters import ParameterList
    from hyperspy_hrtemnn.analysis.refinement.residuals import SeriesResiduals

    from .fitted_field import FittedField
    from .identities import Site
    from .information import Errors
    from .occupants import Sheet
    from .problem import SheetProblem
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Distance of the plane of the wave from the last atom [Å], as in the training.
_BEHIND = 2.0

# What lenses may be off by without a difference that noise would tell [Å]: the heights
# of the atoms, of which a defocus is the distance, and how exactly their potentials are
# known. By so much other simulations of the same atoms differ, in 440 series.
_OF_DEFOCUS, _OF_CS, _OF_FOCAL_SPREAD = 0.4, 200.0, 0.2

# Frequency up to which the wave is computed [1/Å].
_FINE = 3.2


def results(
    field: FittedField, fit: SheetFit, plane: float | None = None
) -> RefinedAtoms:
    """Return what a refinement found.

    Parameters
    ----------
    field
        What was found.
    fit
        How its images are compared.
    plane
        Position along the beam of the plane of the wave [Å]; by default 2 Å behind the
        last atom.
    """
    problem, fitted, errors = field.problem, field.fitted, field.errors
    state, series = fitted.state, problem.series
    symbols, atoms = atoms_of(problem, state)
    if plane is None:
        plane = plane_behind(atoms)
    residuals = fit.with_wave(state)
    chi2 = residuals.chi2(fitted.vector)
    # Atoms of a support are held by each other, so that they hardly follow the noise.
    own = int(np.count_nonzero(~state.below))
    parameters = 2 * own + len(state.pose) + int(fit.free.sum())
    freedom = residuals.series.freedom - parameters
    vector = fitted.vector.copy()
    vector[residuals.model.parameters.places("defocus")] += plane
    optics = optics_of_vector(
        vector,
        _with_model_error(errors.lenses, vector, problem.parameters),
        residuals,
        energy=problem.energy,
        smoothing=SMOOTHING,
        sampling=problem.detector.sampling,
        chi2=chi2 / freedom,
        # Of the contrast beyond noise, what the atoms do not explain.
        unexplained=(chi2 - freedom) / contrast(residuals, fitted.vector),
    )
    table = _columns(problem, state, field.sites, errors)
    below = problem.support
    sigma = np.sqrt(np.diag(errors.pose))
    first = np.array([series.origin, series.origin, 0.0])
    return RefinedAtoms(
        columns=_of_sheet(table, problem.sheet),
        empty_sites=_empty_sites(problem, state, field.sites, problem.sheet),
        symbols=tuple(symbols),
        positions=atoms - first,
        support=_of_sheet(table, below) if below else None,
        empty_support_sites=_empty_sites(problem, state, field.sites, below)
        if below
        else None,
        distance=Measured(*state.pose[2:], *sigma[2:]) if problem.support else None,
        tilt=Measured(state.normal[::-1], sigma[:2][::-1]),
        wave=_wave(problem, state, plane),
        smoothing=problem.options.smoothing,
        optics=optics,
        residuals=_residual_images(problem, residuals, fitted.vector),
    )


def _with_model_error(
    lenses: NDArray[np.float64],
    vector: NDArray[np.float64],
    parameters: ParameterList,
) -> NDArray[np.float64]:
    """Return the covariance of lenses with the error of the model itself."""
    whole, places = lenses.copy(), parameters.places("defocus")
    # The plane is the same one of all images.
    whole[np.ix_(places, places)] += _OF_DEFOCUS**2
    place = parameters.place("Cs")
    whole[place, place] += _OF_CS**2
    place = parameters.place("focal_spread_squared")
    whole[place, place] += 4 * max(vector[place], 0.0) * _OF_FOCAL_SPREAD**2
    return whole


def plane_behind(atoms: NDArray[np.float64]) -> float:
    """Return the position along the beam of the plane of the wave of atoms [Å]."""
    return float(atoms[:, 2].max(initial=0.0)) + _BEHIND


def atoms_of(
    problem: SheetProblem, state: SheetState
) -> tuple[list[str], NDArray[np.float64]]:
    """Return symbols and positions (x, y, z) of the atoms in the padded images."""
    symbols, positions = [], []
    occupants = problem.occupants
    for site, height, kind in zip(state.sites, state.heights, state.kinds, strict=True):
        for element, over in occupants[kind].atoms:
            y, x = site + over * state.normal
            symbols.append(element)
            positions.append((x, y, height + over * state.along))
    return symbols, np.array(positions, np.float64).reshape(-1, 3)


def _columns(
    problem: SheetProblem, state: SheetState, sites: list[Site], errors: Errors
) -> pd.DataFrame:
    """Return the table of all columns of a state that are in the images."""
    occupants, origin = problem.occupants, problem.series.origin
    names = np.array([each.name for each in occupants], object)
    common = 1.0
    if problem.options.any_contrast:
        # Images of an unknown contrast do not tell what all columns have in common.
        common = common_strength(errors.occupancies, errors.occupancy_errors)
    table = pd.DataFrame(
        {
            "class": names[state.kinds],
            "x": state.positions[:, 1] - origin,
            "y": state.positions[:, 0] - origin,
            "z": state.heights + state.off * state.along,
            "sigma_x": errors.positions[:, 1],
            "sigma_y": errors.positions[:, 0],
            "occupancy": errors.occupancies / common,
            "sigma_occupancy": errors.occupancy_errors / common,
        }
    )
    of_columns = [site for site in sites if site.column is not None]
    table = table.join(_probabilities(names, of_columns))
    inside = problem.series.outside(state.positions) <= 0
    return with_something_else(table, of_columns, problem.layers)[inside]


def _of_sheet(table: pd.DataFrame, sheet: Sheet) -> pd.DataFrame:
    """Return what a table of several sheets has of one."""
    own = [each.name for each in sheet.occupants]
    known = [f"probability_{name}" for name in (*own, OTHER)]
    kept = [n for n in map(str, table) if n in known or "probability_" not in n]
    if "class" in table:
        table = table[table["class"].isin(own)]
    return table[kept].reset_index(drop=True)


def _empty_sites(
    problem: SheetProblem, state: SheetState, sites: list[Site], sheet: Sheet
) -> pd.DataFrame:
    """Return the table of the sites of a sheet without a column, in the images."""
    names = np.array([each.name for each in problem.occupants], object)
    layer = problem.layers.index(sheet)
    free = [
        each for each in sites if each.column is None and each.sublattice // 2 == layer
    ]
    usual = problem.occupants.index(sheet.occupants[0])
    places = np.array([site.hypotheses[0].site for site in free]).reshape(-1, 2)
    table = pd.DataFrame(
        {
            "x": places[:, 1] - problem.series.origin,
            "y": places[:, 0] - problem.series.origin,
            "z": state.heights_of(places, [usual] * len(places)),
        }
    ).join(_probabilities(names, free))
    inside = problem.series.outside(places) <= 0
    return _of_sheet(table[inside], sheet)


def _probabilities(names: NDArray[np.object_], sites: list[Site]) -> pd.DataFrame:
    table = np.full((len(sites), len(names)), np.nan)
    for row, site in zip(table, sites, strict=True):
        row[[each.kind for each in site.hypotheses]] = site.probabilities
    return pd.DataFrame(table, columns=[f"probability_{name}" for name in names])


def _wave(
    problem: SheetProblem, state: SheetState, plane: float
) -> NDArray[np.complex64]:
    """Return the wave in a plane, on the pixels of the images."""
    highest = min(_FINE, 0.5 / problem.detector.sampling)
    grid = problem.fit(highest).model.grid
    smoothing = problem.options.smoothing
    narrow = min(smoothing, SMOOTHING)
    model = problem.wave_model(grid, narrow)
    spectrum = grid.spectrum_of_grid(model.wave(model.stamps(state)))
    spectrum *= np.exp(-1j * np.pi * wavelength(problem.energy) * plane * grid.squared)
    # Beyond that the product of the columns is smoothed, not each of them.
    spectrum *= np.exp(-2 * np.pi**2 * (smoothing**2 - narrow**2) * grid.squared)
    whole = _resized(spectrum, problem.series.valid.shape)
    wave = scipy.fft.ifft2(whole, norm="forward")
    return np.asarray(wave[problem.series.inner], np.complex64)


def _residual_images(
    problem: SheetProblem, residuals: SeriesResiduals, vector: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return measured less expected images over their noise, on the images' pixels."""
    # Noise of 1 in each frequency of the band is less in each pixel.
    band = residuals.series.grid.band
    unit = np.float32(np.sqrt(band.size / band.sum()))
    found = []
    for each in residuals.compared(residuals.spectra(vector)):
        spectrum = scipy.fft.fft2(-unit * each, norm="forward")  # type: ignore[operator]
        whole = _resized(spectrum, problem.series.valid.shape)
        image = scipy.fft.ifft2(whole, norm="forward").real
        found.append(image * problem.series.valid)
    rows, columns = problem.series.inner
    return np.array(found, np.float32)[:, rows, columns]


def _resized(
    spectrum: NDArray[np.complexfloating], shape: tuple[int, int]
) -> NDArray[np.complex64]:
    """Return a spectrum on another grid over the same field, cut or padded with 0.

    Unlike that of `WorkingGrid`, without Nyquist's frequency, so that a real image that
    is padded stays real.
    """
    result = np.zeros(shape, np.complex64)
    old, new = [], []
    for n, m in zip(spectrum.shape, shape, strict=True):
        kept = (min(n, m) - 1) // 2
        frequencies = np.arange(-kept, kept + 1)
        old.append(frequencies % n)
        new.append(frequencies % m)
    result[np.ix_(*new)] = spectrum[np.ix_(*old)]
    return result
