# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of particles: lines against time, outlines on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import particle_outlines
from hyperspy_hrtemnn.plots.new_axes import new_axes
from hyperspy_hrtemnn.plots.palette import GRAY, id_color
from hyperspy_hrtemnn.plots.pauses import draw_pauses, find_pauses, with_gaps
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

from .markers import in_axes
from .written_ids import write_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.plots.pauses import Pause

_LARGEST_RATIO = 10.0  # of brightness, that colors tell

_THIN, _THICK = 1.5, 3.5  # outlines [points]

_LEGEND = 20  # more particles than this are not listed


def draw_lines(
    table: pd.DataFrame,
    name: str,
    against: str,
    ids: Iterable[int] | None,
    ax: Axes | None,
    *,
    min_frames: int = 1,
) -> Axes:
    """Plot one column of a table of properties, one line for each particle.

    Against time, the pauses of the movie are gray and no line crosses them. Particles
    that are in fewer frames than `min_frames` are thin gray lines below the others.
    """
    ax = new_axes() if ax is None else ax
    pauses = find_pauses(table) if against == "time" else []
    draw_pauses(pauses, ax)
    frames = table["id"].value_counts()
    wanted = sorted(frames.index) if ids is None else list(ids)
    short = [number for number in wanted if frames[number] < min_frames]
    for number in short:
        rows = table[table["id"] == number]
        _draw_line(rows, name, against, pauses, ax, color=GRAY, lw=0.8, ms=3, zorder=1)
    if short:
        ax.plot([], [], color=GRAY, lw=0.8, label=f"{len(short)} in < {min_frames}")
    for number in wanted:
        if number not in short:
            rows = table[table["id"] == number]
            style = {"color": id_color(int(number)), "label": str(number)}
            _draw_line(rows, name, against, pauses, ax, **style)
    units = table.attrs.get("units", {})
    for label, column in ((ax.set_xlabel, against), (ax.set_ylabel, name)):
        text = column.replace("_", " ")
        label(f"{text} ({units[column]})" if column in units else text)
    if 0 < len(ax.get_legend_handles_labels()[0]) <= _LEGEND:
        ax.legend(title="id", fontsize="small")
    return ax


def _draw_line(
    rows: pd.DataFrame,
    name: str,
    against: str,
    pauses: list[Pause],
    ax: Axes,
    **style: Any,
) -> None:
    """Draw the line of one particle, with gaps where the particle is missing."""
    rows = rows.set_index("frame")
    shown = range(rows.index[0], rows.index[-1] + 1)
    rows = rows.reindex(with_gaps(shown, pauses))
    x = rows.index if against == "frame" else rows[against]
    missing = rows[name].isna()
    alone = missing.shift(1, fill_value=True) & missing.shift(-1, fill_value=True)
    ax.plot(x, rows[name], **style)
    # A frame between two gaps would have no line at all.
    ax.plot(x[alone], rows[name][alone], ".", **style | {"label": None})


def draw_outlines(
    image: NDArray[Any],
    labels: NDArray[np.integer],
    signal_axes: Sequence[Any],
    ax: Axes | None,
    *,
    show_ids: bool,
    selected: int = 0,
) -> Axes:
    """Plot one image with the outlines of its particles, in the unit of its axes.

    The outline of the particle that is selected is thicker.
    """
    ax = draw_image(image, signal_axes, ax)
    outlines = particle_outlines(labels)
    for outline in outlines:
        width = _THICK if outline.id == selected else _THIN
        for contour in outline.contours:
            x, y = in_axes(contour, signal_axes).T
            ax.plot(x, y, color=id_color(outline.id), linewidth=width)
    if show_ids:
        write_ids(outlines, signal_axes, ax)
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
