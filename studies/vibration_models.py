# SPDX-License-Identifier: GPL-3.0-or-later
"""A trajectory of MoS2, and the waves of it and of the models that stand for it.

Not a script: `vibrations_page.py` computes the waves with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.neighborlist import neighbor_list

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.structures import Structure, find_sites
from hrtemnn_training.waves.local_frozen_phonons import LocalFrozenPhonons
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hrtemnn_training.waves.vibrations import UniformSmearing
from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms
    from numpy.typing import NDArray

BONDS = (("Mo", "S", 3.0), ("Mo", "Mo", 4.0))
SNAPSHOTS = 64  # of which a wave is the mean
WAVES = WaveSettings(energy=50, sampling=0.1, slice_thickness=0.5)
SAMPLING = 0.105  # of the camera [Å]
OPTICS = Optics(50, 50, 5e4, 12, 0.5)
DOSE = 10**3.5
MTF = (0.4, 2.5)
_LENGTHS = {(first, second): length for first, second, length in BONDS}


@dataclass(frozen=True)
class Trajectory:
    """Molecular dynamics at one temperature.

    Parameters
    ----------
    temperature
        Temperature of the bath [K].
    images
        The atoms at rest, and then every 40 fs.
    """

    temperature: int
    images: Sequence[Atoms]

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Positions without the motion of the whole, shape (image, atom, 3) [Å]."""
        positions = np.stack([image.positions for image in self.images[1:]])
        positions -= positions.mean(axis=1, keepdims=True)
        return np.asarray(positions + self.images[0].positions.mean(axis=0))

    @cached_property
    def mean(self) -> Atoms:
        """The atoms at their mean positions."""
        atoms = self.images[0].copy()
        atoms.positions = self.positions.mean(axis=0)
        return atoms

    @cached_property
    def bonds(self) -> NDArray[np.intp]:
        """Number of bonds of each atom at its mean position."""
        return count_bonds(self.mean)

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviation of each atom along x, y, z [Å]."""
        return np.asarray(self.positions.std(axis=0))

    def at(self, positions: NDArray[np.float64]) -> Atoms:
        """Return the atoms at other positions."""
        atoms = self.mean.copy()
        atoms.positions = positions
        return atoms


def count_bonds(
    atoms: Atoms, lengths: Mapping[tuple[str, str], float] = _LENGTHS
) -> NDArray[np.intp]:
    """Return the number of bonds of each atom, none longer than `lengths` [Å]."""
    first = neighbor_list("i", atoms, dict(lengths))
    return np.bincount(first, minlength=len(atoms))


def wave_of(atoms: Atoms, settings: WaveSettings = WAVES) -> NDArray[np.complex64]:
    """Return the exit wave of a flake, (y, x)."""
    positions, numbers = atoms.positions.astype(np.float32), atoms.numbers
    flake = np.ones(len(atoms), np.uint8)
    x, y, z = atoms.cell.lengths()
    structure = Structure(
        positions=positions,
        numbers=numbers.astype(np.uint8),
        particles=flake,
        box=(x, y, z),
        sites=find_sites(positions, numbers, flake),
        outlines=(),
        kinds=(),
    )
    return exit_wave(structure, settings)


class Seen:
    """What a microscope sees of the waves of one kind of vibration.

    Parameters
    ----------
    waves
        Exit wave of each snapshot, (snapshot, y, x).
    atoms
        Atoms whose cell is the field of view.
    """

    def __init__(self, waves: Sequence[NDArray[np.complex64]], atoms: Atoms) -> None:
        x, y, _ = atoms.cell.lengths()
        self._extent = (y, x)
        shape = (round(y / SAMPLING), round(x / SAMPLING))
        # The first pixels of wave and image are at the same place.
        grid = Grid((-SAMPLING / 2, -SAMPLING / 2), self._extent, shape)
        self._waves = [smoothed(wave, self._extent, grid) for wave in waves]
        self.wave = np.mean(self._waves, axis=0)
        mean: NDArray[np.complex64] = np.mean(waves, axis=0, dtype=np.complex64)
        self.image = image_intensity(mean, self._extent, OPTICS, shape)

    @property
    def spread(self) -> float:
        """How far the wave of one snapshot is off the mean of all (RMSE)."""
        return float(np.sqrt(np.var(self._waves, axis=0, ddof=1).mean()))

    def noisy(self, seed: int) -> NDArray[np.float32]:
        """Return the image as a camera reads it, vacuum 1."""
        counts = detect_electrons(
            self.image, Detector(SAMPLING, DOSE, *MTF), np.random.default_rng(seed)
        )
        return np.asarray(counts / (DOSE * SAMPLING**2))


def models_of(trajectory: Trajectory) -> dict[str, Seen]:
    """Return the waves of the molecular dynamics and of what stands for it.

    All vibrate about the mean positions, so that nothing but the vibrations differs.
    """
    mean = trajectory.mean
    about_mean = [mean, *map(trajectory.at, trajectory.positions)]
    snapshots = about_mean[1 :: len(trajectory.positions) // SNAPSHOTS][:SNAPSHOTS]
    local, edge = (
        LocalFrozenPhonons.measure(
            about_mean, BONDS, edge, configurations=SNAPSHOTS
        ).snapshots(mean, np.random.default_rng(1))
        for edge in (None, ("S", "Mo"))
    )
    mean_square = float(np.mean(trajectory.deviations[:, :2] ** 2))
    smearing = WAVES.model_copy(
        update={"vibrations": UniformSmearing(mean_square=mean_square)}
    )
    return {
        "molecular dynamics": Seen([wave_of(atoms) for atoms in snapshots], mean),
        "homogeneous": Seen([wave_of(mean, smearing)], mean),
        "local environment": Seen([wave_of(atoms) for atoms in local], mean),
        "directional edge": Seen([wave_of(atoms) for atoms in edge], mean),
        "at rest": Seen([wave_of(mean)], mean),
    }
