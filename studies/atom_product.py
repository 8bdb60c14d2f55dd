# SPDX-License-Identifier: GPL-3.0-or-later
"""What the atom model of `refine_atoms` leaves out: writes docs/atoms_model_error.md.

    python studies/atom_product.py

The wave of `refine_atoms` is a product of the waves of columns, each of which is
propagated to one plane on its own. Here it is compared with the multislice wave of the
same atoms by abTEM, for sheets, tilts and energies, at the best phase and plane. It
takes some minutes on one core.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property

import abtem
import numpy as np
from abtem.parametrizations import KirklandParametrization
from ase import Atoms
from scipy.optimize import minimize_scalar

from hyperspy_hrtemnn.analysis import propagate_wave
from hyperspy_hrtemnn.analysis.refinement.atoms.column_waves import ColumnWaves
from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import graphene, mx2
from hyperspy_hrtemnn.analysis.refinement.atoms.occupants import Occupant
from hyperspy_hrtemnn.analysis.refinement.atoms.sheet_state import SheetState
from hyperspy_hrtemnn.analysis.refinement.atoms.wave_model import WaveModel
from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid
from pages import DOCS, replace_part, table

BOX, FLAKE, COMPARED = 24.0, 6.5, 5.0  # side, radii of the flake and of the area [Å]
# Of the multislice [Å]. With pixels of 0.1 Å the potentials of abTEM are smeared by
# 0.0015 Å² more, which makes three quarters of the difference on graphene.
SAMPLING, SLICE = 0.05, 0.2
VIBRATION, SMOOTHING = 0.004, 0.15  # defaults of refine_atoms [Å², Å]
HIGHEST = 2.0  # frequency up to which waves are compared [1/Å]
TILTS = (0, 5, 10, 20)  # [degrees]
ENERGIES = (50, 80, 200, 300)  # [keV]
CONFIGURATIONS = 16  # of frozen phonons in each half
LAYERS = 6.15  # distance of two layers of MoS2 [Å]


@dataclass(frozen=True)
class Sheet:
    """A flat sheet: lattice constant [Å], and its columns on the two sites."""

    name: str
    lattice: float
    columns: tuple[Occupant, Occupant]

    @property
    def half_thickness(self) -> float:
        """Height of the highest atom over the middle [Å]."""
        return max(abs(z) for each in self.columns for _, z in each.atoms)


def layer(m: str, x: str, lattice: float) -> Sheet:
    """Return one layer of MX2."""
    sites = mx2(m, x).sublattices
    return Sheet(f"{m}{x}2", lattice, (sites[0][0], sites[1][0]))


def bilayer() -> Sheet:
    """Return two layers of MoS2 in the stacking 2H, M above X and X above M."""
    single = layer("Mo", "S", 3.16)
    m, x = (each.atoms for each in single.columns)
    below, above = (
        [tuple((element, z + sign * LAYERS / 2) for element, z in atoms)]
        for sign, atoms in ((-1, m), (1, x))
    )
    one = below[0] + above[0]
    other = tuple((element, -z) for element, z in one[::-1])
    return Sheet(
        "MoS2, two layers",
        single.lattice,
        (Occupant("Mo+2S", one, 1.0), Occupant("2S+Mo", other, 1.0)),
    )


def sheets() -> list[Sheet]:
    """Return the sheets of the table."""
    carbon = graphene().sublattices[0][0]
    return [
        Sheet("graphene", 2.46, (carbon, carbon)),
        layer("Mo", "S", 3.16),
        layer("W", "S", 3.15),
        layer("W", "Se", 3.28),
        bilayer(),
    ]


def state_of(sheet: Sheet, tilt: float) -> SheetState:
    """Return a flake that is tilted [degrees] in the middle of the box."""
    cells = np.mgrid[-9:10, -9:10].reshape(2, -1).T
    vectors = sheet.lattice * np.array([[0, 1], [np.sqrt(3) / 2, 0.5]])
    sites = np.concatenate([cells @ vectors, cells @ vectors + vectors.sum(0) / 3])
    kinds = np.repeat([0, 1], len(cells))
    inside = np.hypot(*sites.T) < FLAKE
    sites, kinds = sites[inside], kinds[inside]
    # Tilted about an axis between those of the lattice.
    way = np.array([np.cos(0.4), np.sin(0.4)])
    normal = np.sin(np.deg2rad(tilt)) * way
    shorter = np.eye(2) - (1 - np.cos(np.deg2rad(tilt))) * np.outer(way, way)
    centers = np.array([each.center for each in sheet.columns])
    middle = np.full(2, BOX / 2)
    positions = middle + sites @ shorter + centers[kinds][:, np.newaxis] * normal
    return SheetState(positions, kinds, centers, normal, middle)


def product(sheet: Sheet, state: SheetState, energy: float) -> np.ndarray:
    """Return the wave of the atom model in the middle of the sheet."""
    grid = WorkingGrid((BOX, BOX), HIGHEST)
    height = sheet.half_thickness
    columns = ColumnWaves(
        sheet.columns,
        grid,
        energy,
        smoothing=SMOOTHING,
        vibration=VIBRATION,
        # Windows are as wide as they can be, so that it is not they that are measured.
        farthest=3 + height + np.hypot(*state.normal) * (FLAKE + 20 * height),
    )
    model = WaveModel(columns, grid, 0.0)
    wave = model.wave(model.stamps(state))
    return np.fft.ifft2(grid.spectrum_of_grid(wave), norm="forward")


def atoms_of(sheet: Sheet, state: SheetState) -> tuple[Atoms, float]:
    """Return the atoms in a box, and where the middle of the sheet is in it [Å]."""
    symbols, places = [], []
    for site, height, kind in zip(state.sites, state.heights, state.kinds, strict=True):
        for element, over in sheet.columns[kind].atoms:
            y, x = site + over * state.normal
            symbols.append(element)
            places.append((x, y, height + over * state.along))
    positions = np.array(places)
    reach = SLICE * np.ceil((np.abs(positions[:, 2]).max() + 2) / SLICE)
    # The middle is in the middle of a slice.
    positions[:, 2] += reach + SLICE / 2
    box = (BOX, BOX, 2 * reach + SLICE)
    return Atoms(symbols, positions, cell=box, pbc=True), reach + SLICE / 2


def multislice(
    atoms: Atoms, energy: float, smearing: float, projection: str = "infinite"
) -> np.ndarray:
    """Return the wave behind the atoms by abTEM, shape (y, x)."""
    gpts = round(BOX / SAMPLING)
    sigmas = dict.fromkeys(set(atoms.symbols), smearing) if smearing else None
    potential = abtem.Potential(
        atoms,
        gpts=(gpts, gpts),
        slice_thickness=SLICE,
        parametrization=KirklandParametrization(sigmas=sigmas),
        projection=projection,
    )
    wave = abtem.PlaneWave(energy=energy * 1e3, extent=(BOX, BOX), gpts=(gpts, gpts))
    return np.asarray(wave.multislice(potential, lazy=False).array.T)


@dataclass(frozen=True)
class Comparison:
    """The wave of the atom model, compared with waves behind the same atoms.

    Parameters
    ----------
    found
        Wave of the atom model in the middle of the sheet.
    energy
        Beam energy [keV].
    back
        Distance from there to the plane of the other waves [Å].
    """

    found: np.ndarray
    energy: float
    back: float

    @cached_property
    def grid(self) -> WorkingGrid:
        """The grid of the waves."""
        return WorkingGrid((BOX, BOX), HIGHEST)

    def rest(self, wave: np.ndarray, distance: float) -> np.ndarray:
        """Return the difference from a wave over the flake, at its best phase."""
        smooth = np.exp(-2 * (np.pi * SMOOTHING) ** 2 * self.grid.squared)
        truth = np.fft.ifft2(self.grid.spectrum(wave) * smooth, norm="forward")
        pixel = BOX / self.grid.shape[0]
        y, x = (np.arange(n) * pixel - BOX / 2 for n in self.grid.shape)
        seen = np.hypot(y[:, np.newaxis], x) < COMPARED
        moved = propagate_wave(truth, pixel, self.energy, distance)[seen]
        turned = np.vdot(moved, self.found[seen])
        return np.asarray(moved * turned / abs(turned) - self.found[seen])

    def best(self, wave: np.ndarray) -> tuple[float, float]:
        """Return the RMSE from a wave, and the distance to its best plane [Å]."""
        best = minimize_scalar(
            lambda distance: rmse(self.rest(wave, distance)),
            bounds=(-self.back - 2, -self.back + 2),
            method="bounded",
        )
        return float(best.fun), float(best.x)


def rmse(rest: np.ndarray) -> float:
    """Return the RMSE over both parts of a difference of waves."""
    return float(np.sqrt(np.mean(np.abs(rest) ** 2) / 2))


def compared(sheet: Sheet, tilt: float, energy: float) -> tuple[Comparison, Atoms]:
    """Return the wave of the atom model to compare, and its atoms."""
    state = state_of(sheet, tilt)
    atoms, middle = atoms_of(sheet, state)
    # In abTEM a slice turns the phase where it begins, not in its middle.
    back = float(atoms.cell[2, 2]) - middle + SLICE / 2
    return Comparison(product(sheet, state, energy), energy, back), atoms


def errors_of(sheet: Sheet, energy: float) -> list[str | float]:
    """Return a row of the table: contrast, plane, and the error at each tilt."""
    flat, best = [], []
    for tilt in TILTS:
        comparison, atoms = compared(sheet, tilt, energy)
        best.append(comparison.best(multislice(atoms, energy, VIBRATION**0.5)))
        flat.append(rmse(comparison.rest(np.ones_like(comparison.found), 0.0)))
    plane = f"{best[0][1] + compared(sheet, 0, energy)[0].back:+.2f}"
    return [sheet.name, f"{energy}", flat[0], plane, *(f"{e:.4f}" for e, _ in best)]


def other_waves(sheet: Sheet, tilt: float, energy: float) -> list[list[str | float]]:
    """Return the RMSE against waves of other ways to compute them."""
    comparison, atoms = compared(sheet, tilt, energy)
    infinite, plane = comparison.best(multislice(atoms, energy, VIBRATION**0.5))
    finite, _ = comparison.best(multislice(atoms, energy, VIBRATION**0.5, "finite"))
    rng = np.random.default_rng(0)
    halves = [comparison.rest(vibrating(atoms, energy, rng), plane) for _ in range(2)]
    # The noise of the two means is not the same, so that it leaves their product.
    square = np.mean(halves[0] * halves[1].conj()).real / 2
    return [
        ["infinite projection", infinite],
        ["finite projection", finite],
        ["frozen phonons, mean of the waves", float(np.sqrt(max(square, 0.0)))],
    ]


def vibrating(atoms: Atoms, energy: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mean of the waves of displaced atoms."""
    mean = np.zeros((round(BOX / SAMPLING),) * 2, complex)
    for _ in range(CONFIGURATIONS):
        moved = atoms.copy()
        moved.positions += rng.normal(0, VIBRATION**0.5, moved.positions.shape)
        mean += multislice(moved, energy, 0.0) / CONFIGURATIONS
    return mean


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    abtem.config.set({"precision": "float32", "device": "cpu"})
    abtem.config.set({"fftw.planning_effort": "FFTW_ESTIMATE"})
    rows: list[list[str | float]] = []
    for sheet in sheets():
        for energy in ENERGIES:
            row = errors_of(sheet, energy)
            rows.append(row)
            print(table([""] * len(row), [row]).splitlines()[-1], flush=True)
    titles = ["sheet", "keV", "vacuum", "plane [Å]", *(f"{tilt}°" for tilt in TILTS)]
    page = DOCS / "atoms_model_error.md"
    replace_part(page, "table of errors", table(titles, rows))
    others = other_waves(layer("Mo", "S", 3.16), 5, 50)
    print(others)
    replace_part(
        page, "table of other waves", table(["multislice with", "RMSE"], others)
    )


if __name__ == "__main__":
    main()
