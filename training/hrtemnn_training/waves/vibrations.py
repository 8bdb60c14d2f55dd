# SPDX-License-Identifier: GPL-3.0-or-later
"""Vibrations of the atoms: how large they are, and how a wave is to show them.

An exit wave with frozen phonons is the mean of the waves of all configurations, as in
chapter 5 of the thesis: one wave a structure, from which images can be formed anew in
each epoch. That is the elastic part. What it leaves out against the mean of the images
is the thermal diffuse scattering, which for the few nanometers of these structures is
a faint background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from pydantic import BaseModel, ConfigDict, Field
from scipy.constants import atomic_mass, hbar, k
from scipy.integrate import quad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms

Positive = Annotated[float, Field(gt=0)]


Displacement = Literal["Debye", "publication I", "thesis"]
"""Formulas for the mean squared displacement, see `debye_waller`."""


def debye_waller(
    element: str,
    temperature: float,
    debye_temperature: float,
    formula: Displacement = "Debye",
) -> float:
    r"""Return the mean squared displacement of an atom along one direction [Å²].

    "Debye" is the model itself, zero-point motion and phonons,

    .. math:: 3ħ²/(m k θ) · (1/4 + (T/θ)² \int_0^{θ/T} x / (e^x - 1) dx),

    0.0082 Å² for gold at 300 K with 165 K, 0.0045 Å² for S in MoS2 with 580 K. The
    documents have less. "publication I" is its equation 1, 3ħ²/(2 m k θ) · (1/4 +
    T/θ), half of what the model tends to at high temperatures: 0.0046 and 0.0030 Å².
    "thesis" is equation 5.2, two thirds of that.

    Parameters
    ----------
    element
        Chemical symbol.
    temperature
        Temperature of the specimen [K].
    debye_temperature
        Debye temperature of the material [K].
    formula
        One of the three formulas.
    """
    if element not in atomic_numbers:
        raise ValueError(f"{element!r} is not a chemical symbol.")
    if not 0 <= temperature < np.inf:
        raise ValueError(f"temperature has to be 0 K or more, not {temperature}.")
    if not 0 < debye_temperature < np.inf:
        raise ValueError(
            f"debye_temperature has to be above 0 K, not {debye_temperature}."
        )
    mass = atomic_masses[atomic_numbers[element]] * atomic_mass
    unit = 3 * hbar**2 / (mass * k * debye_temperature) * 1e20
    ratio = temperature / debye_temperature
    match formula:
        case "Debye":
            return float(unit * (1 / 4 + _phonons(ratio)))
        case "publication I":
            return float(unit / 2 * (1 / 4 + ratio))
        case "thesis":
            return float(unit / 3 * (1 / 4 + ratio))
        case _:
            known = ", ".join(get_args(Displacement))
            raise ValueError(f"formula has to be one of {known}, not {formula!r}.")


def _phonons(ratio: float) -> float:
    """Return the integral of the Debye model at a temperature over Debye's."""
    if ratio == 0:
        return 0.0
    # Beyond 100 there is nothing left, 1e-42, and at last an overflow.
    value, _ = quad(lambda x: x / np.expm1(x) if x else 1.0, 0, min(1 / ratio, 100))
    return float(ratio**2 * value)


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
    temperature: float = Field(
        300.0, ge=0, description="temperature of the specimen [K]"
    )
    debye_temperatures: dict[str, Positive] = Field(
        description="Debye temperature of the material that each element is in [K]"
    )
    formula: Displacement = Field(
        "Debye",
        description="for the mean squared displacement: the Debye model, or what "
        "publication I or the thesis have",
    )

    def _amplitudes(self, atoms: Atoms) -> dict[str, float]:
        elements = sorted(set(atoms.symbols))
        missing = [e for e in elements if e not in self.debye_temperatures]
        if missing:
            raise ValueError(f"debye_temperatures has none for {', '.join(missing)}.")
        return {
            element: debye_waller(
                element,
                self.temperature,
                self.debye_temperatures[element],
                self.formula,
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
    """Potentials smeared by one Gaussian for all atoms, as publication I has it.

    Its 0.0030 Å² are those of S at 300 K by its own formula; see `debye_waller`.
    """

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
    configurations: int = Field(
        8, ge=1, le=10_000, description="whose waves are averaged"
    )

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
