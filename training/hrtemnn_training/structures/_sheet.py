# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets: graphene and boron nitride over the whole field, with their defects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from ase.data import atomic_numbers
from pydantic import Field

from hrtemnn_training.ranges import Percent, Range, Share, within

from ._assembly import assemble
from ._bond_network import relax
from ._crystal import tilt
from ._defects import add_defects
from ._generator import Generator, Seed
from ._grains import join_grains

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._structure import Structure

    _Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_MATERIALS = {"graphene": (("C",), 2.46), "hBN": (("B", "N"), 2.504)}
"""Classes of the atoms, and lattice constant [Å]."""

_MARGIN = 6.0  # beyond the field, where the sheet's edge relaxes [Å]
_MEANDER = 60.0  # wavelength of a grain boundary [Å]


class Sheet(Generator):
    """One layer of graphene or hexagonal boron nitride that fills the field.

    It has point defects and, in some fields, a grain boundary, relaxed in the plane;
    then it is rippled and tilted. In boron nitride turned bonds, double vacancies and
    grain boundaries come with bonds between like atoms.
    """

    generator: Literal["sheet"] = "sheet"
    material: Literal["graphene", "hBN"] = "graphene"
    boundary: Share = Field(0.5, description="share of the fields of two grains")
    misorientation: Annotated[Range, within(0, 60)] = Field(
        (5.0, 30.0), description="misorientation of the two grains [degrees]"
    )
    meander: Range = Field(
        (0.0, 5.0), description="amplitude of the boundary about a line [Å]"
    )
    boundary_offset: Range = Field(
        (-0.3, 0.3),
        description="offset of the boundary from the center, in fields of view",
    )
    stone_wales: Percent = Field(
        (0.0, 0.2), description="bonds turned by 90 degrees, of the atoms [%]"
    )
    double_vacancies: Percent = Field(
        (0.0, 0.2), description="double vacancies, of the atoms [%]"
    )
    vacancies: Percent = Field((0.0, 0.5), description="vacancies, of the atoms [%]")
    ripple: Range = Field((0.0, 2.0), description="amplitude of the ripples [Å]")
    wavelength: Annotated[Range, within(20, np.inf)] = Field(
        (100.0, 250.0), description="wavelength of the ripples [Å]"
    )
    axis_tilt: Annotated[Range, within(0, 45)] = Field(
        (0.0, 5.0), description="tilt of the sheet's normal off the beam [degrees]"
    )

    @property
    def column_names(self) -> tuple[str, ...]:
        return _MATERIALS[self.material][0]

    def make(self, seed: Seed) -> Structure:
        """Draw one sheet, which reaches to 2 Å from the edges of the field."""
        rng = np.random.default_rng(seed)
        symbols, a = _MATERIALS[self.material]
        numbers = [atomic_numbers[symbol] for symbol in symbols]
        angle = rng.uniform(*self.axis_tilt)
        grains = [rng.uniform(0, 120)]
        if rng.random() < self.boundary:
            grains.append(grains[0] + rng.uniform(*self.misorientation))

        half = self.field / 2 / np.cos(np.radians(angle)) + _MARGIN
        network = join_grains(
            grains,
            _draw_boundary(self, rng),
            half,
            a,
            elements=(numbers[0], numbers[-1]),
            rng=rng,
        )
        atoms = len(network.numbers)

        def draw_count(percent: tuple[float, float]) -> int:
            return round(atoms * rng.uniform(*percent) / 100)

        network = add_defects(
            network,
            rng,
            stone_wales=draw_count(self.stone_wales),
            double_vacancies=draw_count(self.double_vacancies),
            vacancies=draw_count(self.vacancies),
        )
        network = relax(network, a / np.sqrt(3))
        ripple = _draw_wave(self.ripple, rng.uniform(*self.wavelength), rng)
        flat = network.positions
        positions = np.column_stack([flat, ripple(flat @ _direction(rng))])
        positions = positions @ tilt(angle, rng.uniform(0, 360)).T
        positions[:, :2] += self.field / 2
        return assemble(
            None,
            [(positions, network.numbers)],
            self.field,
            kinds=[self.material],
            names=symbols,
            classify=lambda elements, counts: np.searchsorted(
                numbers, elements[counts.argmax(axis=1)]
            ),
            values={
                "material": self.material,
                "misorientation": grains[-1] - grains[0],
                "tilt": angle,
            },
        )


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _draw_wave(
    amplitude: tuple[float, float], wavelength: float, rng: np.random.Generator
) -> _Function:
    """Draw a sine of positions along a line [Å]."""
    height, phase = rng.uniform(*amplitude), rng.uniform(0, 2 * np.pi)
    return lambda along: height * np.sin(2 * np.pi * along / wavelength + phase)


def _draw_boundary(ranges: Sheet, rng: np.random.Generator) -> _Function:
    """Draw a line that meanders; return the distance of points from it [Å]."""
    normal = _direction(rng)
    offset = rng.uniform(*ranges.boundary_offset) * ranges.field
    meander = _draw_wave(ranges.meander, _MEANDER, rng)
    along = np.array([-normal[1], normal[0]])
    return lambda points: points @ normal - offset - meander(points @ along)
