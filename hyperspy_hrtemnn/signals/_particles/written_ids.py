# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of particles on an image: those that do not cover others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .markers import in_axes, write_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import Outline

# Width of a bold digit as a share of the size of the font.
_DIGIT = 0.7

# Ids can still be read if they are this share of their size apart. Those of particles
# that are smaller than their ids are farther apart, so that the image is seen between.
_APART, _SMALL_APART = 0.6, 1.5


def write_ids(
    outlines: Sequence[Outline], signal_axes: Sequence[Any], ax: Axes
) -> list[Text]:
    """Write the ids of particles at their centers on an image.

    Where ids would cover one another, that of the largest particle is written: those of
    thousands of particles would hide the image.

    Returns
    -------
    The texts that are written.
    """
    if not outlines:
        return []
    centers = in_axes(np.array([each.center for each in outlines]), signal_axes)
    sizes = _sizes(outlines, ax)
    x, y = signal_axes
    boxes = np.array([_box(each) for each in outlines]) * np.abs([x.scale, y.scale])
    share = np.where((boxes >= sizes).all(axis=1), _APART, _SMALL_APART)
    written: list[int] = []
    for at in np.argsort(-boxes.prod(axis=1), kind="stable").tolist():
        apart = np.abs(centers[written] - centers[at])
        needed = share[at] * (sizes[written] + sizes[at]) / 2
        if np.all(np.any(apart >= needed, axis=1)):
            written.append(at)
    return [write_id(outlines[at], signal_axes, ax) for at in sorted(written)]


def _sizes(outlines: Sequence[Outline], ax: Axes) -> NDArray[np.float64]:
    """Return width and height of each id in the unit of the axes, shape (id, 2)."""
    import matplotlib as mpl

    ax.apply_aspect()
    pixels = ax.get_window_extent()
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    shown = np.abs(limits[:, 1] - limits[:, 0]) / (pixels.width, pixels.height)
    font = mpl.rcParams["font.size"] * ax.figure.dpi / 72 * shown
    digits = [(_DIGIT * len(str(each.id)), 1) for each in outlines]
    sizes: NDArray[np.float64] = np.array(digits) * font
    return sizes


def _box(outline: Outline) -> tuple[float, float]:
    """Return width and height of the box around a particle [pixels]."""
    corners = np.concatenate(outline.contours)
    height, width = corners.max(axis=0) - corners.min(axis=0)
    return width, height
