# SPDX-License-Identifier: GPL-3.0-or-later
"""Diameter and chiral angle of a nanotube from its spectrum, without a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.special import j0

from .indices import LATTICE, chiral_angle, tube_diameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FIRST = 2 / (math.sqrt(3) * LATTICE)  # frequency of the first hexagon [1/Å]

# Frequencies across the tube whose zeros are compared: below, the background is steep,
# above, lenses and vibrations leave little [1/Å].
_ACROSS = (0.04, 0.5)

# Half the width across of a layer line [1/Å].
_REACH = 0.1

# Lengths along the axis shrink with the cosine of its tilt: up to 15 degrees.
_SHRUNK = np.linspace(1, math.cos(math.radians(15)), 8)

# Errors of diameter [Å] and angle [degrees] that count alike.
_DIAMETER_ERROR, _ANGLE_ERROR = 0.2, 0.6


def equatorial_diameter(
    spectrum: NDArray[np.floating],
    step: tuple[float, float],
    diameters: tuple[float, float] = (6.0, 20.0),
) -> float:
    r"""Return the diameter of a tube from the zeros of its equatorial line [Å].

    A hollow cylinder of diameter d has the amplitude :math:`J_0(\pi d k)` on the
    equatorial line, whose zeros do not depend on the defocus. The diameter is the one
    whose zeros are most like those of the spectrum.

    Parameters
    ----------
    spectrum
        Amplitudes of a strip along the tube from `strip_spectrum`, shape (ky, kx).
    step
        Step from pixel to pixel, (ky, kx) [1/nm].
    diameters
        Least and largest diameter [Å].

    References
    ----------
    Qin, Rep. Prog. Phys. 69, 2761 (2006), section 4.
    """
    across, along = (part / 10 for part in step)
    zero_y, zero_x = (n // 2 for n in spectrum.shape)
    power = np.asarray(spectrum, float) ** 2
    power = (power + np.roll(power[::-1, ::-1], (1, 1), (0, 1))) / 2
    last = min(int(_ACROSS[1] / across), spectrum.shape[0] - zero_y - 1)
    first = int(np.ceil(_ACROSS[0] / across))
    rows = zero_y + np.arange(first, last + 1)
    line = power[rows, zero_x]
    beside = [zero_x + round(f / along) for f in (0.1, 0.2)]
    noise = np.median(power[rows, beside[0] : beside[1]], axis=1)
    weight = line / (line + noise)
    seen = _hilly(np.log(line + noise), across)

    def likeness(diameter: float) -> float:
        # The strip is not much wider than the tube: zeros are filled in.
        model = np.log(j0(np.pi * diameter * across * (rows - zero_y)) ** 2 + 0.02)
        hills = _hilly(model, across)
        return float(
            (weight * seen * hills).sum() / np.sqrt((weight * hills**2).sum() + 1e-12)
        )

    tried = np.arange(diameters[0], diameters[1] + 0.01, 0.05)
    return float(tried[np.argmax([likeness(d) for d in tried])])


def _hilly(values: NDArray[np.floating], step: float) -> NDArray[np.floating]:
    """Return what is left of a line without its slow changes."""
    smooth: NDArray[np.floating] = ndimage.gaussian_filter1d(values, 0.08 / step)
    return values - smooth


def layer_line_angle(
    spectrum: NDArray[np.floating], step: tuple[float, float]
) -> float:
    """Return the chiral angle of a tube from its layer lines [degrees].

    The hexagon of graphene, turned by the chiral angle, has three layer lines, at the
    projections of its corners on the axis. The angle is the one whose lines are
    brightest over the background, with any tilt of the axis up to 15 degrees.

    Parameters
    ----------
    spectrum, step
        See `equatorial_diameter`.

    References
    ----------
    Qin, Rep. Prog. Phys. 69, 2761 (2006), section 5.
    """
    across, along = (part / 10 for part in step)
    zero_y, zero_x = (n // 2 for n in spectrum.shape)
    power = np.asarray(spectrum, float) ** 2
    # The noise goes through the MTF of the camera, which depends on the frequency only.
    index = np.indices(power.shape)
    distance = np.hypot((index[0] - zero_y) * across, (index[1] - zero_x) * along)
    ring = np.rint(distance / max(across, along)).astype(int)
    median = ndimage.median(power, ring, np.arange(ring.max() + 1))
    excess = np.log(power / (np.asarray(median)[ring] + 1e-30) + 1)

    def brightness(angle: float, shrunk: float) -> float:
        total = 0.0
        for turned in (angle, 60 - angle, 60 + angle):
            u = shrunk * _FIRST * math.cos(math.radians(turned))
            v = _FIRST * math.sin(math.radians(turned))
            places = np.arange(max(v - _REACH / 2, 0), v + _REACH, across)
            columns = np.full(2 * len(places), zero_x + u / along)
            rows = zero_y + np.concatenate([places, -places]) / across
            total += ndimage.map_coordinates(excess, [rows, columns], order=1).mean()
        return total

    tried = np.arange(0, 30.01, 0.25)
    best = [max(brightness(angle, shrunk) for shrunk in _SHRUNK) for angle in tried]
    return float(tried[np.argmax(best)])


def indices_likeness(
    diameter: float, angle: float, pairs: Sequence[tuple[int, int]]
) -> NDArray[np.float64]:
    """Return how well pairs of indices fit a diameter and an angle, adding up to 1.

    Parameters
    ----------
    diameter
        Measured diameter [Å].
    angle
        Measured chiral angle [degrees].
    pairs
        Pairs of indices.
    """
    off = np.array(
        [
            (
                (tube_diameter(*pair) - diameter) / _DIAMETER_ERROR,
                (chiral_angle(*pair) - angle) / _ANGLE_ERROR,
            )
            for pair in pairs
        ]
    )
    exponent = -(off**2).sum(axis=1) / 2
    share = np.exp(exponent - exponent.max())
    return np.asarray(share / share.sum())
