# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns drawn on their image: what `HRTEM.plot_columns` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.columns.table import check_columns, neighbor_distance
from hyperspy_hrtemnn.plots.class_colors import class_colors
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.frames import frame_index
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image
from hyperspy_hrtemnn.signals._shared.units import ratio, unit_of

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.collections import EllipseCollection
    from numpy.typing import NDArray

_PLACES = ("x", "y", "x_from", "y_from", "x_to", "y_to")

COLUMN = 0.6
"""Diameter of the circle around a column, in distances of neighboring columns."""

_EVENT = 1.2  # that of an event


def plot_columns(
    image: Signal2D,
    columns: pd.DataFrame,
    frame: int | tuple[int, ...] | None,
    ax: Axes | None,
    *,
    color: str = "class",
    vacancies: pd.DataFrame | None,
    events: pd.DataFrame | None,
    diffusion: pd.DataFrame | None,
) -> Axes:
    """Plot one image and what its tables say of it; see `HRTEM.plot_columns`."""
    check_columns(columns, "frame", "class", "x", "y")
    limits = None if color == "class" else _limits(columns, color)
    columns, vacancies, events, diffusion = (
        in_unit_of_image(image, table)
        for table in (columns, vacancies, events, diffusion)
    )
    index = frame_index(image, frame)
    number = _number_in_table(image, index)
    ax = draw_image(np.asarray(image.data[index]), image.axes_manager.signal_axes, ax)
    ax.set_title(frame_title(image, index))
    spacing = column_spacing(columns, ax)
    drawn: list[tuple[pd.DataFrame, str, str]] = []
    if limits is None:
        drawn.append((columns, "-", ""))
    else:
        _draw_discs(ax, columns[columns["frame"] == number], color, limits, spacing)
    if vacancies is not None:
        drawn.append((vacancies, "--", "missing "))
    classes = [table["class"] for table in (columns, vacancies) if table is not None]
    colors = class_colors(pd.concat(classes))
    for table, line, prefix in drawn:
        rows = table[table["frame"] == number]
        for name, members in rows.groupby("class"):
            places = members[["x", "y"]].to_numpy(float)
            draw_circles(ax, places, COLUMN * spacing, colors[name], line)
            ax.plot([], [], line, color=colors[name], label=f"{prefix}{name}")
    if events is not None:
        _draw_events(ax, events[events["frame"] == number], _EVENT * spacing)
    if diffusion is not None:
        _draw_arrows(ax, diffusion[diffusion["frame"] == number])
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def _limits(columns: pd.DataFrame, name: str) -> tuple[float, float]:
    """Return the least and the largest number in a column of a table.

    Raises
    ------
    ValueError
        If there is no such column, or it has no numbers.
    """
    numbers = columns.select_dtypes("number")
    if name not in numbers:
        raise ValueError(
            f"The table has no numbers {name!r} to color its columns by; it has "
            f"{', '.join(map(str, numbers.columns))}."
        )
    low, high = numbers[name].min(), numbers[name].max()
    return (float(low), float(high)) if np.isfinite(high - low) else (0.0, 1.0)


def _draw_discs(
    ax: Axes,
    columns: pd.DataFrame,
    name: str,
    limits: tuple[float, float],
    spacing: float,
) -> None:
    """Draw discs whose colors are the numbers of the columns of one image."""
    from matplotlib import colormaps

    discs = draw_circles(
        ax, columns[["x", "y"]].to_numpy(float), COLUMN * spacing, "none"
    )
    discs.set_facecolor("white")  # one that is mapped
    discs.set_array(np.ma.masked_invalid(columns[name].to_numpy(float)))
    discs.set_cmap(colormaps["viridis"].with_extremes(bad="0.8"))
    discs.set_clim(*limits)
    unit = columns.attrs.get("units", {}).get(name)
    label = f"{name} ({unit})" if unit else name
    ax.figure.colorbar(discs, ax=ax, label=label, shrink=0.8)


def in_unit_of_image(image: Signal2D, table: Any) -> Any:
    """Return a table, if there is one, with its places in the unit of an image."""
    unit = unit_of(image.axes_manager.signal_axes[0])
    its_unit = None if table is None else table.attrs.get("units", {}).get("x")
    factor = ratio(its_unit, unit) if its_unit and unit else None
    if factor is None or factor == 1:
        return table
    places = [name for name in _PLACES if name in table]
    return table.assign(**{name: factor * table[name] for name in places})


def column_spacing(columns: pd.DataFrame, ax: Axes) -> float:
    """Return the distance of neighboring columns, for one a tenth of the image."""
    spacing = neighbor_distance(columns)
    if np.isfinite(spacing):
        return spacing
    return float(abs(np.subtract(*ax.get_xlim())) / 10)


def _number_in_table(image: Signal2D, index: tuple[int, ...]) -> int:
    """Return the number in the column ``frame`` of an image, or of its focal series."""
    axes = image.axes_manager.navigation_axes[::-1]
    pairs = zip(axes, index, strict=True)
    kept = [(axis.size, i) for axis, i in pairs if axis.name != "defocus"]
    if not kept:
        return 0
    sizes, where = zip(*kept, strict=True)
    return int(np.ravel_multi_index(where, sizes))


def draw_circles(
    ax: Axes,
    places: NDArray[np.float64],
    diameter: float,
    color: str,
    line: str = "-",
    *,
    width: float = 1.5,
) -> EllipseCollection:
    """Draw circles whose size is in the unit of the image, not that of the figure.

    Parameters
    ----------
    ax
        Axes of the image.
    places
        Positions (x, y) of the circles, shape (circle, 2).
    diameter
        Their diameter in the unit of the axes.
    color, line, width
        Their color, and style and width of the line.

    Returns
    -------
    What was drawn.
    """
    from matplotlib.collections import EllipseCollection

    size = np.full(len(places), diameter)
    drawn = EllipseCollection(
        size,
        size,
        np.zeros(len(places)),
        units="xy",
        offsets=places,
        offset_transform=ax.transData,
        facecolors="none",
        edgecolors=color,
        linestyles=line,
        linewidths=width,
    )
    ax.add_collection(drawn)
    return drawn


def _draw_events(ax: Axes, events: pd.DataFrame, diameter: float) -> None:
    from matplotlib import patheffects

    draw_circles(ax, events[["x", "y"]].to_numpy(float), diameter, "white", "-")
    # Above and below in turn: the texts of neighbors in a row do not cover each other.
    for k, row in enumerate(events.sort_values("y").itertuples()):
        ax.annotate(
            f"{row.before} → {row.after}",
            (row.x, row.y),
            xytext=(0, 18 - 36 * (k % 2)),
            textcoords="offset points",
            ha="center",
            va="center",
            color="white",
            fontsize="small",
            path_effects=[patheffects.withStroke(linewidth=2.5, foreground="black")],
            annotation_clip=True,
        )


def _draw_arrows(ax: Axes, diffusion: pd.DataFrame) -> None:
    for row in diffusion.itertuples():
        ax.annotate(
            "",
            (row.x_to, row.y_to),
            (row.x_from, row.y_from),
            arrowprops={"arrowstyle": "-|>", "color": "white", "linewidth": 2},
            annotation_clip=True,
        )
