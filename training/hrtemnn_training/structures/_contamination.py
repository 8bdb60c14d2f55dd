# SPDX-License-Identifier: GPL-3.0-or-later
"""Contamination: patches of amorphous carbon over and under all that a field shows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from ._amorphous import amorphous_carbon
from ._assembly import VACUUM, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._assembly import Group
    from ._structure import Structure

_DENSITY = (1.5, 2.0)  # below evaporated carbon, for it has hydrogen [g/cm³]
_CONTACT = 1.5  # between a patch and the atoms below it [Å]
_PIXEL = 2.0  # of the map of its thickness [Å]
_COARSE, _FINE = 15.0, 4.0  # lengths over which that changes [Å]
_ROUGHNESS = 0.3  # of the fine changes, in the coarse ones
_EDGE = 0.5  # rise from nothing to the whole thickness, in changes as above


def contaminate(
    structure: Structure, thickness: tuple[float, float], rng: np.random.Generator
) -> Structure:
    """Return a structure between patches of amorphous carbon.

    The carbon belongs to no particle: outlines and columns stay as they are. It lies
    over the highest and under the lowest atom; in projection that is like a layer that
    follows the relief, and as far off as the particles are high.

    Parameters
    ----------
    structure
        The structure.
    thickness
        Least and greatest thickness of a patch [Å].
    rng
        Source of thickness, shape and atoms of both patches.
    """
    field, _, depth = structure.box
    over, of_over = _patch(field, rng.uniform(*thickness), rng)
    under, of_under = _patch(field, rng.uniform(*thickness), rng)
    over[:, 2] += depth - VACUUM + _CONTACT
    under[:, 2] = VACUUM - _CONTACT - under[:, 2]
    positions = np.concatenate([structure.positions, over, under])
    numbers = np.concatenate([structure.numbers, of_over, of_under])
    if len(positions):
        positions[:, 2] += VACUUM - positions[:, 2].min()
    carbon = np.zeros(len(of_over) + len(of_under), np.uint8)
    return dataclasses.replace(
        structure,
        positions=positions.astype(np.float32),
        numbers=numbers,
        particles=np.concatenate([structure.particles, carbon]),
        box=(field, field, float(positions[:, 2].max(initial=0)) + VACUUM),
    )


def _patch(field: float, thickness: float, rng: np.random.Generator) -> Group:
    """Return carbon from z = 0 up that covers any part of a field."""
    lengths = (field, field, thickness)
    density = rng.uniform(*_DENSITY)
    positions, numbers = shown(amorphous_carbon(lengths, rng, density=density), field)
    pixels = round(field / _PIXEL)
    relief = _relief(pixels, rng)
    relief -= np.quantile(relief, rng.random())
    place = positions[:, :2].T / field * pixels - 0.5
    height = map_coordinates(relief, place, order=1, mode="grid-wrap") / _EDGE
    kept = positions[:, 2] < thickness * np.minimum(height, 1)
    return positions[kept], numbers[kept]


def _relief(pixels: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random map of coarse hills with fine ones on them, shape (x, y)."""
    coarse, fine = (
        gaussian_filter(rng.normal(size=(pixels, pixels)), length / _PIXEL, mode="wrap")
        for length in (_COARSE, _FINE)
    )
    return np.asarray(coarse / coarse.std() + _ROUGHNESS * fine / fine.std())
