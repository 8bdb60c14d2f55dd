# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of an exported network on images of structures it was never trained on.

The network runs as it does for a user: on the pixels of the camera, through the same
resampling, standardization and tiling.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from hyperspy_hrtemnn.networks import Network, predict

from .conditions import draw_conditions, known_values
from .generation import data_path
from .images import expose
from .labels import masks
from .scores import f1_score
from .store import DataSet
from .whole_files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .parameters import ImageParameters
    from .recipe import Recipe

DOSE_BINS = (10, 30, 100, 200, 1000, 1e4, 1e6)
"""Edges of the bins of frame dose in which scores are given [e-/Å²]."""

MTF_RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "MTF 3": {"mtf_c1": (0.2, 0.3), "mtf_c3": (1.0, 5.0)},
    "MTF 4": {"mtf_c1": (0.25, 0.6), "mtf_c3": (2.0, 5.0)},
}
"""Cameras of the noise paper's table 3 with which scores are given."""

_RIM = 4.0  # of the field of view, where the atoms end, left out [Å]
_ROUND = 1000  # a seed of its own for these images


def evaluate(
    recipe: Recipe, folder: Path, network: Network, *, progress: bool = True
) -> pd.DataFrame:
    """Image every test structure once with each camera and compare masks.

    Parameters
    ----------
    recipe
        Conditions of the images. The dose is drawn evenly over the bins.
    folder
        Of the run, with the exit waves of the test set.
    network
        Any segmentation network of one class.
    progress
        Whether to show a progress bar.

    Returns
    -------
    One row an image: mtf, structure, the conditions, dose_bin, true_share and
    found_share of the image's area (at probability 0.9), f1 at 0.9 and f1_half at 0.5;
    the scores are nan where the image shows no particle.

    Raises
    ------
    ValueError
        If the recipe is not for masks of one class in single images.
    """
    images = recipe.images
    if (images.label, images.num_classes, images.channels) != ("Mask", 1, 1):
        raise ValueError(
            "Only masks of one class in single images are scored; the recipe has the "
            f"label {images.label}, {images.num_classes} classes and {images.channels} "
            "images."
        )
    data = DataSet(data_path(folder, "test"))
    rows = []
    jobs = [(name, index) for name in MTF_RANGES for index in range(len(data))]
    for name, index in tqdm(jobs, "evaluate", disable=not progress):
        b = index % (len(DOSE_BINS) - 1)
        low, high = np.log10(DOSE_BINS[b : b + 2])
        changed = {"log_dose": (float(low), float(high)), **MTF_RANGES[name]}
        parameters = recipe.images.model_copy(update=changed)
        # The same structure, place and optics for both cameras.
        rng = np.random.default_rng((recipe.seed, _ROUND, index))
        rows.append(
            {"mtf": name, "structure": index, "dose_bin": b}
            | _score(
                data, index, parameters, recipe.waves.energy, network=network, rng=rng
            )
        )
    return pd.DataFrame(rows)


def _score(
    data: DataSet,
    index: int,
    parameters: ImageParameters,
    energy: float,
    *,
    network: Network,
    rng: np.random.Generator,
) -> dict[str, float]:
    sample = data.read_sample(index)
    optics, camera = draw_conditions(parameters, energy, rng)
    size = (sample.extent[0] - 2 * _RIM, sample.extent[1] - 2 * _RIM)
    exposure = expose(sample, optics, camera, size, rng)
    truth = masks(sample, parameters.categories, exposure.grid())[..., 0]
    (probability,) = predict(network, exposure.counts[0], exposure.size[0] / len(truth))
    found = probability > 0.9
    seen = truth.any()
    return known_values(optics[0], camera) | {
        "true_share": truth.mean(),
        "found_share": found.mean(),
        "f1": f1_score(found, truth) if seen else np.nan,
        "f1_half": f1_score(probability > 0.5, truth) if seen else np.nan,
    }


def summarize(table: pd.DataFrame) -> dict[str, Any]:
    """Return the scores for the card: F1, area and false area by camera and dose.

    Parameters
    ----------
    table
        From `evaluate`.

    Returns
    -------
    For each camera, for each bin of dose: images with a particle, mean and 10th
    percentile of F1 at probability 0.9, mean F1 at 0.5, median of the found over the
    true area; and for the images without a particle, their number and the mean and
    largest found share of the field.
    """
    summary: dict[str, Any] = {"images": len(table), "probability": 0.9}
    for name, by_camera in table.groupby("mtf"):
        bins = {}
        for b, (low, high) in enumerate(pairwise(DOSE_BINS)):
            rows = by_camera[by_camera["dose_bin"] == b]
            shown = rows[rows["true_share"] > 0]
            bins[f"{low:g}-{high:g}"] = {
                "images": len(shown),
                "f1_mean": _rounded(shown["f1"].mean()),
                "f1_10th_percentile": _rounded(shown["f1"].quantile(0.1)),
                "f1_mean_at_0.5": _rounded(shown["f1_half"].mean()),
                "found_over_true_area": _rounded(
                    (shown["found_share"] / shown["true_share"]).median()
                ),
            }
        nothing = by_camera.loc[by_camera["true_share"] == 0, "found_share"]
        summary[str(name)] = {
            "dose": bins,
            "without_particle": {
                "images": len(nothing),
                "false_share_mean": _rounded(nothing.mean()),
                "false_share_largest": _rounded(nothing.max()),
            },
        }
    return summary


def _rounded(value: float | np.floating) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def plot_scores(table: pd.DataFrame, path: Path) -> None:
    """Draw F1 and found over true area against dose into a picture."""
    from matplotlib.figure import Figure

    shown = table[table["true_share"] > 0]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    centers = np.sqrt(np.multiply(DOSE_BINS[:-1], DOSE_BINS[1:]))
    ratio = shown["found_share"] / shown["true_share"]
    for i, (name, rows) in enumerate(shown.assign(ratio=ratio).groupby("mtf")):
        grouped = rows.groupby("dose_bin")
        for axes, column in ((left, "f1"), (right, "ratio")):
            axes.plot(rows["dose"], rows[column], ".", ms=3, alpha=0.4, color=f"C{i}")
            middle = (
                grouped[column].mean() if column == "f1" else grouped[column].median()
            )
            axes.plot(centers[middle.index], middle, "o-", color=f"C{i}", label=name)
    left.set(xscale="log", xlabel="dose (e⁻/Å²)", ylabel="F1 at p > 0.9", ylim=(0, 1))
    right.set(xlabel="dose (e⁻/Å²)", ylabel="found / true area", ylim=(0, 1.5))
    right.axhline(1, color="0.6", lw=0.8)
    left.legend(title="mean in each bin")
    right.legend(title="median in each bin")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)
