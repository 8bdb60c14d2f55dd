# SPDX-License-Identifier: GPL-3.0-or-later
"""Multislice: exit waves of structures, by abTEM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

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

    energy: float = Field(300.0, ge=1, le=10_000, description="beam energy [keV]")
    sampling: float = Field(
        0.175, ge=0.001, le=10, description="sampling of the multislice grid [Å]"
    )
    slice_thickness: float = Field(
        1.0,
        ge=0.01,
        le=100,
        description="abTEM's own [Å]; 2 is twice as fast, and 0.01 off in gold on CeO2",
    )
    parametrization: Literal["kirkland", "lobato"] = "kirkland"
    vibrations: AnyVibrations = NoVibrations()


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
        Seed of the vibrations, where they are random.

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
    gpts = tuple(2 * round(length / settings.sampling / 2) for length in extent)
    wave = abtem.PlaneWave(energy=settings.energy * 1e3, extent=extent, gpts=gpts)
    if len(structure.numbers):
        waves = [
            wave.multislice(potential, lazy=False)
            for potential in _potentials(structure, settings, gpts, seed)
        ]
    else:
        waves = [wave.build(lazy=False)]
    # abTEM's arrays are indexed [x, y], images [y, x].
    arrays = [each.downsample("cutoff").array.T for each in waves]
    return np.asarray(np.mean(arrays, axis=0), np.complex64)


def _potentials(
    structure: Structure, settings: WaveSettings, gpts: tuple[int, ...], seed: Seed
) -> Iterator[Any]:
    """Return the potential of each configuration of the vibrating atoms."""
    from abtem import Potential, parametrizations

    atoms = Atoms(structure.numbers, structure.positions, cell=structure.box, pbc=True)
    of_name = {
        "kirkland": parametrizations.KirklandParametrization,
        "lobato": parametrizations.LobatoParametrization,
    }
    smearing = settings.vibrations.smearing(atoms)
    for snapshot in settings.vibrations.snapshots(atoms, np.random.default_rng(seed)):
        yield Potential(
            snapshot,
            gpts=gpts,
            slice_thickness=settings.slice_thickness,
            parametrization=of_name[settings.parametrization](sigmas=smearing),
            projection="infinite",
        )
