# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupants: what may stand on a site of a sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True)
class Occupant:
    """A column of atoms that may stand on a site; without atoms, an empty site.

    Parameters
    ----------
    name
        Name, as in the column ``class`` of tables.
    atoms
        Symbol of each atom, and its height over the middle of the sheet along the
        sheet's normal [Å], in the order in which the beam passes them.
    share
        Share of the sites on which it is expected to stand.
    """

    name: str
    atoms: tuple[tuple[str, float], ...]
    share: float

    def with_share(self, share: float) -> Occupant:
        """Return the same, expected on another share of the sites."""
        return replace(self, share=share)

    @property
    def center(self) -> float:
        """Height of the middle of its atoms over the middle of the sheet [Å]."""
        heights = [height for _, height in self.atoms]
        return sum(heights) / len(heights) if heights else 0.0


def empty(share: float) -> Occupant:
    """Return the empty site, expected on a share of the sites."""
    return Occupant("empty", (), share)


@dataclass(frozen=True)
class Sheet:
    """A hexagonal sheet: what may stand on each of the three sites of its cell.

    Parameters
    ----------
    name
        Its formula or name.
    lattice_constant
        Its lattice constant [Å].
    sublattices
        Occupants of the sites at (0, 0), (1/3, 1/3) and (2/3, 2/3) of lattice vectors
        60 degrees apart, the usual one first. A honeycomb has no occupant on the third.
    """

    name: str
    lattice_constant: float
    sublattices: tuple[tuple[Occupant, ...], ...]

    @cached_property
    def occupants(self) -> tuple[Occupant, ...]:
        """All occupants, each name once, the empty site last."""
        all_sites = [each for site in self.sublattices for each in site]
        by_name = {each.name: each for each in all_sites}
        return tuple(sorted(by_name.values(), key=lambda each: not each.atoms))

    @property
    def alike(self) -> bool:
        """Whether the same may stand on all sites, as in graphene."""
        used = [site for site in self.sublattices if site]
        return all(site == used[0] for site in used)
