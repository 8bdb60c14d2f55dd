# SPDX-License-Identifier: GPL-3.0-or-later
"""Compounds: the structures of the crystals that are known by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ase.build import bulk
from ase.spacegroup import crystal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

_Place = tuple[float, float, float]


class _Structure(NamedTuple):
    """Structure of a compound, as a paper gives it.

    Parameters
    ----------
    spacegroup
        Number of the space group.
    cellpar
        Lengths [Å] and angles [degrees] of the cell.
    sites
        Element and place of each site, in fractions of the cell.
    setting
        Choice of the origin.
    """

    spacegroup: int
    cellpar: tuple[float, float, float, float, float, float]
    sites: tuple[tuple[str, _Place], ...]
    setting: int = 1

    def build(self) -> Atoms:
        """Return one conventional cell."""
        symbols, basis = zip(*self.sites, strict=True)
        return crystal(
            symbols,
            list(basis),
            spacegroup=self.spacegroup,
            cellpar=list(self.cellpar),
            setting=self.setting,
        )


def _spinel(a: float, u: float, tetrahedral: str, octahedral: str) -> _Structure:
    """Return a spinel of the lattice constant a [Å] and the place u of its oxygen."""
    return _Structure(
        227,
        (a, a, a, 90, 90, 90),
        (
            (tetrahedral, (1 / 8, 1 / 8, 1 / 8)),
            (octahedral, (1 / 2, 1 / 2, 1 / 2)),
            ("O", (u, u, u)),
        ),
        setting=2,
    )


_STRUCTURES = {
    # Burdett et al., J. Am. Chem. Soc. 109 (1987) 3639, at 295 K.
    "rutile": _Structure(
        136,
        (4.594, 4.594, 2.959, 90, 90, 90),
        (("Ti", (0, 0, 0)), ("O", (0.305, 0.305, 0))),
    ),
    "anatase": _Structure(
        141,
        (3.785, 3.785, 9.514, 90, 90, 90),
        (("Ti", (0, 0, 0)), ("O", (0, 0, 0.208))),
    ),
    # Lutterotti and Scardi, J. Appl. Cryst. 23 (1990) 246.
    "alpha-Al2O3": _Structure(
        167,
        (4.7605, 4.7605, 12.9956, 90, 90, 120),
        (("Al", (0, 0, 0.35216)), ("O", (0.30668, 0, 1 / 4))),
    ),
    # The spinel that it is near to (Zhou and Snyder, Acta Cryst. B 47 (1991) 617): all
    # sites of aluminum are full, of which a ninth would be empty.
    "gamma-Al2O3": _spinel(7.911, 0.2547, "Al", "Al"),
    # Monoclinic (Howard et al., Acta Cryst. B 44 (1988) 116).
    "ZrO2": _Structure(
        14,
        (5.1505, 5.2116, 5.3173, 90, 99.230, 90),
        (
            ("Zr", (0.2754, 0.0395, 0.2083)),
            ("O", (0.0700, 0.3317, 0.3447)),
            ("O", (0.4496, 0.7569, 0.4792)),
        ),
    ),
    # Brous et al., Acta Cryst. 6 (1953) 67.
    "SrTiO3": _Structure(
        221,
        (3.905, 3.905, 3.905, 90, 90, 90),
        (("Sr", (1 / 2, 1 / 2, 1 / 2)), ("Ti", (0, 0, 0)), ("O", (1 / 2, 0, 0))),
    ),
    # Abrahams and Bernstein, Acta Cryst. B 25 (1969) 1233.
    "ZnO": _Structure(
        186,
        (3.2495, 3.2495, 5.2069, 90, 90, 120),
        (("Zn", (1 / 3, 2 / 3, 0)), ("O", (1 / 3, 2 / 3, 0.3826))),
    ),
    # Peterson et al., Am. Mineral. 76 (1991) 1455.
    "MgAl2O4": _spinel(8.0806, 0.2624, "Mg", "Al"),
    # Fleet, Acta Cryst. B 37 (1981) 917.
    "Fe3O4": _spinel(8.3941, 0.2549, "Fe", "Fe"),
}


def _ceria() -> Atoms:
    # Materials Project, thesis 3.1.
    return bulk("CeO2", "fluorite", a=5.47, cubic=True)


def _magnesia() -> Atoms:
    return bulk("MgO", "rocksalt", a=4.212, cubic=True)


COMPOUNDS: dict[str, Callable[[], Atoms]] = {
    "CeO2": _ceria,
    "MgO": _magnesia,
    **{name: structure.build for name, structure in _STRUCTURES.items()},
}
"""What builds one conventional cell of each compound that is known by name."""
