# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of particles: lines against time, outlines on an image."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import find_contours

from hyperspy_hrtemnn.analysis.particles.boxes import boxes
from hyperspy_hrtemnn.plots.new_axes import new_axes
from hyperspy_hrtemnn.plots.pauses import draw_pauses, find_pauses, with_gaps
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_LARGEST_RATIO = 10.0  # of brightness, that colors tell


def color_of(number: int) -> tuple[float, float, float]:
    """Return a particle's color: the same in every frame and every picture."""
    golden_ratio = 0.618034  # steps of it never bring two neighboring ids close
    return colorsys.hsv_to_rgb(number * golden_ratio % 1, 0.85, 0.9)


def draw_lines(
    table: pd.DataFrame,
    name: str,
    against: str,
    ids: Iterable[int] | None,
    ax: Axes | None,
) -> Axes:
    """Plot one column of a table of properties, one line for each particle.

    Against time, the pauses of the movie are grey and no line crosses them.
    """
    ax = new_axes() if ax is None else ax
    pauses = find_pauses(table) if against == "time" else []
    draw_pauses(pauses, ax)
    units = table.attrs.get("units", {})
    for number in table["id"].drop_duplicates().sort_values() if ids is None else ids:
        rows = table[table["id"] == number].set_index("frame")
        # Rows for the frames it is missing from, so that its line has a gap there.
        shown = range(rows.index[0], rows.index[-1] + 1)
        rows = rows.reindex(with_gaps(shown, pauses))
        x = rows.index if against == "frame" else rows[against]
        alone = rows[name].isna().shift(1, fill_value=True) & rows[name].isna().shift(
            -1, fill_value=True
        )
        (line,) = ax.plot(x, rows[name], color=color_of(int(number)), label=str(number))
        # A frame between two gaps would have no line at all.
        ax.plot(x[alone], rows[name][alone], ".", color=line.get_color())
    for label, column in ((ax.set_xlabel, against), (ax.set_ylabel, name)):
        text = column.replace("_", " ")
        label(f"{text} ({units[column]})" if column in units else text)
    if 0 < len(ax.get_legend_handles_labels()[0]) <= 20:
        ax.legend(title="id", fontsize="small")
    return ax


def draw_outlines(
    image: NDArray[Any],
    labels: NDArray[np.integer],
    signal_axes: Sequence[Any],
    ax: Axes | None,
    *,
    show_ids: bool,
) -> Axes:
    """Plot one image with the outlines of its particles, in the unit of its axes."""
    from matplotlib import patheffects

    ax = draw_image(image, signal_axes, ax)
    x_axis, y_axis = signal_axes
    outline = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    # The boxes of all at once: to look for each in a large frame takes seconds.
    for number, part in boxes(labels).items():
        top, left = part[0].start, part[1].start
        particle = labels[part] == number
        box = np.pad(particle, 1).astype(float)
        for contour in find_contours(box, 0.5):  # type: ignore[no-untyped-call]
            y, x = contour.T + np.array([[top - 1], [left - 1]])
            ax.plot(
                x_axis.offset + x_axis.scale * x,
                y_axis.offset + y_axis.scale * y,
                color=color_of(number),
                linewidth=1.5,
            )
        if show_ids:
            y, x = np.mean(np.nonzero(particle), axis=1) + np.array([top, left])
            ax.text(
                x_axis.offset + x_axis.scale * x,
                y_axis.offset + y_axis.scale * y,
                str(number),
                color="white",
                ha="center",
                va="center",
                path_effects=outline,
                clip_on=True,
            )
    return ax


def draw_ratios(labels: NDArray[np.integer], ratios: pd.Series, ax: Axes) -> None:
    """Fill the particles on an image with colors, the brighter the smaller a ratio."""
    import matplotlib as mpl
    from matplotlib.colors import LogNorm

    values = np.full(labels.shape, np.nan)
    for number, ratio in ratios.items():
        values[labels == number] = ratio
    (image,) = ax.images
    filled = ax.imshow(
        np.ma.masked_where(np.isnan(values), values),
        cmap=mpl.colormaps["inferno_r"],
        norm=LogNorm(1, _LARGEST_RATIO),
        alpha=0.6,
        extent=image.get_extent(),
    )
    ax.figure.colorbar(filled, ax=ax, extend="max", label="brightest to dimmest")
