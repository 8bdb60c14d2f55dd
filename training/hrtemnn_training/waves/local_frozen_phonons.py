# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen phonons that depend on where an atom is, with measured amplitudes in a recipe.

The amplitudes themselves stand in the recipe, not the trajectory they were measured in:
a recipe says all of what it makes, on any machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
)

from hrtemnn_training.ranges import Range

from .local_vibrations import (
    EdgeVibrations,
    get_edge_vibrations,
    get_vibrational_amplitudes,
    perturb_atoms,
    perturb_edge_atoms,
)
from .vibrations import Vibrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms
    from numpy.typing import NDArray

    from .local_vibrations import Trajectory

Deviations = tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat]
Bond = tuple[str, str, PositiveFloat]
_SOME = Field(min_length=1)


class Edge(BaseModel):
    """How the atoms at an edge vibrate: along it, across it, and along z."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: str = Field(description="chemical symbol of the atoms at the edge")
    neighbor: str = Field(description="chemical symbol of what they are bonded to")
    coordination: int = Field(ge=1, description="most bonds of an atom at the edge")
    sigma_xyz: Deviations = Field(description="standard deviation [Å]")
    mu_xyz: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0), description="mean displacement [Å]"
    )


class LocalFrozenPhonons(Vibrations):
    """Atoms displaced as those with as many neighbors in a trajectory (chapter 5)."""

    method: Literal["local frozen phonons"] = "local frozen phonons"
    bonds: tuple[Bond, ...] = Field(
        min_length=1,
        description="two elements, the longest distance that is a bond [Å]",
    )
    amplitudes: dict[str, Annotated[dict[NonNegativeInt, Deviations], _SOME]] = Field(
        min_length=1,
        description="standard deviation along x, y, z of each element with each number "
        "of bonds, the nearest one where a number is missing [Å]",
    )
    edge: Edge | None = Field(
        None,
        description="vibrations of atoms that move along their edge; none if not given",
    )
    factor: Range = Field(
        (1.0, 1.0),
        description="factor of all standard deviations, drawn for each structure; in a "
        "harmonic crystal 2 is four times the temperature",
    )
    configurations: int = Field(
        8, ge=1, le=10_000, description="whose waves are averaged"
    )

    @classmethod
    def measure(
        cls,
        trajectory: Trajectory,
        bonds: tuple[Bond, ...],
        edge: tuple[str, str] | None = None,
        **keys: Any,
    ) -> LocalFrozenPhonons:
        """Return the vibrations of a trajectory, to 0.001 Å.

        Parameters
        ----------
        trajectory
            A file that ASE reads, or its images; see `get_vibrational_amplitudes`, and
            `get_edge_vibrations` for its first image.
        bonds
            As the key of this name.
        edge
            Elements of the atoms at edges and of their neighbors, such as
            ``("S", "Mo")``, if they are to move along the edge.
        keys
            The other keys.

        Raises
        ------
        ValueError
            As the two functions, table 5.1 of the thesis, do.
        """
        lengths = {(first, second): length for first, second, length in bonds}
        measured = get_vibrational_amplitudes(trajectory, lengths)
        keys["amplitudes"] = {
            element: {
                n: _rounded(sigma) for (e, n), sigma in measured.items() if e == element
            }
            for element in sorted({element for element, _ in measured})
        }
        if edge is not None:
            found = get_edge_vibrations(trajectory, *edge, lengths)
            keys["edge"] = {
                "element": found.element,
                "neighbor": found.neighbor,
                "coordination": found.coordination,
                "sigma_xyz": _rounded(found.sigma_xyz),
                "mu_xyz": _rounded(found.mu_xyz),
            }
        method = "local frozen phonons"
        return cls.model_validate({"method": method, "bonds": bonds, **keys})

    def snapshots(self, atoms: Atoms, rng: np.random.Generator) -> Iterator[Atoms]:
        """Return the configurations whose waves are averaged."""
        factor = rng.uniform(*self.factor)
        bonds = {(first, second): length for first, second, length in self.bonds}
        amplitudes = {
            (element, n): factor * np.array(sigma)
            for element, kinds in self.amplitudes.items()
            for n, sigma in kinds.items()
        }
        edge = self._edge_vibrations(factor)
        for _ in range(self.configurations):
            moved = perturb_atoms(atoms, amplitudes, bonds, rng)
            if edge is not None:
                # Where there is an edge, atoms move as it does and not twice.
                at_edge = perturb_edge_atoms(atoms, edge, bonds, rng).positions
                displaced = np.any(at_edge != atoms.positions, axis=1)
                moved.positions[displaced] = at_edge[displaced]
            yield moved

    def _edge_vibrations(self, factor: float) -> EdgeVibrations | None:
        if self.edge is None:
            return None
        return EdgeVibrations(
            self.edge.element,
            self.edge.neighbor,
            self.edge.coordination,
            sigma_xyz=factor * np.array(self.edge.sigma_xyz),
            mu_xyz=np.array(self.edge.mu_xyz),
        )


def _rounded(xyz: NDArray[np.floating]) -> list[float]:
    return [round(float(length), 3) for length in xyz]
