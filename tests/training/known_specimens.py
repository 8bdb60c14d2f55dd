# SPDX-License-Identifier: GPL-3.0-or-later
"""Small specimens whose labels are known, in a field that is not square."""

from __future__ import annotations

import numpy as np

from hrtemnn_training.store import Specimen
from hrtemnn_training.structures import Sites

EXTENT = (40.0, 52.0)
"""y, x [Å]."""


def wave_of_discs(*discs: tuple[float, float, float], shape=(160, 208)) -> np.ndarray:
    """Return an exit wave of 0.5 in discs (x, y, radius) [Å], 1 elsewhere."""
    y, x = (np.arange(n) * e / n for n, e in zip(shape, EXTENT, strict=True))
    wave = np.ones(shape, np.complex64)
    for center_x, center_y, radius in discs:
        inside = np.hypot(y[:, np.newaxis] - center_y, x - center_x) < radius
        wave[inside] = 0.5
    return wave


def circle(x: float, y: float, radius: float) -> np.ndarray:
    """Return the outline of a disc."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    corners = [x + radius * np.cos(angle), y + radius * np.sin(angle)]
    return np.stack(corners, axis=1).astype(np.float32)


def columns(
    positions: object = (),
    classes: object = (),
    heights: object = (),
    names=("column",),
) -> Sites:
    """Return columns of gold atoms."""
    positions = np.array(positions, np.float32).reshape(-1, 2)
    return Sites(
        positions=positions,
        particles=np.ones(len(positions), np.uint8),
        elements=np.array([79], np.uint8),
        counts=np.array(heights or [1] * len(positions), np.uint16).reshape(-1, 1),
        classes=np.array(classes or [0] * len(positions), np.uint8),
        names=names,
    )


def specimen(
    *discs: tuple[float, float, float],
    kinds: tuple[str, ...] | None = None,
    sites: Sites | None = None,
    **values: float | str,
) -> Specimen:
    """Return dark discs (x, y, radius) [Å], each a particle."""
    return Specimen(
        wave=wave_of_discs(*discs),
        extent=EXTENT,
        energy=300.0,
        outlines=tuple(circle(*disc) for disc in discs),
        kinds=kinds or ("nanoparticle",) * len(discs),
        sites=sites or columns(),
        values=values,
    )
