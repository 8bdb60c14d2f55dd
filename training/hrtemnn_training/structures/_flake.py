# SPDX-License-Identifier: GPL-3.0-or-later
"""Flakes of MX2 with vacancies, alone or on graphene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from ase.build import graphene
from ase.data import atomic_numbers
from pydantic import Field, model_validator
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import Percent, Range, Share, within

from ._assembly import Group, assemble
from ._choices import Shares, draw, pick
from ._columns import column_of_atoms
from ._crystal import oriented_block, tilt
from ._generator import Generator, Seed
from ._mx2 import LATTICES, elements_of, mx2_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from ._structure import Structure

_TURNS = (0.0, 15.0, 30.0)  # of the graphene, besides a random one [degrees]


class MX2Flake(Generator):
    """A flake of one layer of MX2, such as MoS2.

    The defaults are thesis 3.1 with the tilts, displacements and, where asked for, the
    graphene of publication I, section 2.

    The columns are classified by what they are made of: 1M, 2X and 1X, with the
    elements in place of M and X if there is one formula. In 2H the two X are one
    column and 1X is a vacancy; in 1T each X is a column of its own, so that 2X does
    not occur and a vacancy is a column that is missing.
    """

    generator: Literal["mx2 flake"] = "mx2 flake"
    formulas: tuple[str, ...] = Field(
        ("MoS2",), min_length=1, description="M before X; each as likely as the others"
    )
    lattices: dict[str, tuple[float, float]] = Field(
        {}, description="a and distance of the planes of X of other formulas [Å]"
    )
    phases: Shares[Literal["2H", "1T"]] = Field(
        {"2H": 1}, description="relative shares"
    )
    side: Annotated[Range, within(20, np.inf)] = Field(
        (50.0, 130.0), description="side of the square sheet a flake is cut out of [Å]"
    )
    corners: Annotated[tuple[int, int], within(3, 30)] = Field(
        (5, 12), description="atoms of the sheet whose convex hull is the flake"
    )
    offset: Range = Field(
        (-0.15, 0.15),
        description="offset of the flake from the center, in fields of view",
    )
    vacancies: Percent = Field((0.0, 10.0), description="X atoms removed [%]")
    holes: Percent = Field((0.0, 5.0), description="columns removed [%]")
    distort: float = Field(
        0.01, ge=0, description="standard deviation of the atoms' displacements [Å]"
    )
    axis_tilt: Annotated[Range, within(0, 15)] = Field(
        (0.0, 10.0), description="tilt of the flake's normal off the beam [degrees]"
    )
    supported: Share = Field(0.0, description="share of the flakes on graphene")
    distance: Range = Field(
        (3.3, 7.0), description="distance between the graphene and the nearest X [Å]"
    )
    graphene_vacancies: Percent = Field((0.0, 5.0), description="C atoms removed [%]")

    @model_validator(mode="after")
    def _formulas_are_known(self) -> MX2Flake:
        for formula in self.formulas:
            elements_of(formula)
            if formula not in self.lattices and formula not in LATTICES:
                raise ValueError(
                    f"No lattice of {formula} is known, only of {', '.join(LATTICES)}: "
                    f"give a and the distance of the planes of X in `lattices`."
                )
        return self

    def make(self, seed: Seed) -> Structure:
        """Draw one flake; the graphene is its support, at smaller z."""
        rng = np.random.default_rng(seed)
        formula = str(rng.choice(self.formulas))
        phase = draw(self.phases, rng)
        a, thickness = self.lattices.get(formula) or LATTICES[formula]
        angle = rng.uniform(*self.axis_tilt)
        x = atomic_numbers[elements_of(formula)[1]]
        flake = _cut_out(mx2_cell(formula, phase, a, thickness), self, rng)
        flake = self._with_vacancies(flake, x, rng)
        sheet = self._draw_graphene(thickness, rng)

        turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        rotation = tilt(angle, rng.uniform(0, 360)) @ turn
        middle = np.append(0.5 + rng.uniform(*self.offset, size=2), 0) * self.field

        def place(group: Group) -> Group:
            displaced = group[0] + rng.normal(0, self.distort, group[0].shape)
            return displaced @ rotation.T + middle, group[1]

        def classify(
            elements: NDArray[np.uint8], counts: NDArray[np.uint16]
        ) -> NDArray[np.integer]:
            n = counts[:, elements == x].sum(axis=1)
            return np.select([n == 0, n == 2], [0, 1], 2)

        return assemble(
            place(sheet) if sheet is not None else None,
            [place(flake)],
            self.field,
            kinds=[formula],
            names=self.column_names,
            classify=classify,
            # Off the beam the two X of a column part. They stay nearer to each other
            # than half of what is between neighboring columns.
            radius=a / np.sqrt(12),
            values={
                "formula": formula,
                "phase": phase,
                "tilt": angle,
                "support": "none" if sheet is None else "graphene",
            },
            particles_of=formula,
            support_of="graphene",
        )

    def _with_vacancies(self, flake: Group, x: int, rng: np.random.Generator) -> Group:
        positions, numbers = flake
        of_x = np.flatnonzero(numbers == x)
        gone = of_x[pick(len(of_x), self.vacancies, rng)]
        positions, numbers = np.delete(positions, gone, 0), np.delete(numbers, gone)
        column, centers = column_of_atoms(positions)
        kept = ~np.isin(column, pick(len(centers), self.holes, rng))
        return positions[kept], numbers[kept]

    def _draw_graphene(
        self, thickness: float, rng: np.random.Generator
    ) -> Group | None:
        if rng.random() >= self.supported:
            return None
        positions, numbers = _cut_out(graphene(vacuum=5), self, rng)
        gone = pick(len(numbers), self.graphene_vacancies, rng)
        angle = rng.choice([*_TURNS, rng.uniform(0, 360)])
        turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
        positions = np.delete(positions, gone, 0) @ turn.T
        positions[:, 2] = -thickness / 2 - rng.uniform(*self.distance)
        return positions, np.delete(numbers, gone)

    @property
    def column_names(self) -> tuple[str, str, str]:
        m, x = elements_of(self.formulas[0]) if len(self.formulas) == 1 else ("M", "X")
        return (f"1{m}", f"2{x}", f"1{x}")


def _cut_out(cell: Atoms, ranges: MX2Flake, rng: np.random.Generator) -> Group:
    """Cut the convex hull of random atoms out of a sheet (thesis, figure 3.3)."""
    half = np.array([*[rng.uniform(*ranges.side)] * 2, cell.cell[2, 2]]) / 2
    center = [0, 0, cell.positions[0, 2]]
    positions, numbers = oriented_block(cell, np.eye(3), center - half, center + half)
    n = rng.integers(ranges.corners[0], ranges.corners[1], endpoint=True)
    corners = positions[rng.choice(len(positions), n, replace=False), :2]
    # Joggled, for the atoms may be in a line or of one column.
    hull = ConvexHull(corners, qhull_options="QJ")
    beyond = positions[:, :2] @ hull.equations[:, :2].T + hull.equations[:, 2]
    inside = np.all(beyond < 1e-3, axis=1)
    return positions[inside], numbers[inside]
