# SPDX-License-Identifier: GPL-3.0-or-later
"""Carbon nanotubes of one or two walls, lying across the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from ase.build import nanotube
from pydantic import Field, model_validator
from scipy.spatial.transform import Rotation

from hrtemnn_training.ranges import Range, Share, within
from hyperspy_hrtemnn.analysis import BOND, chiral_angle
from hyperspy_hrtemnn.analysis import tube_diameter as diameter

from ._assembly import assemble
from ._choices import Shares, draw
from ._generator import Generator, Seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._structure import Structure

Kind = Literal["zigzag", "armchair", "chiral"]

_LARGEST = 25
# Tubes of more than 30 Å that `ase.build.nanotube` does not make.
_NOT_MADE = {(23, 22), (24, 23), (25, 21), (25, 23), (25, 24)}
_THINNEST = 3.9  # diameter of an inner wall [Å]


def chirality(n: int, m: int) -> Kind:
    """Return "zigzag", "armchair" or "chiral".

    Parameters
    ----------
    n, m
        Chiral indices, n not less than m.
    """
    if m == 0:
        return "zigzag"
    return "armchair" if n == m else "chiral"


class Nanotube(Generator):
    """Carbon nanotubes across the field, each before or behind the others.

    Each tube is a particle of the kind "zigzag", "armchair" or "chiral". The values
    give the indices, diameter and angles of the tube, of its outer wall if it has two,
    in recipes of one tube to a field; in others they give the number of tubes.
    """

    generator: Literal["nanotube"] = "nanotube"
    n: Annotated[tuple[int, int], within(3, _LARGEST)] = Field(
        (5, 20), description="first chiral index"
    )
    m: Annotated[tuple[int, int], within(0, _LARGEST)] = Field(
        (0, 20), description="second chiral index; never above the first"
    )
    diameters: Annotated[Range, within(2, 40)] = Field(
        (2.0, 40.0), description="diameters of the indices that are drawn [Å]"
    )
    kinds: Shares[Kind] = Field(
        {"zigzag": 1, "armchair": 1, "chiral": 1},
        description="relative shares, whatever the number of their indices",
    )
    tubes: Annotated[tuple[int, int], within(1, 20)] = Field(
        (1, 1), description="nanotubes in a field"
    )
    double_walled: Share = Field(0.2, description="share of the tubes of two walls")
    wall_distance: Annotated[Range, within(3, 5)] = Field(
        (3.3, 3.8), description="distance between the two walls [Å]"
    )
    axis_tilt: Annotated[Range, within(0, 30)] = Field(
        (0.0, 10.0), description="tilt of the axis out of the image plane [degrees]"
    )
    direction: Annotated[Range, within(-360, 360)] = Field(
        (0.0, 360.0),
        description="direction of the axis in the image plane, from x towards y "
        "[degrees]",
    )
    offset: Range = Field(
        (-0.25, 0.25),
        description="offset of the axis from the center, in fields of view",
    )
    apart: float = Field(
        3.4, gt=0, description="distance between two tubes, along z [Å]"
    )

    @model_validator(mode="after")
    def _indices_fit(self) -> Nanotube:
        for kind, share in self.kinds.items():
            if share and not self._of_kind(kind):
                raise ValueError(
                    f"no {kind} tube has n in {self.n}, m in {self.m} and a diameter "
                    f"in {self.diameters} Å: change them or leave {kind!r} out of "
                    "`kinds`"
                )
        return self

    def make(self, seed: Seed) -> Structure:
        """Draw the tubes of one field."""
        rng = np.random.default_rng(seed)
        count = int(rng.integers(*self.tubes, endpoint=True))
        kinds = [draw(self.kinds, rng) for _ in range(count)]
        indices = [rng.choice(self._of_kind(kind)).tolist() for kind in kinds]
        particles = []
        described: list[dict[str, float | str]] = []
        top = 0.0
        for kind, (n, m) in zip(kinds, indices, strict=True):
            walls = [(n, m)]
            if rng.random() < self.double_walled:
                walls += self._draw_inner(n, m, rng)
            angle = rng.uniform(*self.axis_tilt)
            positions = self._place(walls, angle, rng)
            positions[:, 2] += top - positions[:, 2].min()
            top = positions[:, 2].max() + self.apart
            particles.append((positions, np.full(len(positions), 6, np.uint8)))
            described.append(
                {
                    "n": float(n),
                    "m": float(m),
                    "kind": kind,
                    "diameter": diameter(n, m),
                    "chiral angle": chiral_angle(n, m),
                    "walls": float(len(walls)),
                    "tilt": angle,
                }
            )
        return assemble(
            None,
            particles,
            self.field,
            kinds=kinds,
            names=self.column_names,
            values=described[0] if self.tubes == (1, 1) else {"tubes": float(count)},
            particles_of="carbon nanotube",
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        return ("C",)

    def _of_kind(self, kind: Kind) -> list[tuple[int, int]]:
        least, most = self.diameters
        return [
            pair
            for pair in _indices(self.n, self.m)
            if chirality(*pair) == kind and least <= diameter(*pair) <= most
        ]

    def _draw_inner(
        self, n: int, m: int, rng: np.random.Generator
    ) -> list[tuple[int, int]]:
        """Draw a wall that fits inside another; none if the other is too thin."""
        near, far = self.wall_distance
        least = max(diameter(n, m) - 2 * far, _THINNEST)
        most = diameter(n, m) - 2 * near
        fitting = [
            wall
            for wall in _indices((3, n), (0, n))
            if least <= diameter(*wall) <= most
        ]
        return [fitting[rng.integers(len(fitting))]] if fitting else []

    def _place(
        self, walls: list[tuple[int, int]], angle: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Lay a tube across the field, each wall turned about its axis on its own."""
        direction = 90 + rng.uniform(*self.direction)
        reach = self.field / np.sqrt(2) / np.cos(np.radians(angle))
        shells = []
        for n, m in walls:
            shell = _shell(n, m, reach, rng)
            # About the axis, out of z towards y, about the beam.
            turns = [rng.uniform(0, 360), 90 - angle, direction]
            rotation = Rotation.from_euler("zxz", turns, degrees=True)
            shells.append(shell @ rotation.as_matrix().T)
        positions = np.concatenate(shells)
        across = np.radians(direction)
        offset = rng.uniform(*self.offset) * self.field
        positions[:, 0] += self.field / 2 + offset * np.cos(across)
        positions[:, 1] += self.field / 2 + offset * np.sin(across)
        return positions


def _indices(n: tuple[int, int], m: tuple[int, int]) -> list[tuple[int, int]]:
    pairs = (
        (i, j) for i in range(n[0], n[1] + 1) for j in range(m[0], min(i, m[1]) + 1)
    )
    return [pair for pair in pairs if pair not in _NOT_MADE]


def _shell(
    n: int, m: int, reach: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return one wall about z, which begins anywhere and reaches as far both ways."""
    tube = nanotube(n, m, bond=BOND)
    period = tube.cell[2, 2]
    copies = int(np.ceil(2 * reach / period)) + 1
    positions = tube.repeat((1, 1, copies)).positions
    positions[:, 2] -= reach + rng.uniform(0, period)
    return np.asarray(positions[np.abs(positions[:, 2]) <= reach], float)
