# SPDX-License-Identifier: GPL-3.0-or-later
"""Support: graphene below a sheet, found in what the sheet alone does not explain.

What the images ask for at each place is a map of the atoms that are missing. Where the
graphene is, what they ask for tells once each of its sites has half an atom: the rest,
or nothing. Its atoms are columns like all others then, on a lower level.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis.refinement.working_grid import mirrored
from hyperspy_hrtemnn.user_warnings import warn_user

from .known_sheets import graphene
from .support_lattice import find_lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .problem import SheetProblem
    from .search import Fitted
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Distances of the graphene from the middle of a sheet that are tried [Å]. Layers of MX2
# lie 5 Å over graphene, and some more where something is between them.
_NEAREST, DEEPEST, _STEP = 4.0, 10.0, 0.5

# Standard deviation of the Gaussian over which the presence of graphene is averaged
# [Å], and the distance at which it ends: 30 atoms.
_AROUND, _END = 2.5, 6.0

# Standard deviation of an atom from where its surroundings expect it [Å]: a sheet that
# nothing pulls at is stiff, and images tell less of C below a sheet than of the sheet.
_STIFF = 0.02

# Fewer atoms than this are none that a lattice was found of.
_FEWEST = 24


def with_support(
    problem: SheetProblem, fit: SheetFit, fitted: Fitted
) -> tuple[SheetProblem, Fitted]:
    """Return the problem of a sheet on graphene, and what fits with the atoms of C.

    Parameters
    ----------
    problem, fit, fitted
        Images, and the sheet alone that explains them best.

    Returns
    -------
    What is given, if no graphene is found.

    Warns
    -----
    UserWarning
        If none is found.
    """
    supported = replace(problem, support=replace(graphene(), spread=_STIFF))
    state = _found(supported, fit, fitted)
    if state is not None:
        return supported, replace(fitted, state=state)
    warn_user(
        "No graphene is found in what the sheet alone does not explain, so that the "
        "atoms are refined without a support. Are the columns, the defocus and the "
        "pixel size right? If there is no graphene, leave support=None."
    )
    return problem, fitted


def _found(problem: SheetProblem, fit: SheetFit, fitted: Fitted) -> SheetState | None:
    """Return the columns with atoms of a support, None if none is found."""
    fit = problem.again(fit)
    occupants = problem.occupants
    carbon = [each.name for each in occupants].index("C")
    levels = np.zeros(len(occupants))
    levels[carbon] = -(_NEAREST + DEEPEST) / 2
    centers = np.array([each.center for each in occupants])
    state = replace(fitted.state, centers=centers, levels=levels)
    missing = _missing(fit, state, fitted.vector, carbon)
    lattice = find_lattice(missing, fit.model.grid.field)
    if lattice is None:
        return None
    sites = lattice.atoms(fit.model.grid.field)
    near = problem.series.outside(sites) < problem.reach
    sites = sites[near & [fit.model.has_room(each) for each in sites]]
    everywhere = state.with_sites(sites, np.full(len(sites), carbon))
    there = _is_there(fit, everywhere, fitted.vector, len(state))
    if there.sum() < _FEWEST:
        return None
    state = state.with_sites(sites[there], np.full(int(there.sum()), carbon))
    return _at_best_distance(fit, state, fitted.vector)


def _at_best_distance(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
) -> SheetState:
    tried = [
        state.moved(state.positions, np.append(state.normal, distance))
        for distance in np.arange(_NEAREST, DEEPEST + _STEP / 2, _STEP)
    ]
    return min(tried, key=lambda each: fit.with_wave(each).chi2(vector))


def _missing(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64], kind: int
) -> NDArray[np.float32]:
    """Return by how much the images ask for an atom at each pixel of the grid."""
    model = fit.model
    stamps = model.stamps(state)
    wave = model.wave(stamps)
    pull = fit.pull(wave, vector)[2].conj() * wave
    # An atom in the middle of the grid, and what moves it to the first pixel.
    middle = [n // 2 for n in model.grid.shape]
    site = np.array([middle]) * model.columns.pixel
    one = replace(state, middle=site[0]).with_columns(site, np.array([kind]))
    atom = np.roll(model.wave(model.stamps(one)) - 1, [-n for n in middle], (0, 1))
    spectrum = scipy.fft.fft2(pull) * mirrored(scipy.fft.fft2(atom))
    return np.asarray(-scipy.fft.ifft2(spectrum).real, np.float32)


def _is_there(
    fit: SheetFit, state: SheetState, vector: NDArray[np.float64], first: int
) -> NDArray[np.bool_]:
    """Return whether the columns from a number on are there, by their surroundings."""
    stamps = fit.model.stamps(state)
    stamps.waves[first:] *= np.float32(0.5)
    wave = fit.model.wave(stamps)
    asked = fit.model.strengths(stamps, wave, fit.pull(wave, vector)[2])[first:]
    sites = state.positions[first:]
    tree = cKDTree(sites)
    pairs = tree.sparse_distance_matrix(tree, _END, output_type="coo_matrix")
    weights = np.exp(-(pairs.data**2) / (2 * _AROUND**2))
    total = np.bincount(pairs.row, weights * asked[pairs.col], len(sites))
    return np.asarray(total < 0)
