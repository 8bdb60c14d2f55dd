# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture of a fine-tuning: what was left out, as drawn, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.plots.palette import palette

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from .frames import Frame
    from .scores import Judged

_MOST = 4
_SIDE = 4.2  # of a part, the longer one [inches]


def draw_left_out(
    frames: Sequence[Frame],
    judged: Mapping[str, tuple[Judged, float]],
    objects: int,
    path: Path,
) -> None:
    """Draw the left-out parts of the first four images into a picture.

    A part that is higher than wide is mirrored to lie on its side.

    Parameters
    ----------
    frames
        The frames.
    judged
        What is found in the frames, and the smallest probability of an object, by
        title; a column for each.
    objects
        Number of the first classes that are not the background.
    path
        Path of the picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    judging = [i for i, frame in enumerate(frames) if not frame.left_out.is_empty]
    shown = judging[:_MOST]
    heights = [_side(frames[i]) for i in shown]
    figure = Figure(
        figsize=(_SIDE * len(judged), sum(heights) + 0.8), layout="constrained"
    )
    panels = figure.subplots(
        len(shown), len(judged), squeeze=False, height_ratios=heights
    )
    for column, (title, (found, threshold)) in enumerate(judged.items()):
        panels[0, column].set_title(title)
        for row, number in enumerate(shown):
            probability = found.probabilities[number][:objects].sum(axis=0)
            _draw(panels[row, column], frames[number], probability, threshold)
    named = zip(palette(2), ("drawn by hand", "network"), strict=True)
    lines = [Line2D([], [], color=color, label=label) for color, label in named]
    figure.legend(handles=lines, loc="outside lower center", ncols=2)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _side(frame: Frame) -> float:
    """Return the height of a part, on its longer side, in a column [inches]."""
    short, long = sorted(part.stop - part.start for part in frame.region)
    return float(_SIDE * short / long)


def _draw(
    axes: Axes, frame: Frame, probability: NDArray[np.floating], threshold: float
) -> None:
    """Draw a part of an image with what is drawn in it and what is found."""
    region = rows, columns = frame.region
    drawn, found = palette(2)
    part = frame.image.counts[0][region]
    is_high = part.shape[0] > part.shape[1]

    def lying(values: NDArray[Any]) -> NDArray[Any]:
        return values.T if is_high else values

    axes.imshow(lying(part), cmap="gray", vmin=np.percentile(part, 0.5))
    if frame.image.mask is not None:
        _outline(axes, lying(frame.image.mask[region].astype(float)), 0.5, drawn)
    if frame.image.points is not None:
        y, x = (frame.image.points.positions - (rows.start, columns.start)).T
        axes.plot(*((y, x) if is_high else (x, y)), "+", ms=5, color=drawn)
    _outline(axes, lying(probability[region]), threshold, found)
    height, width = lying(part).shape
    axes.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _outline(
    axes: Axes, values: NDArray[np.floating], level: float, color: str
) -> None:
    # matplotlib warns of a level that no pixel crosses.
    if values.min() < level <= values.max():
        axes.contour(values, [level], colors=[color], linewidths=1.2)
