# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette: colors that differ for everybody, with any color vision."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Okabe and Ito, "Color universal design" (2008), without black; yellow, which is dim on
# white paper, comes last.
_FIRST = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2", "#f0e442")

GRAY = "#bfbfbf"
"""What belongs to nothing; without cones for green a darker gray is like purple."""

# Ids repeat their colors after these. A dozen still differ by a CIEDE2000 of 10, and
# 2 can hardly be told apart.
_IDS = 12

# Linear RGB as seen without one kind of cones. Machado, Oliveira and Fernandes, IEEE
# Trans. Vis. Comput. Graph. 15 (2009) 1291, severity 1.
_VISIONS = (
    np.eye(3),
    np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
)

# Colors between these are seen on black and on white, and are not gray [CIELAB].
_DARKEST, _BRIGHTEST, _LEAST_CHROMA = 36, 90, 25

_LEVELS = 12  # of red, green and blue, among which further colors are looked for


@cache
def palette(number: int) -> tuple[str, ...]:
    """Return colors, no two of them alike, as #rrggbb.

    The first seven are those of Okabe and Ito. Each further one differs most from all
    before it and from gray, for whoever of the four kinds of color vision sees the
    least difference. The colors of a smaller number are the first of a larger one.

    Parameters
    ----------
    number
        How many.
    """
    if number <= len(_FIRST):
        return _FIRST[:number]
    candidates = _candidates()
    seen = _as_seen(candidates)
    colors = list(_FIRST)
    known = _as_seen(np.array([to_rgb(color) for color in (*colors, GRAY)]))
    distance = np.min([_difference(seen, one) for one in known], axis=0)
    while len(colors) < number:
        best = int(distance.argmax())
        colors.append(to_hex(candidates[best]))
        distance = np.minimum(distance, _difference(seen, seen[best]))
    return tuple(colors)


def id_colors() -> tuple[str, ...]:
    """Return the colors of particles, which the ids 1, 2, ... have in turn."""
    return palette(_IDS)


def id_color(number: int) -> str:
    """Return a particle's color: the same in every frame and every picture."""
    return id_colors()[(number - 1) % _IDS]


def _candidates() -> NDArray[np.float64]:
    level = np.linspace(0, 1, _LEVELS)
    colors = np.stack(np.meshgrid(level, level, level), axis=-1).reshape(-1, 3)
    lightness, a, b = rgb2lab(colors).T  # type: ignore[no-untyped-call]
    visible = (lightness > _DARKEST) & (lightness < _BRIGHTEST)
    kept: NDArray[np.float64] = colors[visible & (np.hypot(a, b) > _LEAST_CHROMA)]
    return kept


def without_cones(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colors as they are seen with all cones, and without each kind of them.

    Parameters
    ----------
    colors
        Red, green and blue as on a screen, 0 to 1, shape (color, 3).

    Returns
    -------
    Shape (color, vision, 3); the visions are all cones, and none for red, for green and
    for blue.
    """
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )
    views = []
    for vision in _VISIONS:
        seen = np.clip(linear @ vision.T, 0, 1)
        encoded = np.where(
            seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055
        )
        views.append(encoded)
    return np.stack(views, axis=1)


def _as_seen(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colors (color, RGB) in CIELAB, as each vision sees them.

    Returns
    -------
    Shape (color, vision, Lab).
    """
    seen: NDArray[np.float64] = rgb2lab(without_cones(colors))  # type: ignore[no-untyped-call]
    return seen


def _difference(
    seen: NDArray[np.float64], one: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far colors are from one, for the vision that tells them least."""
    apart: NDArray[np.float64] = deltaE_ciede2000(  # type: ignore[no-untyped-call]
        seen, one[np.newaxis]
    ).min(axis=-1)
    return apart
