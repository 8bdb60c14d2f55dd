# SPDX-License-Identifier: GPL-3.0-or-later
"""Vibrations of the atoms: how large they are, and how a wave is to show them.

An exit wave with frozen phonons is the mean of the waves of all configurations, as in
chapter 5 of the thesis: one wave a structure, from which images can be formed anew in
each epoch. That is the elastic part. What it leaves out against the mean of the images
is the thermal diffuse scattering, which for the few nanometers of these structures is
a faint background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from pydantic import BaseModel, ConfigDict, Field
from scipy.constants import atomic_mass, hbar, k

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms

Positive = Annotated[float, Field(gt=0)]


def debye_waller(element: str, temperature: float, debye_temperature: float) -> float:
    """Return the mean squared displacement of an atom along one direction [Å²].

    Publication I, equation 1: 3ħ²/(2 m k θ) · (1/4 + T/θ). With the 580 K of MoS2 it is
    0.0030 Å² for S at 300 K. Equation 5.2 of the thesis has another factor of 2/3,
    which gives 0.0020 Å² and not the publication's number. The Debye model itself
    (zero-point motion and phonons, integrated) has 0.0045 Å² along each direction.

    Parameters
    ----------
    element
        Chemical symbol.
    temperature
        Of the sample [K].
    debye_temperature
        Of the material [K].
    """
    mass = atomic_masses[atomic_numbers[element]] * atomic_mass
    quantum = 3 * hbar**2 / (2 * mass * k * debye_temperature)
    return float(quantum * (1 / 4 + temperature / debye_temperature) * 1e20)


class Vibrations(BaseModel):
    """A way to show vibrations; here none. A subclass names its `method`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str

    def smearing(self, atoms: Atoms) -> dict[str, float]:  # noqa: ARG002
        """Return the standard deviation that smears each element's potential [Å]."""
        return {}

    def snapshots(
        self,
        atoms: Atoms,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Iterator[Atoms]:
        """Return the configurations whose waves are averaged."""
        yield atoms


class NoVibrations(Vibrations):
    """Atoms at rest."""

    method: Literal["none"] = "none"


class _Debye(Vibrations):
    temperature: float = Field(300.0, ge=0, description="of the sample [K]")
    debye_temperatures: dict[str, Positive] = Field(
        description="of the material that each element is in [K]"
    )

    def _amplitudes(self, atoms: Atoms) -> dict[str, float]:
        elements = sorted(set(atoms.symbols))
        missing = [e for e in elements if e not in self.debye_temperatures]
        if missing:
            raise ValueError(f"debye_temperatures has none for {', '.join(missing)}.")
        return {
            element: debye_waller(
                element, self.temperature, self.debye_temperatures[element]
            )
            ** 0.5
            for element in elements
        }


class Smearing(_Debye):
    """Potentials smeared by a Gaussian (thesis 5.1): all atoms of an element alike.

    Each has the mass of its own, for which publication I takes that of S throughout.
    """

    method: Literal["smearing"] = "smearing"

    def smearing(self, atoms: Atoms) -> dict[str, float]:
        """Return the standard deviation that smears each element's potential [Å]."""
        return self._amplitudes(atoms)


class UniformSmearing(Vibrations):
    """Potentials smeared by one Gaussian for all atoms, as publication I has it."""

    method: Literal["uniform smearing"] = "uniform smearing"
    mean_square: Positive = Field(
        0.0030, description="displacement of an atom along one direction, squared [Å²]"
    )

    def smearing(self, atoms: Atoms) -> dict[str, float]:
        """Return the standard deviation that smears each element's potential [Å]."""
        return dict.fromkeys(sorted(set(atoms.symbols)), self.mean_square**0.5)


class FrozenPhonons(_Debye):
    """Atoms displaced at random: all atoms of an element alike, along x, y and z."""

    method: Literal["frozen phonons"] = "frozen phonons"
    configurations: int = Field(8, ge=1, description="whose waves are averaged")

    def snapshots(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Atoms]:
        """Return the configurations whose waves are averaged."""
        amplitudes = self._amplitudes(atoms)
        sigma = np.array([amplitudes[symbol] for symbol in atoms.symbols])
        for _ in range(self.configurations):
            moved = atoms.copy()
            moved.positions += sigma[:, np.newaxis] * rng.standard_normal(
                moved.positions.shape
            )
            yield moved
