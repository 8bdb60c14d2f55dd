# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of strain and rotation, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
        From `hyperspy_hrtemnn.analysis.strain_map`.
    limit
        Strain at the ends of the colors, as a fraction. By default that of 98 % of all
        values; the rotation has its own ends.
    unit
        Of ``x`` and ``y``.

    Returns
    -------
    A figure of four maps; columns without a value are grey.

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
    tensor = strain[["exx", "eyy", "exy"]].to_numpy()
    for ax, (name, title) in zip(panels.flat, _TITLES.items(), strict=True):
        if name == "rotation":
            values, end = strain[name].to_numpy(), _end(strain[name].to_numpy())
        else:
            values, end = 100 * strain[name].to_numpy(), 100 * (limit or _end(tensor))
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
    # As images: y points down.
    panels[0, 0].invert_yaxis()
    return figure


def _end(values: np.ndarray) -> float:
    """Return what 98 % of the values stay below, up to sign; 1 of nothing or zeros."""
    known = np.abs(values[np.isfinite(values)])
    return (float(np.quantile(known, 0.98)) if len(known) else 0.0) or 1.0
