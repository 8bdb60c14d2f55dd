# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves of structures, by abTEM's multislice algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .structures import Structure


class WaveSettings(BaseModel):
    """How exit waves are computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    energy: float = Field(300.0, gt=0, description="beam energy [keV]")
    sampling: float = Field(0.175, gt=0, description="of the multislice grid [Å]")
    slice_thickness: float = Field(
        1.0,
        gt=0,
        description="abTEM's own [Å]; 2 is twice as fast, and 0.01 off in gold on CeO2",
    )
    parametrization: Literal["kirkland", "lobato"] = "kirkland"


def exit_wave(structure: Structure, settings: WaveSettings) -> NDArray[np.complex64]:
    """Return the exit wave of a structure.

    Parameters
    ----------
    structure
        The atoms, the beam along z.
    settings
        Energy and grid.

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
        potential = abtem.Potential(
            Atoms(structure.numbers, structure.positions, cell=structure.box, pbc=True),
            gpts=gpts,
            slice_thickness=settings.slice_thickness,
            parametrization=settings.parametrization,
            projection="infinite",
        )
        waves = wave.multislice(potential, lazy=False)
    else:
        waves = wave.build(lazy=False)
    # abTEM's arrays are indexed [x, y], images [y, x].
    return np.ascontiguousarray(waves.downsample("cutoff").array.T, dtype=np.complex64)
