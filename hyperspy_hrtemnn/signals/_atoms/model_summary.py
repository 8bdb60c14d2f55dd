# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary of an atom model: what one reads of it at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import Measured

from .certainty import CERTAIN, is_uncertain

if TYPE_CHECKING:
    from hyperspy_hrtemnn.analysis import RefinedAtoms


def summary(refined: RefinedAtoms, vacancies: int) -> str:
    """Return the columns by class, how well they fit, and the main lenses.

    Parameters
    ----------
    refined
        What was found.
    vacancies
        Number of empty sites between the columns.
    """
    columns, optics = refined.columns, refined.optics
    numbers = columns["class"].value_counts().sort_index()
    classes = ", ".join(f"{number} {name}" for name, number in numbers.items())
    micrometers = Measured(optics.Cs.value / 1e4, optics.Cs.error / 1e4)
    empty = f"{vacancies} empty {'site' if vacancies == 1 else 'sites'} between them"
    lines = [
        f"AtomModel of {len(columns)} columns: {classes or 'none'}; {empty}",
        f"  chi²       {optics.chi2:.3f} (noise alone: 1 ± {optics.chi2_error:.2g})",
        f"  defocus    {optics.defocus} Å",
        f"  Cs         {micrometers} µm",
        f"  tilt       {_degrees(refined.tilt)}°",
    ]
    if refined.support is not None:
        below = f"{len(refined.support)} C, {refined.distance} Å below"
        lines.append(f"  support    {below} the middle of the sheet")
    if len(columns):
        sigma = np.median(columns[["sigma_x", "sigma_y"]])
        lines.append(f"  positions  ± {100 * sigma:.2g} pm (median)")
    if uncertain := np.count_nonzero(is_uncertain(columns)):
        lines.append(
            f"  uncertain  {uncertain} of the classes, less probable than {CERTAIN:.0%}"
        )
    return "\n".join(lines)


def _degrees(tilt: Measured) -> Measured:
    """Return the angle between the normal of a sheet and the beam."""
    normal, error = np.asarray(tilt.value), np.asarray(tilt.error)
    sine = float(np.hypot(*normal))
    direction = normal / sine if sine else np.full(2, np.sqrt(0.5))
    along = float(np.hypot(*(direction * error)))
    cosine = np.sqrt(max(1 - sine**2, 1e-12))
    return Measured(
        float(np.degrees(np.arcsin(min(sine, 1)))), float(np.degrees(along / cosine))
    )
