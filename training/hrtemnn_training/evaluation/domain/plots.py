# SPDX-License-Identifier: GPL-3.0-or-later
"""Plot of a domain study: a curve of each condition, with the range of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from .conditions import Condition

_COLUMNS = 3


def plot_domain(
    curves_of: Mapping[str, pd.DataFrame],
    conditions: Mapping[str, Condition],
    score: str,
    path: Path,
) -> None:
    """Draw the score against each condition; grey is the range of the training.

    Parameters
    ----------
    curves_of
        Curves by condition, see `hrtemnn_training.evaluation.domain.limits.curves`.
    conditions
        The conditions by name.
    score
        Name of the score, for the axes.
    path
        Path of the picture.
    """
    from matplotlib.figure import Figure

    rows = -(-len(curves_of) // _COLUMNS)
    figure = Figure(figsize=(3.3 * _COLUMNS, 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, (name, curve) in zip(panels, curves_of.items(), strict=False):
        _draw(axes, curve, conditions[name])
        axes.set_xlabel(conditions[name].label)
    for axes in panels[::_COLUMNS]:
        axes.set_ylabel(score)
    for axes in panels[len(curves_of) :]:
        axes.set_axis_off()
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw(axes: Axes, curve: pd.DataFrame, condition: Condition) -> None:
    score, error = curve["score"].to_numpy(float), curve["error"].to_numpy(float)
    if condition.trained is None:
        places = np.arange(len(curve))
        axes.barh(places, score, xerr=error, color="C0")
        axes.set_yticks(places, list(curve["value"]), fontsize="x-small")
        axes.invert_yaxis()
        return
    axes.axvspan(*condition.trained, color="0.9", zorder=0)
    values = curve["value"].to_numpy(float)
    axes.errorbar(values, score, error, fmt=".-", color="C0", capsize=2)
    if condition.is_log:
        axes.set_xscale("log")
    axes.set_ylim(0, max(1.0, 1.05 * float(np.nanmax(score))))
    inside = score / curve["relative"].to_numpy(float)
    if np.isfinite(inside).all() and np.ptp(inside) < 1e-9:
        for level, style in ((0.95, "--"), (0.8, ":")):
            axes.axhline(level * inside[0], color="0.5", lw=0.8, ls=style)
