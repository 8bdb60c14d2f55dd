# SPDX-License-Identifier: GPL-3.0-or-later
"""Strain plot: maps of strain and rotation at each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_TITLES = {
    "exx": r"$\varepsilon_{xx}$ (%)",
    "eyy": r"$\varepsilon_{yy}$ (%)",
    "exy": r"$\varepsilon_{xy}$ (%)",
    "rotation": "rotation (°)",
}


def plot_strain(
    strain: pd.DataFrame,
    *,
    limit: float | None = None,
    unit: str = "nm",
) -> Figure:
    """Plot strain and rotation at each column, as colored discs.

    Parameters
    ----------
    strain
        Table from `hyperspy_hrtemnn.analysis.strain_map`.
    limit
        Strain at the ends of the color scale, as a fraction. By default 98 % of the
        values of the largest component are below it. The rotation has its own color
        scale.
    unit
        Unit of ``x`` and ``y``.

    Returns
    -------
    A figure with four maps; columns without a value are gray.

    Raises
    ------
    ValueError
        If `limit` is not positive.
    """
    import matplotlib.pyplot as plt
    from matplotlib.collections import EllipseCollection

    if limit is not None and not limit > 0:
        raise ValueError(f"limit has to be positive, not {limit}.")
    places = strain[["x", "y"]].to_numpy(float)
    size = 1.0
    if len(places) > 1:
        size = float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))
    figure, panels = plt.subplots(
        2, 2, figsize=(9, 8), layout="constrained", sharex=True, sharey=True
    )
    if limit is None:
        limit = max(_end(strain[name].to_numpy()) for name in ("exx", "eyy", "exy"))
    for ax, (name, title) in zip(panels.flat, _TITLES.items(), strict=True):
        values = strain[name].to_numpy(float)
        if name == "rotation":
            end = _end(values)
        else:
            values, end = 100 * values, 100 * limit
        discs = EllipseCollection(
            np.full(len(places), size),
            np.full(len(places), size),
            np.zeros(len(places)),
            units="xy",
            offsets=places,
            offset_transform=ax.transData,
            array=np.ma.masked_invalid(values),
            cmap=plt.get_cmap("RdBu_r").with_extremes(bad="0.8"),
            clim=(-end, end),
        )
        ax.add_collection(discs)
        figure.colorbar(discs, ax=ax, shrink=0.85)
        ax.set_title(title)
        ax.set_aspect("equal")
        ax.autoscale_view()
    for ax in panels[-1]:
        ax.set_xlabel(f"x ({unit})")
    for ax in panels[:, 0]:
        ax.set_ylabel(f"y ({unit})")
    # As in images, y points down.
    panels[0, 0].invert_yaxis()
    return figure


def _end(values: NDArray[np.floating]) -> float:
    """Return the limit above 98 % of the absolute values, at least 0.001."""
    known = np.abs(values[np.isfinite(values)])
    return max(float(np.quantile(known, 0.98)) if len(known) else 0.0, 0.001)
