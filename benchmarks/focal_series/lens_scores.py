# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of lenses: how far fitted values are off, and what error they state."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import FittedOptics, Optics

_ANGLES = {"phi12": 2, "phi21": 1}
"""Angles, and after which share of a turn they are the same."""


class Deviation(TypedDict):
    """Difference of one value from the truth, and its standard error [Å or rad]."""

    value: str
    off: float
    error: float


def lens_deviations(
    found: FittedOptics, optics: tuple[Optics, ...], drift: NDArray[np.floating]
) -> list[Deviation]:
    """Return the difference from the truth and the standard error of each value.

    Parameters
    ----------
    found
        The fitted lenses.
    optics
        True lenses of each image.
    drift
        True drift (y, x) of each image against the first [Å], shape (image, 2).
    """
    true: dict[str, float | NDArray[np.floating]] = {
        "defocus": np.array([each.defocus for each in optics]),
        "Cs": optics[0].Cs,
        "focal_spread": optics[0].focal_spread,
        "blur": optics[0].blur,
        "shift": np.zeros(2),
        "drift": drift,
    }
    for each in optics[0].aberrations:
        true[each.name] = each.magnitude
        true[f"phi{each.name[1:]}"] = each.angle
    rows: list[Deviation] = []
    for name, expected in true.items():
        measured = getattr(found, name)
        value, error = np.asarray(measured.value), np.asarray(measured.error)
        off = value - expected
        if name == "drift":  # of the first image it is 0 by definition
            off, error = off[1:], error[1:]
        if name in _ANGLES:
            period = 2 * np.pi / _ANGLES[name]
            off = (off + period / 2) % period - period / 2
        rows += [
            Deviation(value=name, off=float(a), error=float(b))
            for a, b in zip(np.ravel(off), np.ravel(error), strict=True)
        ]
    return rows


def along_beam(
    rows: list[Deviation], plane: float, plane_error: float = 0.0
) -> list[Deviation]:
    """Return the deviations of the defocus once the plane of the wave is the true one.

    Parameters
    ----------
    rows
        The deviations.
    plane
        Distance along the beam to the true wave [Å].
    plane_error
        What the standard error contains for the plane [Å].
    """
    return [
        Deviation(
            value="defocus, registered",
            off=row["off"] + plane,
            error=float(np.sqrt(max(row["error"] ** 2 - plane_error**2, 0))),
        )
        for row in rows
        if row["value"] == "defocus"
    ]
