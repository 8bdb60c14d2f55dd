# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheet state: where the columns of a tilted sheet are, and what stands there.

Atoms of a support are columns, too, with a level below the middle of the sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class SheetState:
    """Columns of a flat sheet, and of others parallel to it.

    Parameters
    ----------
    positions
        Position (y, x) of the middle of the atoms of each column [Å], shape
        (column, 2), pixel (0, 0) of the images at 0.
    kinds
        Number of the occupant of each column, shape (column,).
    centers
        Height of the middle of each occupant's atoms over the middle of its sheet along
        the normal [Å], shape (occupant,).
    normal
        Components (y, x) of the normal of the sheet, as of `ColumnWaves.spectra`.
    middle
        Position (y, x) at which the middle of the sheet is at height 0 [Å].
    levels
        Height of the middle of each occupant's sheet over that of the first along the
        normal [Å], shape (occupant,); by default all are of the first.
    """

    positions: NDArray[np.float64]
    kinds: NDArray[np.intp]
    centers: NDArray[np.float64]
    normal: NDArray[np.float64]
    middle: NDArray[np.float64]
    levels: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def along(self) -> float:
        """Component of the normal along the beam."""
        return float(np.sqrt(1 - self.normal @ self.normal))

    @property
    def off(self) -> NDArray[np.float64]:
        """Height of the middle of each column over the middle of its sheet [Å]."""
        return self.centers[self.kinds]

    @property
    def sites(self) -> NDArray[np.float64]:
        """Positions (y, x) of the sites in the middle of their sheet [Å]."""
        return self.positions - self.off[:, np.newaxis] * self.normal

    @property
    def heights(self) -> NDArray[np.float64]:
        """Position of each site along the beam [Å], shape (column,)."""
        return self.heights_of(self.sites, self.kinds)

    def heights_of(
        self,
        sites: NDArray[np.float64],
        kinds: NDArray[np.intp] | Sequence[int] | None = None,
    ) -> NDArray[np.float64]:
        """Return the position along the beam of any sites [Å].

        Parameters
        ----------
        sites
            Positions (y, x) of the sites [Å], shape (site, 2).
        kinds
            Numbers of their occupants, which tell the sheet; by default the first.
        """
        heights = -((sites - self.middle) @ self.normal) / self.along
        if self.levels is not None and kinds is not None:
            heights = heights + self.levels[kinds] / self.along
        return np.asarray(heights)

    def height_slopes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the derivatives of `heights` by positions and by the normal.

        Returns
        -------
        By the position, alike for all, shape (2,), and by the normal with positions
        held, shape (column, 2).
        """
        normal, along = self.normal, self.along
        offset = self.off[:, np.newaxis]
        way = self.positions - self.middle
        # heights = -(way . n)/along + off n.n/along
        by_normal = (
            -way / along
            - (way @ normal)[:, np.newaxis] * normal / along**3
            + offset * normal * (2 / along + (normal @ normal) / along**3)
        )
        if self.levels is not None:
            by_normal += self.levels[self.kinds][:, np.newaxis] * normal / along**3
        return -normal / along, by_normal

    @property
    def below(self) -> NDArray[np.bool_]:
        """Whether each column is of a sheet below the first."""
        if self.levels is None:
            return np.zeros(len(self), bool)
        return np.asarray(self.levels[self.kinds] < 0)

    @property
    def pose(self) -> NDArray[np.float64]:
        """Components of the normal, and the distance of a sheet below, if any [Å]."""
        if self.levels is None:
            return self.normal
        return np.append(self.normal, -self.levels.min())

    def moved(
        self, positions: NDArray[np.float64], pose: NDArray[np.float64]
    ) -> SheetState:
        """Return the same columns elsewhere, in another pose of their sheets."""
        levels = self.levels
        if levels is not None:
            levels = np.where(levels < 0, -pose[2], 0.0)
        return replace(self, positions=positions, normal=pose[:2], levels=levels)

    def with_columns(
        self, positions: NDArray[np.float64], kinds: NDArray[np.intp]
    ) -> SheetState:
        """Return other columns of the same sheet."""
        return replace(self, positions=positions, kinds=kinds)

    def with_sites(
        self, sites: NDArray[np.float64], kinds: NDArray[np.intp]
    ) -> SheetState:
        """Return these columns and others, on given sites (y, x) [Å]."""
        added = sites + self.centers[kinds][:, np.newaxis] * self.normal
        return self.with_columns(
            np.concatenate([self.positions, added]),
            np.concatenate([self.kinds, kinds]),
        )
