# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated movies and series that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from hyperspy_hrtemnn.signals import HRTEM, Instances

_FOLDER = Path(__file__).parent


def au_ceo2_movie(*, lazy: bool = False) -> HRTEM:
    """Return a movie of three gold particles on CeO2.

    It has 20 frames of 480 x 512 pixels of 0.02 nm, half a second apart, at 300 keV and
    800 e-/Å² per frame. While the stage drifts, the first particle slides until it
    touches the second, and the third shrinks. It was simulated with abTEM by
    ``studies/example_movie.py``, with the noise of a scintillator camera.

    Parameters
    ----------
    lazy
        If True the signal is lazy.

    Returns
    -------
    Counts in electrons, uint8, shape (time, y, x).
    """
    return cast("HRTEM", _load("au_ceo2_movie", lazy))


def au_ceo2_movie_truth(*, lazy: bool = False) -> Instances:
    """Return the true particles of `au_ceo2_movie`.

    Each is the convex hull of the atoms of a particle, with the ids 1 to 3.

    Parameters
    ----------
    lazy
        If True the signal is lazy.

    Returns
    -------
    Labels, uint8, shape (time, y, x); 0 is background.
    """
    return cast("Instances", _load("au_ceo2_movie_truth", lazy))


def mos2_series(*, lazy: bool = False) -> HRTEM:
    """Return a focal series of a flake of MoS2 with vacancies.

    It has three images of 480 x 480 pixels of 0.0105 nm, 5 nm of defocus apart, at
    50 keV and 20,000 e-/Å² an image. The flake has 151 columns: 76 of one Mo, 69 of two
    S, and 6 of one S, where the other is missing; one site within it is empty. It was
    simulated with abTEM by ``studies/example_series.py``, with a Cs of 4 µm, a focal
    spread of 1.2 nm and a blur of 8 pm, and is in no training set.

    Parameters
    ----------
    lazy
        If True the signal is lazy.

    Returns
    -------
    Counts in electrons, uint16, shape (defocus, y, x); positive = underfocus.
    """
    return cast("HRTEM", _load("mos2_series", lazy))


def _load(name: str, lazy: bool) -> object:
    import hyperspy.api as hs

    return hs.load(_FOLDER / f"{name}.hspy", lazy=lazy)
