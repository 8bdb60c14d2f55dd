# SPDX-License-Identifier: GPL-3.0-or-later
"""Specimens: structures by number and their exit waves, simulated once and kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.structures import Structure


def kept_wave(
    folder: Path, number: int, simulate: Callable[[], NDArray[np.complex64]]
) -> NDArray[np.complex64]:
    """Return the exit wave of a structure from the folder, or simulate and keep it."""
    path = folder / f"wave_{number}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(path, lasting=False) as temporary:
            np.save(temporary, simulate())
    return np.asarray(np.load(path))


def with_vacuum_around(structure: Structure, width: float) -> Structure:
    """Return a structure in a box that is larger on each of its four sides [Å].

    Images that drift show what is beside the others. In the box itself, which is
    periodic, that would be the other end of the flake.
    """
    if not width:
        return structure
    moved = structure.positions + np.array([width, width, 0], np.float32)
    sites = replace(
        structure.sites, positions=structure.sites.positions + np.float32(width)
    )
    x, y, z = structure.box
    return replace(
        structure,
        positions=moved,
        sites=sites,
        outlines=tuple(each + np.float32(width) for each in structure.outlines),
        box=(x + 2 * width, y + 2 * width, z),
    )
