# SPDX-License-Identifier: GPL-3.0-or-later
"""Said lenses: how far the lenses found are from those that the user said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fitted_optics import FittedOptics

# Differences that are told [Å]. A guess has to be right to 20 Å and 1.5 µm, and the
# plane of a wave is not known to a few Å.
_DEFOCUS, _CS = 30.0, 2e4


def asked_lenses(defocus: Sequence[float], Cs: float) -> str:
    """Return a question whether the lenses that were said are right.

    Parameters
    ----------
    defocus, Cs
        As of `warn_of_lenses`.
    """
    values = ", ".join(f"{each / 10:.3g}" for each in defocus)
    return (
        f"Is the defocus {values} nm (positive = underfocus), right to 2 nm, and is Cs "
        f"{round(Cs / 1e4, 2):,} µm, right to 1.5 µm?"
    )


def warn_of_lenses(
    optics: FittedOptics, defocus: Sequence[float], Cs: float = 0.0
) -> None:
    """Warn if lenses are not those that were said.

    Parameters
    ----------
    optics
        The lenses found.
    defocus
        Guess of the defocus of each image [Å].
    Cs
        Guess of the spherical aberration [Å].

    Warns
    -----
    UserWarning
        If they are farther from the guess than it has to be right, and than two
        standard errors more.
    """
    found, error = np.atleast_1d(optics.defocus.value), optics.defocus.error
    beyond = np.abs(found - np.asarray(defocus)) - 2 * np.atleast_1d(error)
    worst = int(beyond.argmax())
    told = []
    if beyond[worst] > _DEFOCUS:
        told.append(
            f"a defocus of {found[worst] / 10:.1f} nm of image {worst}, where "
            f"{defocus[worst] / 10:.1f} nm was said"
        )
    if abs(optics.Cs.value - Cs) - 2 * optics.Cs.error > _CS:
        told.append(
            f"a Cs of {optics.Cs.value / 1e4:.1f} µm, where {Cs / 1e4:.1f} µm was said"
        )
    if told:
        warn_user(
            f"The fit found {' and '.join(told)}; a guess has to be right to 2 nm and "
            "1.5 µm. Check what was said; if it is right, the lenses found are wrong, "
            "and what was fitted with them may be."
        )
