# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulators of waves and images: the recipe's way, or abTEM's own functions.

The second shares nothing with this package but the atoms and the camera: a potential
of finite projection with the parametrization of Lobato and van Dyck, frozen phonons
whose images, not waves, are averaged, abTEM's transfer function, whose focal spread is
an envelope of the wave, and a blur of the image instead of the wave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from ase import Atoms
from scipy.signal import resample

from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.analysis import image_intensity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.structures import Structure
    from hrtemnn_training.waves.multislice import WaveSettings
    from hyperspy_hrtemnn.analysis import Optics

    Waves = NDArray[np.complex64]

_PHONONS = 8  # configurations
_DISPLACEMENT = 0.003**0.5  # of an atom along each direction, as in the recipes [Å]


class Simulator(Protocol):
    """Simulates waves, shape (..., y, x), one or several whose images are averaged."""

    def waves(self, structure: Structure, settings: WaveSettings, seed: int) -> Waves:
        """Return the exit waves of a structure."""

    def image(
        self, waves: Waves, field: float, optics: Optics, shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Return the image, free of noise, of a square field [Å]; 1 = vacuum."""


class OfRecipe:
    """The way of the recipes: one wave."""

    def waves(self, structure: Structure, settings: WaveSettings, seed: int) -> Waves:
        """Return the exit wave of a structure."""
        return exit_wave(structure, settings, seed)

    def image(
        self, waves: Waves, field: float, optics: Optics, shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Return the image, free of noise, of a square field [Å]; 1 = vacuum."""
        return image_intensity(waves, (field, field), optics, shape)


class OfAbtem:
    """abTEM's own functions, its defaults but for the slices."""

    def waves(self, structure: Structure, settings: WaveSettings, seed: int) -> Waves:
        """Return the exit wave of each configuration of the vibrating atoms."""
        abtem = _abtem()
        atoms = Atoms(
            structure.numbers, structure.positions, cell=structure.box, pbc=True
        )
        potential = abtem.Potential(
            abtem.AtomsEnsemble(_vibrating(atoms, np.random.default_rng(seed))),
            sampling=settings.sampling,
            slice_thickness=settings.slice_thickness,
            projection="finite",
        )
        beam = abtem.PlaneWave(energy=settings.energy_of(seed) * 1e3)
        waves = beam.multislice(potential, lazy=False).downsample("cutoff")
        # abTEM's arrays are indexed [x, y], images [y, x].
        return np.asarray(np.swapaxes(waves.array, -2, -1), np.complex64)

    def image(
        self, waves: Waves, field: float, optics: Optics, shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Return the mean of the images of all configurations; 1 = vacuum."""
        abtem = _abtem()
        others = {each.name: each.magnitude for each in optics.aberrations}
        angles = {f"phi{each.name[1:]}": each.angle for each in optics.aberrations}
        lens = abtem.CTF(
            energy=optics.energy * 1e3,
            defocus=optics.defocus,
            Cs=optics.Cs,
            focal_spread=optics.focal_spread,
            **others,
            **angles,
        )
        mean = 0.0
        for wave in waves:
            # The intensity has twice the frequencies of the wave.
            fine = wave.T
            for axis in (0, 1):
                fine = resample(fine, 2 * fine.shape[axis], axis=axis)
            exit_plane = abtem.Waves(
                fine.astype(np.complex64),
                energy=optics.energy * 1e3,
                extent=(field, field),
            )
            mean = mean + exit_plane.apply_ctf(lens).intensity() / len(waves)
        image: Any = mean
        if optics.blur:
            image = image.gaussian_filter(optics.blur, boundary="periodic")
        array = image.interpolate(gpts=shape[::-1]).array.T
        return np.asarray(np.maximum(array, 0), np.float32)


SIMULATORS: dict[str, Simulator] = {"recipe": OfRecipe(), "abtem": OfAbtem()}


def _vibrating(atoms: Atoms, rng: np.random.Generator) -> list[Atoms]:
    """Return the configurations of vibrating atoms, each with its mirror image.

    So that the atoms are on average exactly where they are said to be: the mean of
    eight random displacements is 2 pm, more than the errors of a refinement.
    """
    configurations = []
    for _ in range(_PHONONS // 2):
        step = rng.normal(0, _DISPLACEMENT, atoms.positions.shape)
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions += sign * step
            configurations.append(moved)
    return configurations


def _abtem() -> Any:
    import abtem  # seconds to import

    abtem.config.set({"precision": "float32", "device": "cpu"})
    return abtem
