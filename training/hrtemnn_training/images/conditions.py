# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of one input: lenses and detector, drawn from the ranges of a recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import Aberration, Detector, Optics

from .choices import draw_choices
from .disturbances import UNDISTURBED, Disturbances, draw_disturbances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .keys import ImageKeys

_ORDERS = ((1, 2), (2, 1), (2, 3), (3, 2), (3, 4), (4, 5))


@dataclass(frozen=True)
class Conditions:
    """Microscope and camera of one input, and what disturbs its images.

    Parameters
    ----------
    optics
        Lenses of each image.
    detector
        Detector of all images.
    disturbances
        Disturbances of all images.
    chosen
        Alternative of each group of the `choices`, by name.
    """

    optics: tuple[Optics, ...]
    detector: Detector
    disturbances: Disturbances = UNDISTURBED
    chosen: Mapping[str, str] = field(default_factory=dict)


def draw_conditions(
    parameters: ImageKeys, energy: float, rng: np.random.Generator
) -> Conditions:
    """Draw the lenses, of each image of a focal series, detector and disturbances.

    The alternatives of the `choices` are drawn first. Image i is at ``defocus + i *
    step + jitter``, the jitter uniform within its bounds and 0 for the first image; a
    positive step goes towards underfocus. Everything else is shared. Aberrations that
    are not round have uniform angles.

    Parameters
    ----------
    parameters
        The ranges.
    energy
        Beam energy of the exit wave [keV].
    rng
        Source of the draws. What is off, a range of (0, 0) among the aberrations and
        the disturbances, no focal series or no choices, draws nothing, so that it
        leaves all other draws as they are.
    """
    chosen = draw_choices(parameters.choices, rng)
    parameters = parameters.with_chosen(chosen)
    optics = Optics(
        energy=energy,
        defocus=rng.uniform(*parameters.defocus),
        Cs=rng.uniform(*parameters.ctf_c30),
        focal_spread=rng.uniform(*parameters.focal_spread),
        blur=rng.uniform(*parameters.blur),
    )
    detector = Detector(
        sampling=rng.uniform(*parameters.sampling),
        dose=10 ** rng.uniform(*parameters.log_dose),
        mtf_c0=rng.uniform(*parameters.mtf_c1),
        mtf_floor=rng.uniform(*parameters.mtf_c2),
        mtf_c3=rng.uniform(*parameters.mtf_c3),
        readout=rng.uniform(*parameters.readout),
        noise=parameters.noise is not None,
        has_mtf=parameters.mtf is not None,
    )
    ranges = {(n, m): getattr(parameters, f"ctf_c{n}{m}") for n, m in _ORDERS}
    optics = replace(
        optics,
        aberrations=tuple(
            Aberration(n, m, rng.uniform(*bounds), rng.uniform(0, 2 * np.pi))
            for (n, m), bounds in ranges.items()
            if bounds[1] > 0
        ),
        angular_spread=rng.uniform(*parameters.angular_spread)
        if parameters.angular_spread[1] > 0
        else 0.0,
    )
    series = _focal_series(optics, parameters.multifocus, rng)
    disturbances = draw_disturbances(parameters, rng)
    return Conditions(series, detector, disturbances, chosen)


def _focal_series(
    first: Optics, multifocus: tuple[int, float, float] | None, rng: np.random.Generator
) -> tuple[Optics, ...]:
    if multifocus is None:
        return (first,)
    count, step, jitter = multifocus
    changes = np.arange(1, count) * step + rng.uniform(-jitter, jitter, count - 1)
    return (first, *(replace(first, defocus=first.defocus + d) for d in changes))


def known_values(optics: Optics, detector: Detector) -> dict[str, float]:
    """Return the conditions by name: of `Optics` and `Detector`, and C12, C21, ...

    Parameters
    ----------
    optics
        Lenses of the first image of a focal series.
    detector
        The detector.
    """
    lenses, sensor = asdict(optics), asdict(detector)
    del lenses["aberrations"], sensor["noise"], sensor["has_mtf"]
    return lenses | sensor | {a.name: a.magnitude for a in optics.aberrations}
