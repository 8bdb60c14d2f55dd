# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of all contenders against the conditions of the images, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

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
    "position_error": "Å",
    "psnr": "dB",
}

SHARES = {"accuracy", "perfect"}
"""Scores that are 0 or 1 of each image: their mean is drawn."""


def plot_evaluation(
    evaluation: Evaluation, bins: dict[str, NDArray[np.floating]], path: Path
) -> None:
    """Draw each score against each condition: images, and median and worst tenth.

    Of scores that are 0 or 1 the share of images with 1.

    Parameters
    ----------
    evaluation
        From `evaluate`.
    bins
        Edges of the bins of each condition.
    path
        Of the picture.
    """
    from matplotlib.figure import Figure

    scores = [s for s in evaluation.task.plotted if s in evaluation.table]
    figure = Figure(figsize=(5.5 * len(bins), 3.6 * len(scores)), layout="constrained")
    panels = figure.subplots(len(scores), len(bins), squeeze=False, sharex="col")
    for row, score in zip(panels, scores, strict=True):
        for axes, (condition, edges) in zip(row, bins.items(), strict=True):
            _draw(axes, evaluation, score, condition, edges)
        row[0].set_ylabel(_label(score))
    for axes, condition in zip(panels[-1], bins, strict=True):
        axes.set_xlabel(_label(condition))
    panels[0, 0].legend(title="median; dashed: worst tenth", fontsize="small")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _draw(
    axes: Axes,
    evaluation: Evaluation,
    score: str,
    condition: str,
    edges: NDArray[np.floating],
) -> None:
    worst = 0.9 if "error" in score or "rmse" in score else 0.1
    is_log = condition == "dose"
    mean = np.sqrt(edges[:-1] * edges[1:]) if is_log else (edges[:-1] + edges[1:]) / 2
    for i, name in enumerate((*evaluation.networks, *evaluation.rivals)):
        rows = evaluation.rows(name)
        marker = "o" if name in evaluation.networks else "s"
        color = f"C{i}"
        if score not in SHARES:
            axes.plot(rows[condition], rows[score], ".", ms=3, alpha=0.4, color=color)
        index = np.searchsorted(edges[1:-1], rows[condition], side="right")
        grouped = rows[score].groupby(index)
        middle = grouped.mean() if score in SHARES else grouped.median()
        axes.plot(mean[middle.index], middle, f"{marker}-", color=color, label=name)
        if score not in SHARES:
            low = grouped.quantile(worst)
            axes.plot(mean[low.index], low, "--", lw=0.9, color=color)
    if is_log:
        axes.set_xscale("log")
    top = 1.5 if score == "found_over_true_area" else None
    if worst == 0.1 and score != "psnr":
        axes.set_ylim(0, top or 1.02)
    if top:
        axes.axhline(1, color="0.6", lw=0.8)


def _label(name: str) -> str:
    unit = _UNITS.get(name)
    text = f"share of images: {name}" if name in SHARES else name.replace("_", " ")
    return f"{text} ({unit})" if unit else text
