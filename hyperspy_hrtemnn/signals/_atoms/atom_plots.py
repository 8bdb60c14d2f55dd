# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms drawn on their image, and images of what their model leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.plots.class_colors import class_colors
from hyperspy_hrtemnn.signals._columns.column_plots import (
    COLUMN,
    column_spacing,
    draw_circles,
    in_unit_of_image,
)
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.image_plots import draw_image

from .certainty import CERTAIN, is_uncertain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

# Widths of the lines around columns whose class is certain, and is not [points].
_THIN, _THICK = 1.5, 3.5

# Residuals up to this are shown, in units of the noise: one pixel in 10^6 has more.
_NOISE = 5.0


def plot_atoms(
    columns: pd.DataFrame, empty_sites: pd.DataFrame, image: Signal2D, ax: Axes | None
) -> Axes:
    """Plot columns and empty sites on an image; see `AtomModel.plot`."""
    image = in_one_form(image)
    first = (0,) * image.axes_manager.navigation_dimension
    shown = np.asarray(image.data[first]).real
    ax = draw_image(shown, image.axes_manager.signal_axes, ax)
    columns, empty_sites = (
        in_unit_of_image(image, table) for table in (columns, empty_sites)
    )
    diameter = COLUMN * column_spacing(columns, ax)
    # Single atoms above and below have the color of their class in tables of networks.
    colors = class_colors(columns["class"].str.split(" ").str[0])
    uncertain = is_uncertain(columns)
    for name, rows in columns.groupby("class"):
        color, marker = colors[str(name).split(" ")[0]], _marker(str(name))
        for chosen, width in (
            (~uncertain[rows.index], _THIN),
            (uncertain[rows.index], _THICK),
        ):
            if chosen.any():
                places = rows.loc[chosen, ["x", "y"]].to_numpy(float)
                _draw(ax, places, diameter, marker, color=color, width=width)
        _label(ax, f"{len(rows)} {name}", color=color, marker=marker)
    vacancies = empty_sites.loc[empty_sites["enclosed"], ["x", "y"]].to_numpy(float)
    if len(vacancies):
        draw_circles(ax, vacancies, diameter, "white", "--")
        # White on the image, which is gray, and gray on the legend, which is white.
        ax.plot([], [], "--", color="0.6", label=f"{len(vacancies)} empty")
    if uncertain.any():
        label = f"less certain than {CERTAIN:.0%}"
        _label(ax, label, color="0.6", marker="o", markeredgewidth=_THICK)
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def _marker(name: str) -> str:
    """Return the marker of a class: a triangle for one atom of two."""
    words = name.split(" ")
    return "^" if "upper" in words else "v" if "lower" in words else "o"


def _draw(
    ax: Axes,
    places: NDArray[np.float64],
    diameter: float,
    marker: str,
    *,
    color: str,
    width: float,
) -> None:
    """Draw circles or triangles whose size is in the unit of the image."""
    if marker == "o":
        draw_circles(ax, places, diameter, color, width=width)
        return
    from matplotlib.collections import PolyCollection

    up = (marker == "^") != ax.yaxis_inverted()
    angles = np.radians([90, 210, 330]) if up else np.radians([270, 30, 150])
    corners = 0.6 * diameter * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ax.add_collection(
        PolyCollection(
            list(places[:, np.newaxis] + corners),
            facecolors="none",
            edgecolors=color,
            linewidths=width,
        )
    )


def _label(ax: Axes, label: str, **style: Any) -> None:
    ax.plot([], [], linestyle="none", markerfacecolor="none", label=label, **style)


def plot_residuals(residuals: Signal2D, axes: Sequence[Axes] | None) -> Figure:
    """Plot residuals, an image each; see `AtomModel.plot_residuals`."""
    import matplotlib.pyplot as plt

    images = residuals.data.reshape(-1, *residuals.data.shape[-2:])
    if axes is None:
        _, grid = plt.subplots(
            1,
            len(images),
            figsize=(4.4 * len(images) + 0.8, 4.4),
            squeeze=False,
            layout="constrained",
        )
        axes = list(grid[0])
    if len(axes) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(axes)} axes.")
    for ax, image, name in zip(axes, images, _names(residuals), strict=True):
        signal_axes = residuals.axes_manager.signal_axes
        draw_image(image, signal_axes, ax, limits=(-_NOISE, _NOISE))
        ax.images[-1].set_cmap("RdBu_r")
        ax.set_title(name)
    figure = axes[-1].figure
    figure.colorbar(axes[-1].images[-1], ax=list(axes), label="residual (noise)")
    return figure  # type: ignore[return-value]


def _names(residuals: Signal2D) -> list[str]:
    """Return what each image is called: its defocus, where there are several."""
    axes = residuals.axes_manager.navigation_axes
    if not axes:
        return ["residuals"]
    return [f"{axes[0].name} {value:.4g} {axes[0].units}" for value in axes[0].axis]
