# SPDX-License-Identifier: GPL-3.0-or-later
"""Amorphous materials: the random networks of carbon and of oxides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeGuard, get_args

import numpy as np
from ase.data import atomic_numbers

from ._random_network import Springs

if TYPE_CHECKING:
    from numpy.typing import NDArray

Material = Literal["amorphous carbon", "amorphous SiO2", "amorphous Al2O3"]

AMORPHOUS: tuple[Material, ...] = get_args(Material)
"""Materials of which amorphous films are known."""


def is_amorphous(name: str) -> TypeGuard[Material]:
    """Return whether a name is one of `AMORPHOUS`."""
    return name in AMORPHOUS


@dataclass(frozen=True)
class RandomNetwork:
    """A random network, and how dense it is.

    Parameters
    ----------
    formula
        Elements, and how many atoms of each there are.
    springs
        Bonds and distances.
    nearest
        Least distance of two atoms [Å].
    tile
        Length of the periodic cube that films are cut from [Å].
    density
        Density of the tile [g/cm³].
    possible
        Densities at which films have the bonds and distances of the network [g/cm³].
    usual
        Densities of films that are made [g/cm³].
    heats
        Random displacements after each of which the tile is relaxed again [Å].
    """

    formula: tuple[tuple[str, int], ...]
    springs: Springs
    nearest: float
    tile: float
    density: float
    possible: tuple[float, float]
    usual: tuple[float, float]
    heats: tuple[float, ...] = ()

    @property
    def numbers(self) -> NDArray[np.uint8]:
        """Atomic numbers of the elements."""
        symbols = [symbol for symbol, _ in self.formula]
        return np.array([atomic_numbers[symbol] for symbol in symbols], np.uint8)

    @property
    def reach(self) -> float:
        """Longest of the distances that it keeps [Å]."""
        return float(np.max(self.springs.apart))


# They end small, so that atoms whose bonds the first of them broke find new ones.
_COOLING = tuple(0.8 - 0.05 * step for step in range(15))

NETWORKS: dict[Material, RandomNetwork] = {
    # A bond between those of graphite and diamond, second neighbors across an angle of
    # 120 degrees: the shells of films of low density (Li and Lannin, Phys. Rev. Lett.
    # 65, 1905 (1990)): a bond of 1.46 Å, second neighbors near 2.5 Å, nothing between.
    # There are 2.75 bonds an atom; atoms with four are left out.
    "amorphous carbon": RandomNetwork(
        formula=(("C", 1),),
        springs=Springs((3,), 1.45, ((2.5,),)),
        nearest=1.2,
        tile=40.0,
        density=2.0,
        possible=(1.5, 2.5),
        usual=(1.8, 2.3),
    ),
    # Si-O 1.62, O-O 2.65, Si-Si 3.12 Å (Mozzi and Warren, J. Appl. Cryst. 2 (1969)
    # 164). Here they are most often 1.64, 2.65 and 3.05 Å, and Si has 3.6 bonds of 4.
    # The bonds are pulled longer than at rest.
    "amorphous SiO2": RandomNetwork(
        formula=(("Si", 1), ("O", 2)),
        springs=Springs((4, 2), 1.53, ((3.1, 2.7), (2.7, 2.7))),
        nearest=1.3,
        tile=30.0,
        density=2.2,
        possible=(1.9, 2.5),
        usual=(2.1, 2.3),
        heats=_COOLING,
    ),
    # Al-O 1.8, O-O 2.8, Al-Al 3.2 Å, 4.1 bonds of Al (Lamparter and Kniep, Physica B
    # 234-236 (1997) 405). Here they are 1.87, 2.65 and 3.05 Å, and Al has 4.4 bonds.
    "amorphous Al2O3": RandomNetwork(
        formula=(("Al", 2), ("O", 3)),
        springs=Springs((5, 3), 1.70, ((3.15, 2.5), (2.5, 2.8))),
        nearest=1.4,
        tile=30.0,
        density=3.1,
        possible=(2.7, 3.4),
        usual=(2.9, 3.3),
        heats=_COOLING,
    ),
}
"""Random network of each of the materials."""


def densities(
    material: Material, of_carbon: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return the least and greatest density of films that are made [g/cm³].

    Parameters
    ----------
    material
        One of `AMORPHOUS`.
    of_carbon
        Those of amorphous carbon, if they are given [g/cm³].
    """
    if of_carbon is not None and material == "amorphous carbon":
        return of_carbon
    return NETWORKS[material].usual
