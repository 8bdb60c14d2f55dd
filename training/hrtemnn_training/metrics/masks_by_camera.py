# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of masks by camera and dose, as in the noise paper, for their cards."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .summary import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from hrtemnn_training.images.keys import ImageKeys

_DOSES = (10, 30, 100, 200, 1000, 1e4, 1e6)

MTF_RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "MTF 3": {"mtf_c1": (0.2, 0.3), "mtf_c3": (1.0, 5.0)},
    "MTF 4": {"mtf_c1": (0.25, 0.6), "mtf_c3": (2.0, 5.0)},
}
"""Cameras of the noise paper's table 3 with which metrics are given."""


def dose_bins(images: ImageKeys) -> tuple[float, ...]:
    """Return the edges of the bins in which metrics are given [e-/Å²].

    Those of the noise paper's figures, as far as a recipe's range of doses goes.
    """
    low, high = (10.0**bound for bound in images.widest("log_dose"))
    return (low, *(dose for dose in _DOSES if low < dose < high), high)


def camera_plan(
    images: ImageKeys, count: int
) -> Iterator[tuple[int, ImageKeys, dict[str, Any]]]:
    """Yield the images that are evaluated: each structure once with each camera.

    Parameters
    ----------
    images
        All other ranges. The dose is drawn evenly over the bins.
    count
        Number of structures.

    Yields
    ------
    Structure, ranges, and camera (``mtf``) and bin of the dose (``dose_bin``) by name.
    """
    bins = list(pairwise(dose_bins(images)))
    for name, ranges in MTF_RANGES.items():
        for index in range(count):
            low, high = bins[index % len(bins)]
            doses = (float(np.log10(low)), float(np.log10(high)))
            changed = {"log_dose": doses, **ranges}
            known = {"mtf": name, "dose_bin": f"{low:g}-{high:g}"}
            yield index, images.changed(changed), known


def mean_f1_by_camera(cameras: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return mean F1 by camera and dose from `summarize_masks`."""
    return {
        camera: {doses: bins["f1_mean"] for doses, bins in part["dose"].items()}
        for camera, part in cameras.items()
        if isinstance(part, dict)
    }


def summarize_masks(
    table: pd.DataFrame, threshold: float | None = None
) -> dict[str, Any]:
    """Return the metrics for the card: F1, area and false area by camera and dose.

    Parameters
    ----------
    table
        Rows of one contender in the table of `evaluate`.
    threshold
        Probability from which pixels are taken for a particle's, if there is one.

    Returns
    -------
    Number of images; ``probability``, the threshold, if there is one; for each camera,
    for each bin of dose: images with a particle, mean and 10th
    percentile of F1 at the threshold, mean F1 at 0.5, median of the found over the
    true area; and for the images without a particle, their number and the mean and
    largest found share of the field.
    """
    summary: dict[str, Any] = {"images": len(table)}
    if threshold is not None:
        summary["probability"] = threshold
    for name, by_camera in table.groupby("mtf"):
        bins = {}
        # In the order of the plan, which is that of the doses.
        for doses, rows in by_camera.groupby("dose_bin", sort=False):
            shown = rows[rows["true_share"] > 0]
            bins[str(doses)] = {
                "images": len(shown),
                "f1_mean": rounded(shown["f1"].mean()),
                "f1_10th_percentile": rounded(shown["f1"].quantile(0.1)),
                "f1_mean_at_0.5": rounded(shown["f1_half"].mean()),
                "found_over_true_area": rounded(
                    (shown["found_share"] / shown["true_share"]).median()
                ),
            }
        nothing = by_camera.loc[by_camera["true_share"] == 0, "found_share"]
        summary[str(name)] = {
            "dose": bins,
            "without_particle": {
                "images": len(nothing),
                "false_share_mean": rounded(nothing.mean()),
                "false_share_largest": rounded(nothing.max()),
            },
        }
    return summary
