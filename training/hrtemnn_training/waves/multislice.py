# SPDX-License-Identifier: GPL-3.0-or-later
"""Multislice: exit waves of structures, by abTEM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import scipy.fft
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

from hyperspy_hrtemnn.ranges import Energy, energy_range

from .local_frozen_phonons import LocalFrozenPhonons
from .vibrations import FrozenPhonons, NoVibrations, Smearing, UniformSmearing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hrtemnn_training.structures import Seed, Structure

AnyVibrations = Annotated[
    NoVibrations | Smearing | UniformSmearing | FrozenPhonons | LocalFrozenPhonons,
    Field(discriminator="method"),
]


class WaveSettings(BaseModel):
    """How exit waves are computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    energy: Energy = Field(
        300.0, description="beam energy, or the range it is drawn from [keV]"
    )
    sampling: float = Field(
        0.175,
        ge=0.001,
        le=10,
        description="sampling of the multislice grid, a little finer for fast FFTs [Å]",
    )
    slice_thickness: float = Field(
        1.0,
        ge=0.01,
        le=100,
        description="abTEM's own [Å]; 2 is twice as fast, and 0.01 off in gold on CeO2",
    )
    parametrization: Literal["kirkland", "lobato"] = "kirkland"
    vibrations: AnyVibrations = NoVibrations()

    def energy_of(self, seed: Seed) -> float:
        """Return the beam energy of the exit wave of a seed [keV]."""
        return self._draw_energy(np.random.default_rng(seed))

    def _draw_energy(self, rng: np.random.Generator) -> float:
        low, high = energy_range(self.energy)
        # One energy draws nothing, so that vibrations stay what they were.
        return low if low == high else float(rng.uniform(low, high))


def exit_wave(
    structure: Structure, settings: WaveSettings, seed: Seed = 0
) -> NDArray[np.complex64]:
    """Return the exit wave of a structure, the mean over its vibrations.

    Parameters
    ----------
    structure
        The atoms, the beam along z.
    settings
        Energy, grid and vibrations.
    seed
        Seed of the energy and the vibrations, where they are random; the energy is
        `WaveSettings.energy_of` it.

    Returns
    -------
    Shape (y, x) over the structure's box; 1 = vacuum. Only the frequencies inside
    the antialiasing aperture of the multislice grid are kept, nothing else is in it.
    """
    import abtem  # seconds to import, and only needed here

    abtem.config.set({"precision": "float32", "device": "cpu"})
    # Measured plans differ from process to process, and with them the last digits.
    abtem.config.set({"fftw.planning_effort": "FFTW_ESTIMATE"})
    extent = structure.box[:2]
    rng = np.random.default_rng(seed)
    energy = settings._draw_energy(rng)
    gpts = tuple(_grid_points(length / settings.sampling) for length in extent)
    wave = abtem.PlaneWave(energy=energy * 1e3, extent=extent, gpts=gpts)
    if len(structure.numbers):
        waves = [
            wave.multislice(potential, lazy=False)
            for potential in _potentials(structure, settings, gpts, rng)
        ]
    else:
        waves = [wave.build(lazy=False)]
    # abTEM's arrays are indexed [x, y], images [y, x].
    arrays = [each.downsample("cutoff").array.T for each in waves]
    return np.asarray(np.mean(arrays, axis=0), np.complex64)


def _grid_points(number: float) -> int:
    """Return an even number of points, as many or a few more, whose FFT is fast.

    FFTs take five times as long for 746 points, twice a prime, as for 750.
    """
    return 2 * scipy.fft.next_fast_len(round(number / 2))


def _potentials(
    structure: Structure,
    settings: WaveSettings,
    gpts: tuple[int, ...],
    rng: np.random.Generator,
) -> Iterator[Any]:
    """Return the potential of each configuration of the vibrating atoms."""
    from abtem import Potential, parametrizations

    atoms = Atoms(structure.numbers, structure.positions, cell=structure.box, pbc=True)
    of_name = {
        "kirkland": parametrizations.KirklandParametrization,
        "lobato": parametrizations.LobatoParametrization,
    }
    smearing = settings.vibrations.smearing(atoms)
    for snapshot in settings.vibrations.snapshots(atoms, rng):
        yield Potential(
            snapshot,
            gpts=gpts,
            slice_thickness=settings.slice_thickness,
            parametrization=of_name[settings.parametrization](sigmas=smearing),
            projection="infinite",
        )
