# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of the metrics of all contenders against the conditions of the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from hrtemnn_training.metrics.metric import Metric

    from .comparison import Evaluation

_UNITS = {
    "dose": "e⁻/Å²",
    "defocus": "Å",
    "sampling": "Å",
    "Cs": "Å",
    "focal_spread": "Å",
    "blur": "Å",
    "readout": "e⁻/pixel",
    "energy": "keV",
    "angular_spread": "mrad",
}


def plot_evaluation(
    evaluation: Evaluation, bins: dict[str, NDArray[np.floating]], path: Path
) -> None:
    """Draw each metric against each condition: images, and median and worst tenth.

    Of metrics that are 0 or 1 the share of images with 1 is drawn.

    Parameters
    ----------
    evaluation
        Evaluation from `evaluate`.
    bins
        Edges of the bins of each condition.
    path
        Path of the picture.
    """
    from matplotlib.figure import Figure

    metrics = [m for m in evaluation.label.plotted if m.name in evaluation.table]
    figure = Figure(figsize=(5.5 * len(bins), 3.6 * len(metrics)), layout="constrained")
    panels = figure.subplots(len(metrics), len(bins), squeeze=False, sharex="col")
    for row, metric in zip(panels, metrics, strict=True):
        for axes, (condition, edges) in zip(row, bins.items(), strict=True):
            _draw(axes, evaluation, metric, condition, edges)
        row[0].set_ylabel(_metric_label(metric))
    for axes, condition in zip(panels[-1], bins, strict=True):
        axes.set_xlabel(_with_unit(condition, _UNITS.get(condition)))
    panels[0, 0].legend(title="median; dashed: worst tenth", fontsize="small")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _draw(
    axes: Axes,
    evaluation: Evaluation,
    metric: Metric,
    condition: str,
    edges: NDArray[np.floating],
) -> None:
    worst = 0.9 if metric.less_is_better else 0.1
    is_log = condition == "dose"
    mean = np.sqrt(edges[:-1] * edges[1:]) if is_log else (edges[:-1] + edges[1:]) / 2
    for i, name in enumerate((*evaluation.networks, *evaluation.baselines)):
        rows = evaluation.rows(name)
        marker = "o" if name in evaluation.networks else "s"
        color = f"C{i}"
        values = rows[metric.name]
        if not metric.is_share:
            axes.plot(rows[condition], values, ".", ms=3, alpha=0.4, color=color)
        index = np.searchsorted(edges[1:-1], rows[condition], side="right")
        grouped = values.groupby(index)
        middle = grouped.mean() if metric.is_share else grouped.median()
        axes.plot(mean[middle.index], middle, f"{marker}-", color=color, label=name)
        if not metric.is_share:
            low = grouped.quantile(worst)
            axes.plot(mean[low.index], low, "--", lw=0.9, color=color)
    if is_log:
        axes.set_xscale("log")
    if metric.top is not None:
        axes.set_ylim(0, metric.top)
    if metric.ideal is not None:
        axes.axhline(metric.ideal, color="0.6", lw=0.8)


def _metric_label(metric: Metric) -> str:
    if metric.is_share:
        return _with_unit(f"share of images: {metric.name}", metric.unit)
    return _with_unit(metric.name, metric.unit)


def _with_unit(name: str, unit: str | None) -> str:
    text = name.replace("_", " ")
    return f"{text} ({unit})" if unit else text
