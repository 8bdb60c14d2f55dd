# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of a dose study: tables, a summary and pictures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hrtemnn_training.evaluation.report import (
    networks_of,
    write_summary,
    write_table,
)
from hrtemnn_training.generation import data_path
from hrtemnn_training.metrics.summary import rounded
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.analysis import dose_limits

from .plots import draw_frames, plot_doses
from .series import DosePlan, dose_series, dose_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe

LIMITS = ("half_dose", "convergence_dose", "converged_over_true_area")
"""Columns of the table of limits."""

_SHOWN = 5  # doses of which frames are drawn


def study_doses(
    recipe: Recipe,
    folder: Path,
    networks: Sequence[str] = (),
    *,
    plan: DosePlan | None = None,
    images: ImageParameters | None = None,
    stem: str = "dose",
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run networks over series of rising dose and write what they find.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder of the run, with the exit waves of the test set. Gets ``dose.csv``, a row
        for each frame and network; ``dose-limits.csv``, one for each structure and
        network;
        ``dose.json``, the summary with its conditions; ``dose.png``, areas and metrics
        against dose; and ``dose-frames.png``, frames of one structure with what is
        found in them.
    networks
        Names of shipped networks or paths of files; without any, the run's own.
    plan
        The frames.
    images
        Conditions other than the recipe's, see `change_images`.
    stem
        Stem of the names of the files, in place of dose.
    device
        What networks run on; see `hyperspy_hrtemnn.networks.load`.
    progress
        Whether to show a progress bar.

    Returns
    -------
    The summary of each network by name, see `summarize_doses`.
    """
    plan, images = plan or DosePlan(), images or recipe.images
    named = networks_of(recipe, folder, networks, device)
    table = dose_table(recipe, folder, named, plan, images=images, progress=progress)
    limits = limits_of(table)
    summary = summarize_doses(limits)
    write_table(table, folder / f"{stem}.csv")
    write_table(limits, folder / f"{stem}-limits.csv")
    plot_doses(table, summary, folder / f"{stem}.png")
    samples = _frames_to_show(recipe, folder, table, plan, images)
    draw_frames(recipe, named, samples, folder / f"{stem}-frames.png")
    written = {
        "recipe": recipe.name,
        "plan": asdict(plan),
        "images": images.model_dump(mode="json", exclude={"debug"}),
        "networks": summary,
    }
    write_summary(written, folder / f"{stem}.json")
    return summary


def _frames_to_show(
    recipe: Recipe,
    folder: Path,
    table: pd.DataFrame,
    plan: DosePlan,
    images: ImageParameters,
) -> list[Sample]:
    """Return frames of the structure whose mean F1 is the median of all."""
    mean = table.groupby("structure")["f1"].mean().sort_values()
    index = int(mean.index[(len(mean) - 1) // 2])
    steps = np.linspace(0, len(plan.doses) - 1, min(_SHOWN, len(plan.doses)))
    wanted = {plan.doses[i] for i in steps.round().astype(int)}
    data = DataSet(data_path(folder, "test"))
    return [
        sample
        for frame, sample in dose_series(recipe, data, index, plan, images)
        if frame == 0 and sample.exposure.detector.dose in wanted
    ]


def limits_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the doses of half the area and of convergence of each series.

    Parameters
    ----------
    table
        Table from `dose_table`.

    Returns
    -------
    A row for each network (``by``) and ``structure``: ``half_dose`` of the true area
    and ``convergence_dose`` [e-/Å²], NaN where there is none, and
    ``converged_over_true_area``; see `hyperspy_hrtemnn.analysis.dose_limits`.
    """
    rows = []
    for (name, structure), series in table.groupby(["by", "structure"], sort=False):
        true_area = series["true_area"].iloc[0]
        found = dose_limits(series["dose"], series["found_area"], true_area)
        values = (found.half, found.convergence, found.area / true_area)
        rows.append((name, structure, *values))
    return pd.DataFrame(rows, columns=["by", "structure", *LIMITS])


def summarize_doses(limits: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return median and spread over structures of the limits of each network.

    Parameters
    ----------
    limits
        Limits from `limits_of`.

    Returns
    -------
    By network, by limit: ``median``, ``10th percentile`` and ``90th percentile``, where
    a series that does not reach a dose counts as infinite, null, and ``reached``, the
    share of the series that do.
    """
    return {
        str(name): {limit: _spread(rows[limit]) for limit in LIMITS}
        for name, rows in limits.groupby("by", sort=False)
    }


def _spread(values: pd.Series[float]) -> dict[str, float | None]:
    # Without interpolation: between a dose and infinity there is none.
    q10, q50, q90 = np.quantile(
        values.fillna(np.inf), (0.1, 0.5, 0.9), method="inverted_cdf"
    )
    return {
        "median": rounded(q50),
        "10th percentile": rounded(q10),
        "90th percentile": rounded(q90),
        "reached": rounded(values.notna().mean()),
    }
