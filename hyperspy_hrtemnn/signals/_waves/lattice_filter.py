# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice filter for waves: `ExitWave.filter_lattice`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import (
    hexagonal_angle,
    hexagonal_spots,
    remove_bragg_spots,
)
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.lenses import angstroms

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy.signals import Signal2D
    from numpy.typing import ArrayLike, NDArray

# Spots farther out are too weak to be seen [1/Å].
_FARTHEST = 2.0


def lattice_filter(
    signal: Signal2D,
    a: float | str,
    angle: float | None,
    spots: ArrayLike | None,
    width: float,
) -> Callable[[NDArray[Any]], NDArray[np.complex64]]:
    """Return the filter of one wave, shape (y, x); see `ExitWave.filter_lattice`."""
    pixel_size = sampling(signal)
    if not width > 0:
        raise ValueError(f"width has to be positive, not {width}.")
    options: dict[str, Any] = {"sampling": pixel_size, "width": width / 10}
    if spots is not None:
        known = np.asarray(spots, float)
        if known.ndim != 2 or known.shape[1] != 2:
            raise ValueError(
                "spots has to be pairs (x, y) in 1/nm, shape (spot, 2), not "
                f"{known.shape}."
            )
        return partial(remove_bragg_spots, spots=known[:, ::-1] / 10, **options)
    length = angstroms(a, signal)
    if not length > 0:
        raise ValueError(f"a has to be positive, not {a!r}.")
    return partial(_without_hexagonal, a=length, angle=angle, **options)


def _without_hexagonal(
    wave: NDArray[Any], *, a: float, angle: float | None, sampling: float, width: float
) -> NDArray[np.complex64]:
    found = hexagonal_angle(wave, sampling, a) if angle is None else angle
    spots = hexagonal_spots(a, found, min(0.5 / sampling, _FARTHEST))
    return remove_bragg_spots(wave, sampling, spots, width)
