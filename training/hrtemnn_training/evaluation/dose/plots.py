# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of a dose study, as figures 2 to 4, 7, 8 and SOI 9 of the noise paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.images.outlines import masks
from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network


def plot_doses(table: pd.DataFrame, summary: Mapping[str, Any], path: Path) -> None:
    """Draw area, F1 and what is found beside the particles against dose.

    Lines are means over structures, of the mean of each structure's frames; bands go
    from the 10th to the 90th percentile of the structures. Dashed lines are the medians
    of the dose of half the area, dotted ones of convergence.

    Parameters
    ----------
    table
        Table from `dose_table`.
    summary
        Summary from `summarize_doses`.
    path
        Path of the picture.
    """
    from matplotlib.figure import Figure

    shown = table.assign(
        beside=(1 - table["precision"]) * table["found_over_true_area"]
    )
    shown["beside"] = shown["beside"].fillna(0)  # nothing found, nothing beside
    metrics = {
        "found_over_true_area": "found / true area",
        "f1": "F1",
        "beside": "found beside / true area",
    }
    figure = Figure(figsize=(7, 9), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    for i, (name, limits) in enumerate(summary.items()):
        rows = shown[shown["by"] == name]
        for axes, metric in zip(panels, metrics, strict=True):
            _draw(axes, rows, metric, f"C{i}", name)
        for limit, style in (("half_dose", "--"), ("convergence_dose", ":")):
            if limits[limit]["median"] is not None:
                panels[0].axvline(
                    limits[limit]["median"], ls=style, color=f"C{i}", lw=1
                )
    for axes, (metric, label) in zip(panels, metrics.items(), strict=True):
        axes.set_ylabel(label)
        axes.set_ylim(0, {"f1": 1, "found_over_true_area": 1.5}.get(metric))
        axes.grid(alpha=0.3)
    panels[0].axhline(1, color="0.6", lw=0.8)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        title="dashed: half the area; dotted: converged",
        fontsize="small",
        ncols=3,
        loc="outside upper center",
    )
    panels[-1].set_xscale("log")
    panels[-1].set_xlabel("dose (e⁻/Å²)")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight")


def _draw(axes: Axes, rows: pd.DataFrame, metric: str, color: str, name: str) -> None:
    series = rows.pivot_table(metric, "dose", "structure", dropna=False)
    low, high = (series.quantile(q, axis=1) for q in (0.1, 0.9))
    axes.fill_between(series.index, low, high, color=color, alpha=0.1, lw=0)
    axes.plot(series.index, series.mean(axis=1), ".-", color=color, label=name)


def draw_frames(
    recipe: Recipe,
    networks: Mapping[str, Network],
    samples: Sequence[Sample],
    path: Path,
) -> None:
    """Draw frames with true (cyan) and found (red) outlines, as figure 2 (b).

    Parameters
    ----------
    recipe
        Label of the images.
    networks
        By name, a row for each.
    samples
        A column for each.
    path
        Path of the picture.
    """
    from matplotlib.figure import Figure

    size = (2.2 * len(samples), 2.3 * len(networks) + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(networks), len(samples), squeeze=False)
    label = recipe.label
    for row, (name, network) in zip(panels, networks.items(), strict=True):
        row[0].set_ylabel(name, fontsize="small")
        for axes, sample in zip(row, samples, strict=True):
            found = label.predict(network, sample).found.any(axis=0)
            truth = masks(sample.specimen, sample.parameters.categories, sample.grid)
            axes.imshow(sample.standardized[0], cmap="gray", vmin=-3, vmax=3)
            _outline(axes, truth.max(axis=-1), sample, "cyan")
            _outline(axes, found, sample, "orangered")
            axes.set(xticks=[], yticks=[])
    for axes, sample in zip(panels[0], samples, strict=True):
        axes.set_title(f"{sample.exposure.detector.dose:.0f} e⁻/Å²", fontsize="small")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _outline(axes: Axes, mask: NDArray[np.bool_], sample: Sample, color: str) -> None:
    """Draw the outline of a mask in pixels of the camera over those of the network."""
    if mask.any():
        y, x = (
            (np.arange(n) + 0.5) * shown / n - 0.5
            for n, shown in zip(mask.shape, sample.working_grid.shape, strict=True)
        )
        axes.contour(x, y, mask, [0.5], colors=color, linewidths=1)
